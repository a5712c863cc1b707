// The page: which session, what waits, the view, one message in detail.
import { Detail } from "./detail.js";
import { begin } from "./feed.js";
import { html } from "./html.js";
import { Help, listenToKeys } from "./keys.js";
import { Library } from "./library.js";
import { about, choose, chosen, connected, helping, now, search, selected, sessions, trouble, view } from "./state.js";
import { Tasks } from "./tasks.js";
import { Timeline } from "./timeline.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { render } from "./vendor/preact.js";
import "./vendor/signals.js";
import { Waiting } from "./waiting.js";
import { clock, safe } from "./words.js";

const VIEWS = { timeline: "Timeline", tasks: "Tasks", recordings: "Recordings" };
const CHIPS = { All: "", Requests: "kind:request", Asks: "kind:ask", Notifications: "kind:notification", Held: "fate:held", Changed: "fate:changed", Errors: "status:error" };
const EXPORTS = { html: "one page to read offline (HTML)", mermaid: "sequence diagram (Mermaid)", har: "HTTP exchanges (HAR)", otlp: "spans (OpenTelemetry)", jsonl: "the recording itself" };

function Page() {
  return html`<${Head} /><main class=${selected.value !== null && view.value === "timeline" ? "split" : ""}>
    <${Waiting} />
    ${view.value === "timeline" && html`<${Search} /><div class="work"><${Timeline} /><${Detail} key=${selected.value} /></div>`}
    ${view.value === "tasks" && html`<${Tasks} />`}
    ${view.value === "recordings" && html`<${Library} />`}
  </main>${trouble.value && html`<div class="trouble" role="alert">${safe(trouble.value)} <button class="close" aria-label="close" onClick=${() => (trouble.value = "")}>✕</button></div>`}${helping.value && html`<${Help} />`}`;
}

function Head() {
  const told = about.value;
  return html`<header class="head">
    <h1><img src="mark.svg" alt="" width="20" height="20" /> interpose</h1>
    <select aria-label="session" value=${chosen.value} onChange=${(event) => choose(event.target.value)}>
      ${!sessions.value.length && html`<option value="">no session yet</option>`}
      ${sessions.value.map((each) => html`<option key=${each.session} value=${each.session}>${each.live ? "● " : ""}${safe(each.server)} · ${safe(each.transport)} · ${clock(new Date(each.started).getTime() / 1000).slice(0, 8)}</option>`)}
    </select>
    <nav aria-label="views">${Object.entries(VIEWS).map(([key, word]) => html`<button key=${key} aria-current=${view.value === key ? "page" : undefined} onClick=${() => (view.value = key)}>${word}</button>`)}</nav>
    <span class=${`feed ${connected.value ? "good" : "bad"}`} role="status">${connected.value ? "● connected" : "○ not connected: has interpose ended?"}</span>
    <button class="help" aria-label="keys" title="keys" onClick=${() => (helping.value = true)}>?</button>
    ${told && html`<p class="about">${[told.reading ? "reading …" : told.live ? "live" : (told.ended ? safe(told.ended) : "ended without a last line"), told.version && `MCP ${safe(told.version)}`, told.client?.name && `${safe(told.client.name)} → ${safe(told.server?.name ?? told.name)}`, told.policies.map((each) => `policy ${safe(each.name ?? "")}`).join(", "), told.tally].filter(Boolean).join(" · ")}${told.problem && html` <b class="bad">! ${safe(told.problem)}</b>`}</p>`}
  </header>`;
}

function Search() {
  const [text, setText] = useState(search.value);
  const later = useRef(0); // what is typed is searched for when the typing pauses; a press ends that at once
  const say = (words, wait) => {
    clearTimeout(later.current);
    setText(words);
    const go = () => {
      later.current = 0;
      search.value = words.trim();
    };
    if (wait) later.current = setTimeout(go, wait);
    else go();
  };
  useEffect(() => {
    if (!later.current) setText(search.value);
  }, [search.value]);
  return html`<div class="search" role="search">
    <input id="search" type="search" aria-label="search" placeholder="words method:tools/* tool: dir:server status:error kind: rule: in:#3" value=${text} onInput=${(event) => say(event.target.value, 200)} />
    <div class="chips" role="group" aria-label="only">${Object.entries(CHIPS).map(([word, query]) => html`<button key=${word} aria-pressed=${search.value === query} onClick=${() => say(query, 0)}>${word}</button>`)}</div>
    <${Export} />
  </div>`;
}

function Export() {
  const go = (event) => {
    const kind = event.target.value;
    event.target.value = "";
    const link = document.createElement("a");
    link.href = `api/export?session=${encodeURIComponent(chosen.value)}&format=${kind}`;
    link.download = "";
    link.click();
  };
  return html`<select class="export" aria-label="export" onChange=${go} disabled=${!chosen.value} value=""><option value="">Export …</option>${Object.entries(EXPORTS).map(([kind, word]) => html`<option key=${kind} value=${kind}>${word}</option>`)}</select>`;
}

setInterval(() => (now.value = Date.now() / 1000), 500);
begin();
listenToKeys();
document.getElementById("page").textContent = "";
render(html`<${Page} />`, document.getElementById("page"));
