// Work in the background, each task a life line over the time of the session.
import { get, session } from "./ask.js";
import { html } from "./html.js";
import { rows } from "./feed.js";
import { about, chosen, now, search, sessionTime, view } from "./state.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { age, safe, took } from "./words.js";

export function Tasks() {
  const [found, setFound] = useState(null);
  const name = chosen.value, many = rows.value?.until;
  rows.value?.changed.value;
  useEffect(() => {
    let left = false;
    if (name) get(`${session(name)}/tasks`).then((told) => left || setFound(told), () => {});
    return () => (left = true);
  }, [name, many]);
  now.value;
  if (!name || !found?.tasks.length) return html`<p class="empty">No task runs in this session. When a server works in the background, each task has a line here: its states, how often it was asked for, and how long it is kept.</p>`;
  const at = about.value?.live ? sessionTime() : found.at;
  const begin = Math.min(...found.tasks.map((each) => each.since)), room = Math.max(at - begin, 0.001);
  const share = (seconds) => `${Math.min(100, Math.max(0, ((seconds - begin) / room) * 100))}%`;
  return html`<div class="tasks" tabIndex="0" role="region" aria-label="tasks">
    ${found.tasks.map((task) => html`<${Life} key=${task.id + task.since} task=${task} at=${at} share=${share} />`)}
    ${found.left_out > 0 && html`<p class="dim">and ${found.left_out} more</p>`}
  </div>`;
}

function Life({ task, at, share }) {
  const last = task.states.at(-1);
  const end = task.ended ? last[0] : at;
  const spans = task.states.filter(([, word]) => !["completed", "failed", "cancelled"].includes(word));
  const look = { completed: "good", failed: "bad", cancelled: "warn" }[last?.[1]] ?? "open";
  const see = () => ((view.value = "timeline"), (search.value = `task:${task.id.replace("…", "")}`));
  return html`<div class="life">
    <button class="plainly" onClick=${see}><b>${task.number}</b> ${safe(task.label)} <span class="dim">task ${safe(task.id)}</span></button>
    <span><span class=${look}>${safe(last?.[1] ?? "")}</span> <span class="dim">after ${took(end - task.since)}${task.polls ? `, asked for ${task.polls}×` : ""}${task.ttl && !task.ended ? `, kept for another ${age(task.since + task.ttl - at)}` : ""}</span></span>
    <span class="span" role="img" aria-label=${task.states.map(([when, word]) => `${word} at ${took(when)}`).join(", ")}>
      ${spans.map(([when, word], number) => html`<i key=${number} class=${word.replaceAll(" ", "-")} title=${word} style=${{ left: share(when), width: `calc(${share(task.states[number + 1]?.[0] ?? end)} - ${share(when)} + 2px)` }}></i>`)}
      ${task.ended && html`<i class=${`dot ${last[1]}`} title=${last[1]} style=${{ left: share(end) }}></i>`}
    </span>
  </div>`;
}
