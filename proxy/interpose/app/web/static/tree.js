// A message as a tree that folds.
import { html } from "./html.js";
import { read, unquoted } from "./json.js";
import { useState } from "./vendor/hooks.js";
import { bytes, plural, safe } from "./words.js";

const OPEN_DEPTH = 3, AT_ONCE = 100, LONG = 600;

export function Tree({ text }) {
  const node = read(text);
  if (node === null) return html`<${Long} text=${text} className="raw" />`;
  return html`<div class="tree" role="tree" aria-label="message"><${Node} node=${node} depth=${0} /></div>`;
}

function Node({ name, node, depth }) {
  const label = name === undefined ? "" : html`<span class="key">${safe(name)}</span>`;
  if (node.kind === "string") return html`<div class="leaf" role="treeitem">${label}<${Long} text=${`"${unquoted(node.text)}"`} className="string" /></div>`;
  if (node.kind === "plain") return html`<div class="leaf" role="treeitem">${label}<span class="plain">${safe(node.text.slice(0, LONG))}</span></div>`;
  return html`<${Branch} label=${label} node=${node} depth=${depth} />`;
}

function Branch({ label, node, depth }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH && node.members.length <= 40);
  const [most, setMost] = useState(AT_ONCE);
  const [begin, end] = node.kind === "object" ? "{}" : "[]";
  if (!node.members.length) return html`<div class="leaf" role="treeitem">${label}<span class="dim">${begin}${end}</span></div>`;
  const count = plural(node.members.length, node.kind === "object" ? "member" : "item");
  return html`<div class="branch" role="treeitem" aria-expanded=${open}>
    <button class="fold" aria-label=${open ? "fold" : "unfold"} onClick=${() => setOpen(!open)}><span aria-hidden="true">${open ? "▾" : "▸"}</span>${label}<span class="dim">${open ? begin : `${begin} ${count} ${end}`}</span></button>
    ${open &&
    html`<div class="inner" role="group">
      ${node.members.slice(0, most).map(([key, each], number) => html`<${Node} key=${number} name=${typeof key === "string" ? String(unquoted(key)) : String(key)} node=${each} depth=${depth + 1} />`)}
      ${node.members.length > most && html`<button class="more" onClick=${() => setMost(most + AT_ONCE)}>${node.members.length - most} more</button>`}
    </div>`}
  </div>`;
}

// Text of any length: the rest of a long one only when somebody asks for it.
export function Long({ text, className, lines = false }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? text : text.slice(0, LONG);
  const told = lines ? shown.split("\n").map(safe).join("\n") : safe(shown);
  return html`<span class=${className}>${told}${text.length > LONG && !whole && html`<button class="more" onClick=${() => setWhole(true)}>… all ${bytes(text.length)}</button>`}</span>`;
}
