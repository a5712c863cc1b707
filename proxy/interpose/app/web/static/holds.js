// Held messages, each a card: what will happen if it is approved, and the ways to decide.
import { get, post } from "./ask.js";
import { Consent } from "./consent.js";
import { Answer, Edit, Opened } from "./deciding.js";
import { html } from "./html.js";
import { complain, now, pending } from "./state.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { effect, signal, untracked } from "./vendor/signals.js";
import { Bar, urgency } from "./waiting.js";
import { age, bytes, safe } from "./words.js";

const SETTLE = 600; // milliseconds that a card stands still before it can be approved: a finger may be on its way
const STAYS = 4000;
const FEW = 20;
const ANEW = 200;
const WORDS = { approve: "Allow", edit: "Edit & allow", answer: "Answer for the user", decline: "Decline", cancel: "Cancel" };
const DONE = { approve: "allowed", edit: "changed and allowed", answer: "answered", decline: "declined", cancel: "cancelled" };

export const inHand = signal(null); // the hold that is open
export const doing = signal(null); // "edit" or "answer", of the one in hand
export const ended = signal(new Map()); // what has just been decided or is gone, for a moment
const room = signal(FEW); // how many cards somebody wants to see
const more = signal([]); // those of them that the feed does not tell
const wholes = new Map();
let last = []; // what was listed before
const mine = new Set(); // what this page is deciding

export async function decide(hold, decision, extra = {}) {
  const brief = [...pending.value.first, ...more.value].find((each) => each.hold === hold);
  mine.add(hold);
  try {
    await post("decide", { hold, decision, ...extra });
    keep(brief, DONE[decision], "good");
    doing.value = null;
    return "";
  } catch (error) {
    if (error.status === 410) keep(brief, error.message, "bad");
    return error.message;
  } finally {
    mine.delete(hold);
  }
}

// Where it stood, what became of it is shown for a moment: nothing moves under a finger.
function keep(brief, word, look) {
  ended.value = new Map(ended.value).set(brief.hold, { brief, word, look });
  setTimeout(() => {
    const left = new Map(ended.value);
    left.delete(brief.hold);
    ended.value = left;
    wholes.delete(brief.hold);
  }, STAYS);
}

let reaching = false, again = false;

// Those beyond what the feed tells, anew whenever something begins or ceases to wait.
async function reach() {
  if (reaching) return void (again = true);
  reaching = true;
  try {
    const { first, count } = pending.value, found = [];
    while (first.length + found.length < Math.min(room.value, count)) {
      const { holds } = await get(`pending?from=${first.length + found.length}`);
      if (!holds.length) break;
      found.push(...holds);
    }
    if (found.length || more.value.length) more.value = found;
  } catch (error) {
    complain(error);
  } finally {
    reaching = false;
    if (again) setTimeout(reach, ANEW);
    again = false;
  }
}

effect(() => {
  pending.value, room.value;
  untracked(() => void reach());
});

// Whatever leaves the list without this page's doing.
effect(() => {
  const here = [...pending.value.first, ...more.value], there = new Set(here.map((each) => each.hold));
  untracked(() => {
    for (const each of last) if (!there.has(each.hold) && !ended.value.has(each.hold) && !mine.has(each.hold)) gone(each);
  });
  last = here;
});

export function Holds() {
  const here = pending.value.first, told = ended.value;
  const beyond = more.value.filter((each) => !here.some((one) => one.hold === each.hold));
  const all = [...here, ...beyond];
  const cards = [...told.values()].map((each) => ({ ...each.brief, ...each, over: true }));
  const open = all.filter((each) => !told.has(each.hold));
  if (open.length && !open.some((each) => each.hold === inHand.value)) queueMicrotask(() => (inHand.value = open[0].hold));
  const shown = open.slice(0, room.value);
  const list = [...cards, ...shown].sort((one, other) => one.since - other.since || (one.hold < other.hold ? -1 : 1));
  const left = pending.value.count - shown.length;
  return html`${list.map((each) => html`<${Card} key=${each.hold} brief=${each} />`)}
    ${left > 0 && html`<button class="more" onClick=${() => (room.value += FEW)}>${left} more wait for approval</button>`}`;
}

function gone(brief) {
  const late = brief.until <= Date.now() / 1000 + 0.5;
  keep(brief, late ? `nobody decided in time: ${brief.outcome}` : "waits no more: decided elsewhere, or its asker has left", "warn");
}

function Card({ brief }) {
  now.value;
  const at = Date.now() / 1000, look = urgency(brief.since, brief.until, at, "APPROVER");
  const open = inHand.value === brief.hold && !brief.over;
  const what = html`<b>${safe(brief.method)}</b> ${safe(brief.name ?? "")} <span class="says">${safe(brief.says)}</span>`;
  return html`<article class=${`hold ${brief.over ? "over" : look} ${open ? "open" : ""}`} data-hold=${brief.hold} aria-label=${`held: ${brief.method} ${brief.name}`}>
    <header>
      <span class="who APPROVER" title="waits for somebody's approval">APPROVER</span>
      <button class="plainly" aria-expanded=${open} onClick=${() => (inHand.value = open ? "" : brief.hold)}>${what}</button>
      <span class="dim">${brief.from === "client" ? "to the server" : "from the server"} <b class="named">${safe(brief.server)}</b> · ${bytes(brief.bytes)} · rule ${brief.rules.map(safe).join(", ")}</span>
      ${brief.over ? html`<span class=${brief.look} role="status">${brief.word}</span>` : html`<span class="age">${age(at - brief.since)}</span><span class="then">in ${age(brief.until - at)}: ${safe(brief.outcome)}</span><${Bar} share=${(at - brief.since) / (brief.until - brief.since)} look=${look} />`}
    </header>
    ${open && html`<${Open} brief=${brief} />`}
  </article>`;
}

function Open({ brief }) {
  const [whole, setWhole] = useState(wholes.get(brief.hold) ?? null);
  const [ready, setReady] = useState(false);
  const [said, setSaid] = useState("");
  useEffect(() => {
    let left = false;
    get(`pending/${brief.hold}`).then((found) => (wholes.set(brief.hold, found), left || setWhole(found)), (error) => left || setSaid(error.message));
    return () => (left = true);
  }, [brief.hold]);
  useEffect(() => {
    if (whole === null) return undefined;
    const timer = setTimeout(() => setReady(true), SETTLE);
    return () => clearTimeout(timer);
  }, [whole]);
  const on = async (decision, extra) => setSaid(await decide(brief.hold, decision, extra));
  const act = (decision) => (decision === "edit" || decision === "answer" ? (doing.value = doing.value === decision ? null : decision) : on(decision));
  const may = Object.keys(WORDS).filter((each) => brief.may.includes(each));
  return html`<div class="body">
    ${whole === null ? html`<p class="dim">${said || "Reading what it says …"}</p>` : html`<${Consent} found=${whole} />`}
    ${doing.value === "edit" && whole && html`<${Opened}><${Edit} found=${whole} on=${on} /><//>`}
    ${doing.value === "answer" && whole && html`<${Opened}><${Answer} found=${whole} on=${on} /><//>`}
    ${said && whole && html`<p class="bad" role="alert">${safe(said)}</p>`}
    <div class="ways">${may.map((each) => html`<button key=${each} class=${`way ${each}`} data-way=${each} disabled=${(each === "approve" || each === "edit" || each === "answer") && !(ready && whole)} aria-pressed=${doing.value === each} onClick=${() => act(each)}>${WORDS[each]}</button>`)}</div>
  </div>`;
}
