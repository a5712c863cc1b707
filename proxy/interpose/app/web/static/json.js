// JSON as it came: digits, spelling, order and repeated keys stay. Reads text into nodes, and writes it indented.

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([{}[\],:])|([^\s"{}[\],:]+))/y;
const DEEPEST = 400;

// Nodes: {kind: "object" | "array" | "string" | "plain", text, members: [[key, node]], items}. Null for what is no JSON.
export function read(text) {
  TOKEN.lastIndex = 0;
  let token = null;
  const step = () => {
    const found = TOKEN.exec(text);
    token = found === null ? null : found[1] ?? found[2] ?? found[3];
    if (found === null) TOKEN.lastIndex = text.length;
  };
  const value = (depth) => {
    if (token === null || depth > DEEPEST) throw new SyntaxError("no JSON");
    if (token === "{") return inside(depth, "}", "object");
    if (token === "[") return inside(depth, "]", "array");
    const node = { kind: token[0] === '"' ? "string" : "plain", text: token };
    if (token.length === 1 && "}],:".includes(token)) throw new SyntaxError("no JSON");
    step();
    return node;
  };
  const inside = (depth, end, kind) => {
    const members = [];
    step();
    while (token !== end) {
      let key = members.length;
      if (kind === "object") {
        key = token;
        step();
        if (token !== ":") throw new SyntaxError("no JSON");
        step();
      }
      members.push([key, value(depth + 1)]);
      if (token === ",") step();
      else if (token !== end) throw new SyntaxError("no JSON");
    }
    step();
    return { kind, members };
  };
  try {
    step();
    const node = value(0);
    return token === null ? node : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export const unquoted = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

export function indented(text) {
  const node = read(text);
  return node === null ? text : write(node, "");
}

function write(node, blank) {
  if (node.kind !== "object" && node.kind !== "array") return node.text;
  const [open, close] = node.kind === "object" ? "{}" : "[]";
  if (!node.members.length) return open + close;
  const deeper = `${blank}  `;
  const lines = node.members.map(([key, each]) => `${deeper}${node.kind === "object" ? `${key}: ` : ""}${write(each, deeper)}`);
  return `${open}\n${lines.join(",\n")}\n${blank}${close}`;
}

// What differs between two texts: [{path, before, after}], where one of the two may be missing.
export function differences(before, after) {
  const one = read(before), other = read(after);
  if (one === null || other === null) return before === after ? [] : [{ path: "$", before, after }];
  const found = [];
  compare(one, other, "$", found);
  return found;
}

function compare(one, other, path, found) {
  const plain = (node) => node.kind === "string" || node.kind === "plain";
  if (one.kind !== other.kind || plain(one)) {
    if (write(one, "") !== write(other, "")) found.push({ path, before: write(one, ""), after: write(other, "") });
    return;
  }
  const step = (key) => (one.kind === "array" ? `${path}[${key}]` : `${path}.${unquoted(key)}`);
  const left = new Map(one.members), right = new Map(other.members);
  for (const [key, node] of left)
    if (right.has(key)) compare(node, right.get(key), step(key), found);
    else found.push({ path: step(key), before: write(node, "") });
  for (const [key, node] of right) if (!left.has(key)) found.push({ path: step(key), after: write(node, "") });
}
