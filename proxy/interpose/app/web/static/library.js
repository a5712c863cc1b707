// Recordings on disk: open one, compare two, rehearse one against a policy, play one as a server.
import { get, post } from "./ask.js";
import { html } from "./html.js";
import { choose, complain, search, view } from "./state.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { bytes, day, plural, safe } from "./words.js";

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export function Library() {
  const [found, setFound] = useState(null);
  const [picked, setPicked] = useState([]);
  const [wanted, setWanted] = useState("");
  const [policy, setPolicy] = useState("");
  const [told, setTold] = useState(null);
  const read = () => get("recordings").then(setFound, complain);
  useEffect(() => void read(), []);
  if (found === null) return html`<p class="empty">Reading the folder …</p>`;
  if (!found.recordings.length) return html`<p class="empty">No recordings here. <code>interpose run --record DIR -- COMMAND ...</code> keeps every session; <code>interpose demo</code> makes two at once.</p>`;
  const open = async (name) => {
    try {
      const { session } = await post("open", { recording: name });
      choose(session);
      view.value = "timeline";
      search.value = "";
    } catch (error) {
      complain(error);
    }
  };
  const pick = (name) => setPicked(picked.includes(name) ? picked.filter((each) => each !== name) : [...picked, name].slice(-2));
  const run = async (title, made) => {
    setTold({ title, busy: true });
    try {
      setTold({ title, ...(await made()) });
    } catch (error) {
      setTold({ title, lines: [], complaint: error.message });
    }
  };
  const named = (name) => found.recordings.find((each) => each.name === name)?.file ?? "";
  const compare = () => run(`${named(picked[0])} and ${named(picked[1])}`, () => get(`diff?a=${picked[0]}&b=${picked[1]}`));
  const rehearse = () => run(`${named(picked[0])} under ${found.policies.find((each) => each.name === policy)?.file}`, () => post("rehearse", { recording: picked[0], policy }));
  const play = async (recording, on) => {
    try {
      const { playing } = await post("replay", { recording, play: on });
      setFound({ ...found, playing });
    } catch (error) {
      complain(error);
    }
  };
  const shown = found.recordings.filter((each) => `${each.file} ${each.server} ${each.started}`.toLowerCase().includes(wanted.toLowerCase()));
  return html`<div class="library" tabIndex="0" role="region" aria-label="recordings">
    <div class="tools"><input type="search" aria-label="find a recording" placeholder="find a recording" value=${wanted} onInput=${(event) => setWanted(event.target.value)} />
      <button onClick=${compare} disabled=${picked.length !== 2}>Compare two</button>
      <select aria-label="policy" value=${policy} onChange=${(event) => setPolicy(event.target.value)}><option value="">${found.policies.length ? "policy …" : "no policy in these folders"}</option>${found.policies.map((each) => html`<option key=${each.name} value=${each.name}>${safe(each.file)}</option>`)}</select>
      <button onClick=${rehearse} disabled=${picked.length !== 1 || !policy}>Rehearse</button><button onClick=${read}>List anew</button></div>
    <p class="dim">${shown.length} of ${plural(found.recordings.length, "recording")} in ${found.folders.map(safe).join(", ")}. Pick one or two.</p>
    ${told && html`<${Told} told=${told} close=${() => setTold(null)} />`}
    <table><thead><tr><th>pick</th><th>recording</th><th>server</th><th>began</th><th>size</th><th>replay</th></tr></thead><tbody>
    ${shown.slice(0, 500).map((each) => html`<tr key=${each.name} class=${picked.includes(each.name) ? "picked" : ""}><td><input type="checkbox" aria-label=${`pick ${each.file}`} checked=${picked.includes(each.name)} onChange=${() => pick(each.name)} /></td>
      <td><button class="plainly" onClick=${() => open(each.name)}>${safe(each.file)}</button></td><td>${safe(each.server)} <span class="dim">${safe(each.transport)}</span></td><td>${day(each.started)}</td><td>${bytes(each.bytes)}</td><td><${Replay} each=${each} url=${found.playing[each.name]} play=${play} /></td></tr>`)}
    </tbody></table></div>`;
}

// Play a recording as a server for clients on this machine, here or with a command.
function Replay({ each, url, play }) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await play(each.name, !url);
    setBusy(false);
  };
  return html`<span class="replay">${url && html`<code>${url}</code><${Copy} text=${url} word="copy address" />`}<button aria-label=${`${url ? "stop" : "play"} ${each.file}`} disabled=${busy} onClick=${press}>${url ? "Stop" : busy ? "Starting …" : "Play"}</button>${!url && html`<${Copy} text=${`interpose replay server ${quoted(each.path)}`} />`}</span>`;
}

export function Copy({ text, word = "copy command" }) {
  const [done, setDone] = useState(false);
  const copy = () => navigator.clipboard.writeText(text).then(() => (setDone(true), setTimeout(() => setDone(false), 1500)), complain);
  return html`<button title=${text} onClick=${copy}>${done ? "copied" : word}</button>`;
}

function Told({ told, close }) {
  return html`<section class="told" aria-live="polite"><header><h2>${safe(told.title)}</h2><button class="close" aria-label="close" onClick=${close}>✕</button></header>
    ${told.busy && html`<p class="dim">At work …</p>`}${told.complaint && html`<p class="bad">${safe(told.complaint)}</p>`}
    ${told.lines?.map((line, at) => html`<${Line} key=${at} line=${line} />`)}
    ${told.left_out > 0 && html`<p class="dim">${told.left_out} more lines</p>`}</section>`;
}

function Line({ line }) {
  if (line.type === "summary" && line.calls !== undefined) return html`<p><b>${line.equal ? `equal: ${plural(line.calls, "call")}` : `${line.more ? "more than " : ""}${plural(line.differences, "difference")}; ${plural(line.calls, "call")} in both`}</b></p>`;
  if (line.type === "summary") return html`<p><b>${line.matched} of ${plural(line.messages, "message")}</b>: ${Object.entries(line.counts).filter(([, count]) => count).map(([word, count]) => `${count} ${word}`).join(", ") || "no rule matched"}${line.never_matched.length ? `; rules that never matched: ${safe(line.never_matched.join(", "))}` : ""}</p>`;
  if (line.type === "difference") return html`<div class="change"><b>${{ changed: "~", first: "−", second: "+", order: "↕" }[line.kind]}</b> ${line.what === "answer" ? "answer to " : ""}${safe(`${line.method ?? ""} ${line.name ?? ""}`)}${line.differences.slice(0, 12).map((each, at) => html`<div key=${at}><code>${safe(each.path)}</code>${each.first !== null && html`<p class="before"><b>−</b> ${safe(JSON.stringify(each.first).slice(0, 400))}</p>`}${each.second !== null && html`<p class="after"><b>+</b> ${safe(JSON.stringify(each.second).slice(0, 400))}</p>`}</div>`)}</div>`;
  if (line.type === "finding") return html`<div class="change"><span class=${{ blocked: "bad", refused: "bad", held: "warn", answered: "warn", edited: "open" }[line.happened] ?? "dim"}>${line.happened}</span> <span class="dim">entry ${line.seq}, from the ${line.from}</span> ${safe(`${line.method ?? ""} ${line.name ?? ""}`)} <span class="ruled">${safe(line.rules.map((each) => each.rule).join(", "))}</span> ${safe(line.why)}</div>`;
  return null;
}
