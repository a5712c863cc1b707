// One message whole: as a tree, what was changed in it, the call it belongs to, and its bytes.
import { get, session } from "./ask.js";
import { rows } from "./feed.js";
import { html } from "./html.js";
import { differences } from "./json.js";
import { Sequence } from "./sequence.js";
import { chosen, selected } from "./state.js";
import { Long, Tree } from "./tree.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { signal } from "./vendor/signals.js";
import { safe } from "./words.js";

export const tab = signal("message");
const TABS = { message: "Message", answer: "Answer", changes: "Changes", call: "Call", raw: "Raw", facts: "Facts" };

export function Detail() {
  const number = selected.value, name = chosen.value;
  const [found, setFound] = useState(null);
  rows.value?.changed.value;
  const row = number === null ? undefined : rows.value?.get(number);
  const line = row?.n, answer = row?.state?.answer;
  useEffect(() => {
    let left = false;
    setFound(null);
    if (line !== undefined) get(`${session(name)}/entries/${line}`).then((told) => left || setFound(told), (error) => left || setFound({ error: error.message }));
    return () => (left = true);
  }, [name, line]);
  if (number === null || !row) return null;
  const has = { message: true, answer: answer !== undefined, changes: Boolean(found?.delivered || found?.ruled), call: Boolean(row.number || row.inside?.length || row.of !== undefined), raw: true, facts: true };
  const open = has[tab.value] ? tab.value : "message";
  return html`<aside class="detail" aria-label="message in detail">
    <header><h2>${row.number && html`<b>${row.number}</b> `}${safe(row.label || row.type)}</h2><button class="close" aria-label="close" onClick=${() => (selected.value = null)}>✕</button></header>
    <div class="tabs" role="tablist">${Object.entries(TABS).filter(([key]) => has[key]).map(([key, word]) => html`<button key=${key} role="tab" id=${`tab-${key}`} aria-selected=${open === key} onClick=${() => (tab.value = key)}>${word}</button>`)}</div>
    <div class="panel" role="tabpanel" aria-labelledby=${`tab-${open}`}>${found === null ? html`<p class="dim">Reading …</p>` : found.error ? html`<p class="bad">${found.error}</p>` : html`<${Panel} open=${open} found=${found} row=${row} answer=${answer} />`}</div>
  </aside>`;
}

function Panel({ open, found, row, answer }) {
  if (open === "call") return html`<${Sequence} row=${row} />`;
  if (open === "answer") return html`<${AnswerOf} number=${answer} />`;
  if (open === "changes") return html`<${Changes} found=${found} />`;
  if (open === "raw") return html`<p class="dim">${found.size}, as it came${found.cut ? `; ${found.cut} more bytes are not shown` : ""}</p><pre class="raw"><${Long} text=${found.message ?? found.text ?? ""} lines=${true} /></pre>`;
  if (open === "facts") return html`<${Facts} found=${found} row=${row} />`;
  return html`${found.ruled && html`<p class="ruled">${safe(found.ruled)}</p>`}${found.message === null ? html`<p class="words"><${Long} text=${found.text || found.reason || row.text || ""} lines=${true} /></p>` : html`<${Tree} text=${found.message} />`}`;
}

function AnswerOf({ number }) {
  const [found, setFound] = useState(null);
  const name = chosen.value;
  useEffect(() => {
    let left = false;
    get(`${session(name)}/rows?ids=${number}`)
      .then((told) => get(`${session(name)}/entries/${told.rows[0].n}`))
      .then((told) => left || setFound(told), (error) => left || setFound({ message: null, text: error.message }));
    return () => (left = true);
  }, [name, number]);
  if (found === null) return html`<p class="dim">Reading …</p>`;
  return html`${found.ruled && html`<p class="ruled">${safe(found.ruled)}</p>`}${found.message === null ? safe(found.text ?? "") : html`<${Tree} text=${found.message} />`}`;
}

function Changes({ found }) {
  const rules = (found.verdict?.rules ?? []).filter((each) => each && typeof each === "object");
  const changes = found.delivered && found.message ? differences(found.message, found.delivered) : [];
  return html`<p class="ruled">${safe(found.ruled ?? "")}</p>
    ${rules.length > 0 && html`<table class="rules"><thead><tr><th>rule</th><th>did</th><th>why</th></tr></thead><tbody>${rules.map((each, at) => html`<tr key=${at}><td>${safe(String(each.rule ?? ""))}</td><td>${safe(String(each.do ?? ""))}${each.acted === false ? " (did not act)" : ""}</td><td>${safe(String(each.why ?? ""))}</td></tr>`)}</tbody></table>`}
    ${changes.map((each, at) => html`<div class="change" key=${at}><code>${safe(each.path)}</code>${each.before !== undefined && html`<p class="before"><b>−</b> <${Long} text=${each.before} /></p>`}${each.after !== undefined && html`<p class="after"><b>+</b> <${Long} text=${each.after} /></p>`}</div>`)}
    ${found.delivered ? !changes.length && html`<p class="dim">What went on is the same but for its spelling.</p>` : html`<p class="dim">Nothing was put in its place.</p>`}`;
}

function Facts({ found, row }) {
  const told = [
    ["entry", found.seq],
    ["from", found.from],
    ["channel", found.channel],
    ["kind", found.kind],
    ["said by", found.by],
    ["inside", row.inside?.join(", ")],
    ["odd", found.odd],
    ["status", found.http?.status || ""],
    ["decision", found.decision],
    ["by", found.approver],
    ...Object.entries(found.sse ?? {}).filter(([, value]) => value !== null && value !== 0).map(([key, value]) => [`sse ${key}`, value]),
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`<dl class="facts">${told.map(([key, value]) => html`<div key=${key}><dt>${key}</dt><dd>${safe(String(value))}</dd></div>`)}</dl>
    ${found.http?.headers?.length > 0 && html`<h3>headers</h3><dl class="facts">${found.http.headers.map(([key, value], at) => html`<div key=${at}><dt>${safe(key)}</dt><dd>${safe(value)}</dd></div>`)}</dl>`}`;
}
