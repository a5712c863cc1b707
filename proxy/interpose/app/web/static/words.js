// Times and ages as `interpose show` writes them, and strangers' text made harmless.

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff\u{e0000}-\u{e0fff}]/gu;
const SHORT = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };

// What could move, turn or hide other text, as an escape.
export const safe = (text) =>
  text.replace(UNSAFE, (each) => {
    const code = each.codePointAt(0);
    return SHORT[each] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`);
  });

export const plural = (number, noun) => (number === 1 ? `1 ${noun}` : `${number} ${noun}s`);

export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export function took(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.00095) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${(seconds * 1000).toFixed(0)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return `${age(seconds)} ${seconds < 3600 ? "min" : "h"}`;
}

const two = (number) => String(number).padStart(2, "0");

// The time of day, from seconds since 1970.
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

export function day(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function bytes(number) {
  for (const [unit, name] of [[1 << 30, "GB"], [1 << 20, "MB"], [1 << 10, "KB"]])
    if (number >= unit) return `${(number / unit).toFixed(number / unit < 10 ? 1 : 0)} ${name}`;
  return plural(number, "byte");
}
