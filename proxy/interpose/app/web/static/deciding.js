// To decide otherwise than by yes or no: change the message, or answer in the user's place.
import { html } from "./html.js";
import { indented, read } from "./json.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { safe } from "./words.js";

// What was opened comes into sight, however long the message above it is.
export function Opened({ children }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.scrollIntoView({ block: "start" });
    box.current.querySelector("textarea, input, select, button")?.focus({ preventScroll: true });
  }, []);
  return html`<div class="opened" ref=${box}>${children}</div>`;
}

export function Edit({ found, on }) {
  const [text, setText] = useState(() => indented(found.message));
  const wrong = read(text) === null;
  if (found.cut) return html`<p class="warn">This message is too large to be changed here.</p>`;
  return html`<div class="form"><label>The message as it shall go on; the policy judges it again.<textarea class="code" rows="12" spellcheck="false" aria-invalid=${wrong} value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
    ${wrong && html`<p class="bad">This is no JSON.</p>`}
    <button class="way edit" data-way="send-edit" disabled=${wrong} onClick=${() => on("edit", { edited: text })}>Allow this</button></div>`;
}

export function Answer({ found, on }) {
  const ask = found.asks[0];
  if (found.asks.length === 1 && ask.kind === "elicitation" && ask.mode === "form") return html`<${Form} ask=${ask} on=${on} />`;
  if (found.asks.length === 1 && ask.kind === "sampling") return html`<${Spoken} on=${on} />`;
  return html`<${Plain} asks=${found.asks} on=${on} />`;
}

function Form({ ask, on }) {
  const [values, setValues] = useState(() => Object.fromEntries(ask.fields.filter((each) => each.default !== null).map((each) => [each.name, each.default])));
  const put = (name, value) => setValues({ ...values, [name]: value });
  const missing = ask.fields.filter((each) => each.required && each.type !== "boolean" && (values[each.name] ?? "").length === 0);
  const send = () => {
    const content = {};
    for (const each of ask.fields) {
      const value = values[each.name];
      if (each.type === "boolean") content[each.name] = Boolean(value);
      else if (value !== undefined && value !== "") content[each.name] = each.type === "number" || each.type === "integer" ? Number(value) : each.type === "array" && !Array.isArray(value) ? value.split(",").map((one) => one.trim()) : value;
    }
    on("answer", { answer: JSON.stringify({ action: "accept", content }) });
  };
  return html`<div class="form">
    ${ask.fields.map((each) => html`<label key=${each.name}>${safe(each.title || each.name)}${each.required ? " *" : ""} <span class="dim">${each.description}</span><${Field} field=${each} value=${values[each.name]} put=${put} /></label>`)}
    <button class="way answer" data-way="send-answer" disabled=${missing.length > 0} onClick=${send}>Answer with this</button></div>`;
}

function Field({ field, value, put }) {
  const on = (event) => put(field.name, event.target.value);
  if (field.type === "boolean") return html`<input type="checkbox" name=${field.name} checked=${Boolean(value)} onChange=${(event) => put(field.name, event.target.checked)} />`;
  const options = field.choices.map((each, at) => html`<option key=${each} value=${each} selected=${[value].flat().includes(each)}>${safe(field.titles[at])}</option>`);
  if (field.type === "array" && options.length) return html`<select multiple size=${Math.min(6, options.length)} name=${field.name} onChange=${(event) => put(field.name, [...event.target.selectedOptions].map((each) => each.value))}>${options}</select>`;
  if (options.length) return html`<select name=${field.name} value=${value ?? ""} onChange=${on}><option value=""></option>${options}</select>`;
  return html`<input type=${field.type === "number" || field.type === "integer" ? "number" : "text"} step="any" autocomplete="off" name=${field.name} value=${value ?? ""} onInput=${on} />`;
}

function Spoken({ on }) {
  const [text, setText] = useState("");
  const send = () => on("answer", { answer: JSON.stringify({ role: "assistant", content: { type: "text", text }, model: "a person", stopReason: "endTurn" }) });
  return html`<div class="form"><label>What the model would say<textarea rows="5" value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label><button class="way answer" data-way="send-answer" disabled=${!text} onClick=${send}>Answer with this</button></div>`;
}

const BARE = {
  roots: { roots: [] },
  elicitation: { action: "accept", content: {} },
  sampling: { role: "assistant", content: { type: "text", text: "" }, model: "a person", stopReason: "endTurn" },
};

// As JSON: one answer, or several by the keys of what was asked.
function Plain({ asks, on }) {
  const bare = asks.length === 1 ? BARE[asks[0].kind] : Object.fromEntries(asks.map((each) => [each.key, BARE[each.kind]]));
  const [text, setText] = useState(() => JSON.stringify(bare ?? {}, null, 2));
  const wrong = read(text) === null;
  return html`<div class="form"><label>The result that the user's side gives, as JSON<textarea class="code" rows="5" spellcheck="false" aria-invalid=${wrong} value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label><button class="way answer" data-way="send-answer" disabled=${wrong} onClick=${() => on("answer", { answer: text })}>Answer with this</button></div>`;
}
