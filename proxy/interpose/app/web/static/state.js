// What the page knows. Everything shown is read from here; the feed and the keys write it.
import { batch, computed, signal } from "./vendor/signals.js";

export const sessions = signal([]); // what the feed lists
export const chosen = signal(""); // the session that is looked at
export const about = signal(null); // that session in a few words, with what waits in it
export const pending = signal({ count: 0, first: [], desk: false });
export const connected = signal(false);
export const view = signal("timeline"); // timeline, tasks, recordings
export const search = signal("");
export const selected = signal(null); // the number of a row
export const trouble = signal("");
export const now = signal(Date.now() / 1000);
export const helping = signal(false);

// Seconds by which this machine's clock is ahead of the session's own time.
export const since = computed(() => {
  const told = about.value;
  return told === null ? 0 : told.live ? told.heard - told.at : null;
});

// How many wait: what is held anywhere, and what else waits in this session.
export const waiting = computed(() => pending.value.count + (about.value?.waiting ?? 0));

export const sessionTime = () => (since.value === null ? (about.value?.at ?? 0) : now.value - since.value);

export function choose(name) {
  if (name === chosen.value) return;
  batch(() => {
    chosen.value = name;
    about.value = null;
    selected.value = null;
    search.value = "";
  });
}

export function complain(error) {
  trouble.value = error instanceof Error ? error.message : String(error);
}
