// What is new, from the server, for as long as the page is open.
import { Rows } from "./rows.js";
import { about, chosen, connected, pending, search, sessions, waiting } from "./state.js";
import { effect, signal, untracked } from "./vendor/signals.js";

export const rows = signal(null);
let source = null;

function listen(name) {
  source?.close();
  const found = new Rows(name);
  rows.value = name ? found : null;
  source = new EventSource(`api/feed?session=${encodeURIComponent(name)}`);
  const on = (kind, take) => source.addEventListener(kind, (event) => take(JSON.parse(event.data)));
  source.onopen = () => (connected.value = true);
  source.onerror = () => (connected.value = false);
  on("sessions", (told) => {
    sessions.value = told;
    if (!told.some((each) => each.session === chosen.value)) chosen.value = told.at(-1)?.session ?? "";
  });
  on("pending", (told) => (pending.value = told));
  on("session", (told) => (about.value = { ...told, heard: Date.now() / 1000 }));
  on("jump", () => found.more());
  on("rows", (told) => found.take(told));
  if (name) found.find(untracked(() => search.value));
}

export function begin() {
  effect(() => {
    const name = chosen.value;
    untracked(() => listen(name));
  });
  effect(() => {
    const text = search.value;
    untracked(() => {
      if (rows.value && rows.value.text !== text) rows.value.find(text);
    });
  });
  effect(() => {
    const count = about.value?.live === false ? pending.value.count : waiting.value;
    document.title = count ? `(${count}) interpose` : "interpose";
  });
}
