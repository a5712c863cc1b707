// What waits now: on whom, since when, what it blocks, until when and what happens then. Holds come first.
import { ended, Holds } from "./holds.js";
import { html } from "./html.js";
import { rows } from "./feed.js";
import { about, now, selected, sessionTime, view, waiting } from "./state.js";
import { age, safe } from "./words.js";

const AMBER = 5, RED = 0.8, FEW = 8;
const MEANT = {
  USER: "a person in the client",
  MODEL: "the client's model",
  APPROVER: "somebody's approval",
  CLIENT: "the client",
  SERVER: "the server",
  TASK: "work in the background",
  STREAM: "a connection to come back",
  NOBODY: "nobody: the other side is gone",
  DELAY: "its time",
};

// Amber after five seconds, red when four fifths of the time are gone, or when nobody is there.
export function urgency(since, deadline, at, who) {
  if (who === "NOBODY") return "bad";
  if (deadline !== null && at - since >= RED * (deadline - since)) return "bad";
  return at - since >= AMBER ? "warn" : "calm";
}

export function Waiting() {
  const told = about.value, waits = told?.waits ?? [], count = waiting.value;
  if (!count && !ended.value.size) return null;
  const title = !told || told.live ? "waiting now" : told.ended ? "left waiting when the recording ended" : "waiting at the last line";
  return html`<section class="waiting" aria-label=${title}>
    <h2>${title} <span class="count">${count}</span></h2>
    <${Holds} />
    ${waits.slice(0, FEW).map((wait) => html`<${Wait} key=${`${wait.number}${wait.what}${wait.since}`} wait=${wait} live=${told.live} />`)}
    ${told?.waiting > FEW && html`<p class="dim">and ${told.waiting - FEW} more</p>`}
  </section>`;
}

function Wait({ wait, live }) {
  now.value;
  const at = live ? sessionTime() : about.value.at;
  const look = urgency(wait.since, wait.deadline, at, wait.who);
  const left = wait.deadline === null ? null : wait.deadline - at;
  const go = () => {
    const found = rows.value?.order.find((number) => rows.value.get(number)?.number === wait.number);
    view.value = "timeline";
    if (found !== undefined) selected.value = found;
  };
  return html`<div class=${`wait ${look}`}>
    <span class=${`who ${wait.who}`} title=${`waits for ${MEANT[wait.who] ?? wait.who}`}>${wait.who}</span>
    <button class="plainly" onClick=${go}><b>${wait.number}</b> ${safe(short(wait.what))}</button>
    <span class="age">${age(at - wait.since)}</span>
    <span class="dim">${[
      wait.blocks.length && `blocks ${wait.blocks.join(", ")}`,
      wait.via.filter((each) => each !== wait.number).length && `via ${wait.via.join(", ")}`,
      left !== null && (left > 0 ? `in ${age(left)}: ${wait.then ?? ""}` : `${age(-left)} ago: ${wait.then ?? ""}`),
      left === null && wait.then,
    ].filter(Boolean).join(" · ")}</span>
    ${wait.deadline !== null && html`<${Bar} share=${(at - wait.since) / (wait.deadline - wait.since)} look=${look} />`}
  </div>`;
}

// Task ids in few characters.
const short = (what) => what.replace(/\b(task|tasks\/\w+) (\S{9})\S{4,}?(?=,|$)/g, "$1 $2…").replace("input_required", "input required");

export function Bar({ share, look }) {
  return html`<span class=${`bar ${look}`} role="progressbar" aria-label="time used" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(Math.min(1, share) * 100)}><i style=${{ width: `${Math.min(100, Math.max(0, share * 100))}%` }}></i></span>`;
}

