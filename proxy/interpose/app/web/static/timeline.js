// The conversation in two lanes, drawn only where one looks.
import { rows } from "./feed.js";
import { html } from "./html.js";
import { about, search, selected, view } from "./state.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { clock, safe, took } from "./words.js";

const WIDE = 30, NARROW = 54, BEYOND = 8;
const FATES = { held: "held", changed: "changed", stopped: "stopped", noted: "noted" };
const phone = matchMedia("(max-width: 46rem)");
export const height = () => (phone.matches ? NARROW : WIDE);

export function Timeline() {
  const list = rows.value;
  const box = useRef(null);
  const [top, setTop] = useState(0);
  const [room, setRoom] = useState(600);
  const follow = useRef(true), left = useRef(0); // whether to stay at the end, and where the box was left
  useEffect(() => {
    const watch = new ResizeObserver(() => setRoom(box.current?.clientHeight ?? 600));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  list?.changed.value;
  const order = list?.order ?? [], each = height();
  useEffect(() => {
    follow.current = about.value?.live ?? true;
    left.current = 0;
    if (box.current) box.current.scrollTop = 0;
  }, [list]);
  useEffect(() => {
    if (!follow.current || !about.value?.live || !box.current) return;
    if (box.current.scrollTop < left.current - each) return void (follow.current = false); // its event is on the way
    box.current.scrollTop = order.length * each;
    left.current = box.current.scrollTop;
  });
  useEffect(() => {
    const at = selected.value === null ? -1 : place(order, selected.value);
    if (at < 0 || !box.current) return;
    const { scrollTop, clientHeight } = box.current;
    if (at * each < scrollTop) box.current.scrollTop = at * each;
    else if ((at + 1) * each > scrollTop + clientHeight) box.current.scrollTop = (at + 1) * each - clientHeight;
  }, [selected.value]);
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    follow.current = scrollHeight - scrollTop - clientHeight < each * 1.5;
    left.current = scrollTop;
    setTop(scrollTop);
  };
  const first = Math.max(0, Math.floor(top / each) - BEYOND);
  const last = Math.min(order.length, Math.ceil((top + room) / each) + BEYOND);
  const shown = order.slice(first, last);
  useEffect(() => list?.want(shown));
  return html`<div class="timeline" ref=${box} onScroll=${scrolled} tabIndex="0" role="listbox" aria-label="conversation" aria-activedescendant=${selected.value === null ? undefined : `row-${selected.value}`}>
    ${!order.length && html`<${Empty} list=${list} />`}
    <div class="tall" style=${{ height: `${order.length * each}px` }}>
      ${shown.map((number, at) => html`<${Row} key=${number} row=${list.get(number)} number=${number} at=${first + at} of=${order.length} top=${(first + at) * each} chosen=${selected.value === number} />`)}
    </div>
  </div>`;
}

function Empty({ list }) {
  if (list === null)
    return html`<div class="empty"><p>No session yet.</p><p>No client has connected: put interpose in front of a server with <code>interpose wrap CLIENT</code>, or open a recording.</p><button onClick=${() => (view.value = "recordings")}>See the recordings</button></div>`;
  if (list.searching.value) return html`<p class="empty">Looking …</p>`;
  if (search.value) return html`<div class="empty"><p>Nothing in this session is like that.</p><button onClick=${() => (search.value = "")}>Show everything</button></div>`;
  return html`<p class="empty">Nothing was said yet. What the client and the server say appears here as it happens.</p>`;
}

function Row({ row, number, at, of, top, chosen }) {
  const style = { transform: `translateY(${top}px)` };
  if (!row) return html`<div class="row unread" style=${style} role="option" aria-selected="false" aria-label="being read" aria-posinset=${at + 1} aria-setsize=${of}></div>`;
  const state = row.state ?? row;
  const word = row.type === "request" || row.type === "ask" ? state.word : row.word;
  const inside = row.inside?.length > 0;
  const classes = ["row", row.type, row.from ?? "none", inside && "inside", (row.failed || state.failed) && "failed", row.fate, row.own && "own", chosen && "chosen"];
  return html`<div id=${`row-${number}`} class=${classes.filter(Boolean).join(" ")} style=${style} role="option" aria-selected=${chosen} aria-posinset=${at + 1} aria-setsize=${of} onClick=${() => (selected.value = number)}>
    <time>${about.value ? clock(about.value.epoch + row.at) : ""}</time>
    <span class="number">${row.type === "notification" ? "" : row.number}</span>
    <${Lane} row=${row} />
    <span class="label" title=${row.label}>${inside && html`<span class="nested" aria-hidden="true">└ </span>`}${safe(row.label || row.type)}</span>
    <span class="outcome"><span class=${state.style || "dim"}>${word && safe(word)}</span>${" "}<span class="took">${took(state.seconds ?? row.seconds)}</span></span>
    <span class="said"><${Marks} row=${row} state=${state} />
    <span class="text">${inside && html`<span class="where">in ${row.inside.join(row.sure === false ? " or " : ", ")}${row.more ? ` and ${row.more} more` : ""}${row.sure === false ? " ?" : ""} </span>`}${safe(row.text ?? "")}${row.text && (state.reply || row.reply) ? html`<span class="dim"> ⇒ </span>` : ""}${safe(state.reply ?? row.reply ?? "")}</span></span>
  </div>`;
}

// Client at the left, server at the right, an arrow the way the message went.
export function Lane({ row }) {
  const said = ["request", "answer", "notification", "noise"].includes(row.type) || row.type === "ask";
  const way = said ? (row.from === "server" ? "from server to client" : "from client to server") : "a fact";
  return html`<span class="lane" role="img" aria-label=${way}>${said && html`<i class=${row.fate === "stopped" || row.fate === "held" ? row.fate : ""}></i>`}</span>`;
}

export function Marks({ row, state }) {
  const told = row.ruled || state?.ruled;
  return html`<span class="marks">${row.notes?.length > 0 && html`<span class="badge warn" title="odd">! ${row.notes.join(", ").replaceAll("-", " ")}</span>`}${row.fate && html`<span class=${`badge ${row.fate}`} title=${told}>${FATES[row.fate]}</span>`}${row.own && html`<span class="badge own" title="said by interpose">interpose</span>`}</span>`;
}

// Where a row stands in an order that grows: numbers only go up.
export function place(order, number) {
  let low = 0, high = order.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (order[middle] === number) return middle;
    if (order[middle] < number) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
