// The keyboard: through the rows, into the search, and about what is held.
import { rows } from "./feed.js";
import { decide, doing, inHand } from "./holds.js";
import { html } from "./html.js";
import { helping, pending, search, selected, view } from "./state.js";
import { place } from "./timeline.js";
import { useEffect, useRef } from "./vendor/hooks.js";

const KEYS = [
  ["j k", "the next and the previous message"],
  ["g G", "the first and the last one"],
  ["Enter", "see the message in detail"],
  ["Esc", "close it; leave the search"],
  ["/", "search"],
  ["[ ]", "the previous and the next that waits for approval"],
  ["a", "allow what is open above (its button has to be ready)"],
  ["e", "edit and allow it"],
  ["d", "decline it"],
  ["t T R", "timeline, tasks, recordings"],
  ["?", "these keys"],
];

const WORK = {
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  g: () => jump(0),
  G: () => jump(-1),
  "/": () => document.getElementById("search")?.focus(),
  "?": () => (helping.value = !helping.value),
  t: () => (view.value = "timeline"),
  T: () => (view.value = "tasks"),
  R: () => (view.value = "recordings"),
  "[": () => hold(-1),
  "]": () => hold(1),
  a: () => way("approve"),
  e: () => way("edit"),
  d: () => inHand.value && decide(inHand.value, "decline"),
  Enter: () => document.querySelector('.detail [role="tab"]')?.focus(),
  Escape: () => escape(),
};

export function listenToKeys() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches("input, textarea, select");
    const pressing = event.target.matches("button, a") && (event.key === "Enter" || event.key === " ");
    if (event.key === "Escape" && typing) event.target.blur();
    else if (!typing && !pressing && WORK[event.key] && (!event.repeat || ["j", "k", "ArrowDown", "ArrowUp"].includes(event.key))) {
      if (event.key.startsWith("Arrow") && !event.target.matches(".timeline, body")) return;
      event.preventDefault();
      WORK[event.key]();
    }
  });
}

function step(by) {
  const order = rows.value?.order ?? [];
  if (view.value !== "timeline" || !order.length) return;
  const at = selected.value === null ? (by > 0 ? -1 : order.length) : place(order, selected.value);
  selected.value = order[Math.min(order.length - 1, Math.max(0, at + by))];
}

function jump(to) {
  const number = rows.value?.order.at(to);
  if (number !== undefined) selected.value = number;
}

function hold(by) {
  const holds = pending.value.first.map((each) => each.hold);
  if (holds.length) inHand.value = holds[(holds.indexOf(inHand.value) + by + holds.length) % holds.length];
}

// Only what is open and ready: the same as a press on its button.
function way(name) {
  document.querySelector(`.hold.open [data-way="${name}"]:not([disabled])`)?.click();
}

function escape() {
  if (helping.value) helping.value = false;
  else if (doing.value) doing.value = null;
  else if (selected.value !== null) selected.value = null;
  else search.value = "";
}

export function Help() {
  const box = useRef(null);
  useEffect(() => box.current?.focus(), []);
  return html`<div class="help-box" role="dialog" aria-label="keys" tabIndex="-1" ref=${box}><header><h2>Keys</h2><button class="close" aria-label="close" onClick=${() => (helping.value = false)}>✕</button></header>
    <dl>${KEYS.map(([key, word]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${word}</dd></div>`)}</dl></div>`;
}
