// One call with all that happened inside it, as a diagram: client at the left, server at the right.
import { get, session } from "./ask.js";
import { rows } from "./feed.js";
import { html } from "./html.js";
import { chosen, selected } from "./state.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { safe, took } from "./words.js";

export function Sequence({ row }) {
  const [found, setFound] = useState(null);
  const name = chosen.value;
  const settled = row.state?.answer;
  useEffect(() => {
    let left = false;
    get(`${session(name)}/call/${row.i}`).then((told) => left || setFound(told), (error) => left || setFound({ rows: [], states: {}, error: error.message }));
    return () => (left = true);
  }, [name, row.i, settled]);
  if (found === null) return html`<p class="dim">Reading …</p>`;
  if (found.error) return html`<p class="bad">${found.error}</p>`;
  const between = found.rows.some((each) => each.own || ["held", "changed", "stopped"].includes(each.fate));
  const start = found.rows[0]?.at ?? 0;
  return html`<div class=${`sequence ${between ? "between" : ""}`}>
    <div class="ends" aria-hidden="true"><span>client</span>${between && html`<span>interpose</span>`}<span>server</span></div>
    <ol>${found.rows.map((each) => html`<${Step} key=${each.i} row=${each} state=${found.states[each.i]} start=${start} top=${found.rows[0]} />`)}</ol>
  </div>`;
}

function Step({ row, state, start, top }) {
  const nested = row.number !== top.number && row.type !== "fact";
  const said = row.type !== "fact" && row.type !== "http" && row.type !== "stderr";
  const go = () => (rows.value.want([row.i]), (selected.value = row.i));
  const word = row.type === "answer" ? row.word : row.type === "ask" ? state?.word : "";
  return html`<li class=${["step", row.type, row.from, row.fate, row.own && "own", nested && "nested"].filter(Boolean).join(" ")}>
    <button class="plainly" onClick=${go}><span class="dim">+${(row.at - start).toFixed(3)}</span> <b>${row.number}</b> ${safe(row.label || row.type)} <span class=${row.style || state?.style || "dim"}>${safe(word ?? "")}</span> <span class="dim">${row.type === "answer" ? took(row.seconds) : ""}</span></button>
    ${said && html`<span class="wire" role="img" aria-label=${row.from === "server" ? "from server to client" : "from client to server"}><i></i></span>`}
    ${(row.text || row.reply) && html`<p class="dim small">${safe(row.text || row.reply)}</p>`}
    ${row.ruled && html`<p class="ruled small">${safe(row.ruled)}</p>`}
  </li>`;
}
