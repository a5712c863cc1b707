// Exactly what happens when a held message is approved. Addresses are text here: nothing on this page opens them.
import { html } from "./html.js";
import { Long, Tree } from "./tree.js";
import { useState } from "./vendor/hooks.js";
import { plural, safe } from "./words.js";

export function Consent({ found }) {
  const [raw, setRaw] = useState(false);
  return html`<div class="consent">
    <p>If you allow it, this goes <b>${found.goes}</b> <b class="named">${safe(found.server)}</b>${found.address && html` <code>${safe(found.address)}</code>`}</p>
    ${found.asks.map((ask, at) => html`<${Ask} key=${at} ask=${ask} />`)}
    ${found.arguments && html`<dl class="arguments">${found.arguments.map((each, at) => html`<div key=${at}><dt>${safe(each.name)} <span class="dim">${each.size}</span></dt><dd><${Words} said=${each} /></dd></div>`)}</dl>`}
    ${!found.asks.length && !found.arguments && html`<${Tree} text=${found.message} />`}
    <button class="more" aria-expanded=${raw} onClick=${() => setRaw(!raw)}>${raw ? "hide" : "show"} the whole message (${found.size}${found.cut ? ", cut" : ""})</button>
    ${raw && html`<${Tree} text=${found.message} />`}
  </div>`;
}

function Ask({ ask }) {
  if (ask.kind === "sampling")
    return html`<section class="ask"><h3>The client's model is to answer</h3>
      <p class="dim">What leaves: ${plural(ask.count ?? 0, "message")}, ${ask.size}${ask.system ? ", a system prompt" : ""} · context of other servers: ${ask.context} · ${ask.tokens === null ? "no limit of tokens" : `at most ${ask.tokens} tokens`}${ask.tools?.length ? ` · tools: ${ask.tools.join(", ")}` : ""}</p>
      ${ask.system && html`<h4>system prompt</h4><${Words} said=${ask.system} />`}
      ${ask.messages?.map((each, at) => html`<div key=${at}><h4>${safe(each.role)} <span class="dim">${each.size}</span></h4><${Words} said=${each} /></div>`)}
    </section>`;
  if (ask.kind === "elicitation")
    return html`<section class="ask"><h3>${ask.url ? "The user is to open an address" : "The user is to fill in a form"}</h3>
      ${ask.text && html`<${Words} said=${ask.text} />`}
      ${ask.fields?.length > 0 && html`<ul class="fields">${ask.fields.map((each, at) => html`<li key=${at}><b>${each.shown}</b> ${each.title} <span class="dim">${each.type}${each.required ? ", required" : ""}${each.titles.length ? `: ${safe(each.titles.join(", "))}` : ""}</span> ${each.description}</li>`)}</ul>`}
      ${ask.url && html`<${Address} url=${ask.url} />`}
    </section>`;
  if (ask.kind === "roots") return html`<section class="ask"><h3>The client is to name its folders (roots)</h3></section>`;
  return html`<section class="ask"><h3>${safe(ask.kind)}</h3></section>`;
}

// The host stands out, and stands last on its own line: a long address must not push it away.
function Address({ url }) {
  return html`<div class="address"><code class="url"><${Long} text=${url.before} /><mark>${url.host}</mark><${Long} text=${url.after} /></code>
    <p>It leads to <mark class="host">${url.host || "nowhere that can be told"}</mark></p>
    ${url.doubts.map((doubt) => html`<p class="bad" key=${doubt}>! ${doubt}</p>`)}</div>`;
}

function Words({ said }) {
  return html`<div class="words"><${Long} text=${said.text} lines=${true} />${said.cut > 0 && html`<p class="warn">${said.cut} more characters are in the message and not shown here</p>`}</div>`;
}
