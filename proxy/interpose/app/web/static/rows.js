// The rows of the session that is looked at: which there are, in which order, and those that were fetched.
import { get, session } from "./ask.js";
import { complain } from "./state.js";
import { signal } from "./vendor/signals.js";

const MOST_KEPT = 6000, AT_ONCE = 300;

export class Rows {
  constructor(name) {
    this.name = name;
    this.changed = signal(0); // counts what is worth drawing anew
    this.order = []; // the numbers of the rows to show
    this.until = 0; // rows that were looked at for the order
    this.text = "";
    this.searching = signal(false);
    this.known = new Map();
    this.wanted = new Set();
    this.asked = new Set();
    this.round = 0;
    this.drawing = false;
  }

  get(number) {
    return this.known.get(number);
  }

  // Search for something else; an empty text is the whole conversation.
  async find(text) {
    this.text = text;
    const round = ++this.round;
    this.searching.value = true;
    try {
      const found = await get(`${session(this.name)}/find?q=${encodeURIComponent(text)}`);
      if (round !== this.round) return;
      this.order = found.rows;
      this.until = found.until;
      this.draw();
    } catch (error) {
      if (round === this.round) complain(error);
    } finally {
      if (round === this.round) this.searching.value = false;
    }
  }

  // Rows that the feed brings.
  take({ first, rows, states }) {
    for (const row of rows) this.keep(row);
    this.settle(states);
    if (this.text === "" && first === this.until) {
      for (const row of rows) if (row.main !== false) this.order.push(row.i);
      this.until = first + rows.length;
    } else this.more();
    this.draw();
  }

  // There are more rows than the feed tells: look for them.
  async more() {
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    const round = this.round;
    try {
      const found = await get(`${session(this.name)}/find?from=${this.until}&q=${encodeURIComponent(this.text)}`);
      if (round === this.round && found.until > this.until) {
        const last = this.order.at(-1) ?? -1;
        for (const number of found.rows) if (number > last) this.order.push(number);
        this.until = found.until;
        for (const row of this.known.values()) if (["open", "none"].includes(row.state?.outcome)) row.stale = true;
        this.draw();
      }
    } catch (error) {
      complain(error);
    } finally {
      this.looking = false;
      if (this.again) {
        this.again = false;
        setTimeout(() => this.more(), 150);
      }
    }
  }

  settle(states) {
    for (const [number, state] of Object.entries(states)) {
      const row = this.known.get(Number(number));
      if (row) this.known.set(row.i, { ...row, state });
    }
  }

  // Say that these are about to be shown.
  want(numbers) {
    for (const number of numbers) {
      const row = this.known.get(number);
      if ((!row || row.stale) && !this.asked.has(number)) this.wanted.add(number);
    }
    if (this.wanted.size && !this.fetching) {
      this.fetching = true;
      requestAnimationFrame(() => this.fetch());
    }
  }

  async fetch() {
    const ids = [...this.wanted].slice(-AT_ONCE);
    this.wanted.clear();
    for (const id of ids) this.asked.add(id);
    try {
      const found = await get(`${session(this.name)}/rows?ids=${ids.join(",")}`);
      for (const row of found.rows) this.keep(row);
      this.settle(found.states);
      const came = new Set(found.rows.map((row) => row.i));
      for (const id of ids) if (!came.has(id)) this.known.set(id, { i: id, type: "gone", label: "kept no more", at: 0 });
    } catch (error) {
      complain(error);
    }
    for (const id of ids) this.asked.delete(id);
    this.fetching = false;
    this.draw();
  }

  keep(row) {
    this.known.delete(row.i);
    this.known.set(row.i, row);
    if (this.known.size > MOST_KEPT) {
      const spare = this.known.size - MOST_KEPT / 2;
      let dropped = 0;
      for (const number of this.known.keys()) {
        if (dropped++ >= spare) break;
        this.known.delete(number);
      }
    }
  }

  draw() {
    if (this.drawing) return;
    this.drawing = true;
    const drawn = () => {
      this.drawing = false;
      this.changed.value++;
    };
    if (document.hidden) setTimeout(drawn, 100);
    else requestAnimationFrame(drawn);
  }
}
