// The steps of script.json for both TypeScript clients, and the main program they share.
//
// A client gives `main` a function that makes a peer from the options: the SDK's client, its transport, what
// `stateful` is, and the few calls in which the two SDKs differ. Output, flags and the steps `call:NAME` are those of
// py_client.py.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const script = JSON.parse(readFileSync(new URL('script.json', import.meta.url)));
export const answers = script.answers;
export const STEP_MS = 20_000;
const CALL_MS = 5_000;
const RUN_MS = 55_000;

export class Unfit extends Error {}
class Late extends Error {}

const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
};
export const digest = (value) =>
  createHash('sha256').update(JSON.stringify(sorted(value))).digest('hex').slice(0, 16);

export function summarise(result) {
  const short = (text) => (text.length < 2000 ? text : `${text.length} characters, ${digest(text)}`);
  const texts = result.content.map((block) => short(block.text ?? block.type));
  const structured = result.structuredContent && { structured: digest(result.structuredContent) };
  return { texts, ...structured, ...(result.isError && { is_error: true }) };
}

export const pick = (peer, step) => {
  const found = script.tools[step].find(([tool]) => peer.tools.has(tool));
  if (!found) throw new Unfit(step);
  return found;
};
const play = async (peer, step, options) => summarise(await peer.call(...pick(peer, step), options));

// What the user, the model and the host answer; both SDKs hand in the params of the request.
export const answering = {
  sampling: (peer, params) => {
    peer.asked.push('sampling');
    if (!peer.about) return answers.model;
    peer.shown.push(['sampling', params]);
    const content = { type: 'text', text: `PLANTED-answered-${peer.about}` };
    return { role: 'assistant', content, model: 'canned-1' };
  },
  roots: (peer) => {
    peer.asked.push('roots');
    if (!peer.about) return { roots: answers.roots };
    peer.shown.push(['roots', {}]);
    return { roots: [{ uri: `file:///srv/PLANTED-named-${peer.about}`, name: `PLANTED-answered-${peer.about}` }] };
  },
  elicitation: (peer, params) => {
    const form = (params.mode ?? 'form') === 'form';
    peer.asked.push(form ? 'form' : 'url');
    if (peer.about) {
      peer.shown.push([form ? 'form' : 'url', params]);
      return { action: 'accept', ...(form && { content: { name: `PLANTED-named-${peer.about}`, note: `PLANTED-answered-${peer.about}` } }) };
    }
    if (peer.action !== 'accept' || !form) return { action: peer.action };
    const wanted = params.requestedSchema.required ?? [];
    return { action: 'accept', content: Object.fromEntries(wanted.map((key) => [key, answers.form[key]])) };
  },
};

const count = (peer, kind) => peer.asked.filter((each) => each === kind).length;
export async function asking(peer, step, kind, action = 'accept') {
  const seen = count(peer, kind);
  peer.action = action;
  const summary = await play(peer, step);
  peer.action = 'accept';
  return { ...summary, asked: count(peer, kind) > seen };
}

export async function until(ready) {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const steps = {
  hello: (peer) => [
    peer.version(),
    peer.client.getServerVersion()?.name,
    digest(peer.client.getServerCapabilities()),
  ],
  list_tools: async (peer) => {
    const { tools } = await peer.client.listTools();
    return [tools.map((tool) => tool.name), digest(tools)];
  },
  list_resources: async (peer) => digest((await peer.client.listResources()).resources),
  list_templates: async (peer) =>
    (await peer.client.listResourceTemplates()).resourceTemplates.map((each) => each.uriTemplate),
  list_prompts: async (peer) => digest((await peer.client.listPrompts()).prompts),
  read_resource: async (peer) => {
    const uri = await aResource(peer);
    return digest((await peer.client.readResource({ uri })).contents);
  },
  read_template: async (peer) => {
    const { resourceTemplates } = await peer.client.listResourceTemplates();
    const uri = resourceTemplates.map((each) => script.templates[each.uriTemplate]).find(Boolean);
    if (!uri) throw new Unfit();
    return (await peer.client.readResource({ uri })).contents;
  },
  get_prompt: async (peer) => {
    const names = new Set((await peer.client.listPrompts()).prompts.map((prompt) => prompt.name));
    const found = script.prompts.find(([name]) => names.has(name));
    if (!found) throw new Unfit();
    const got = await peer.client.getPrompt({ name: found[0], arguments: found[1] });
    return got.messages.map((message) => message.content);
  },
  complete: async (peer) => {
    const names = new Set((await peer.client.listPrompts()).prompts.map((prompt) => prompt.name));
    const found = script.completions.find(([name]) => names.has(name));
    if (!found || !peer.client.getServerCapabilities()?.completions) throw new Unfit();
    const [prompt, name, value] = found;
    const ref = { type: 'ref/prompt', name: prompt };
    return (await peer.client.complete({ ref, argument: { name, value } })).completion.values;
  },
  concurrent: async (peer) => {
    const [tool, args] = pick(peer, 'concurrent');
    const numbered = [0, 1, 2, 3, 4].map((number) => ({ message: `${args.message} ${number}` }));
    const results = await Promise.all(numbered.map((each) => peer.call(tool, each)));
    return results.map((result) => summarise(result).texts);
  },
  unknown_tool: async (peer) => {
    try {
      return summarise(await peer.call('no_such_tool', {}));
    } catch (error) {
      return { refused: [error.code, error.message] };
    }
  },
  sampling: (peer) => asking(peer, 'sampling', 'sampling'),
  form_accept: (peer) => asking(peer, 'form_accept', 'form'),
  form_decline: (peer) => asking(peer, 'form_decline', 'form', 'decline'),
  url_accept: (peer) => asking(peer, 'url_accept', 'url'),
  roots: (peer) => play(peer, 'roots'), // a server may have asked for them earlier, on its own
  progress: async (peer) => {
    const seen = [];
    const summary = await play(peer, 'progress', { onprogress: ({ progress }) => seen.push(progress) });
    // Both SDKs lose notifications that arrive together with the response, so the number is left to chance.
    return { ...summary, increasing: seen.every((each, at) => at === 0 || each > seen[at - 1]) };
  },
  logging: async (peer) => {
    const [tool, args] = pick(peer, 'logging');
    if (peer.stateful()) await peer.client.setLoggingLevel('info');
    peer.logs.length = 0;
    await peer.call(tool, args, {}, { 'io.modelcontextprotocol/logLevel': 'info' });
    await until(() => peer.logs.length >= 3);
    return [...peer.logs];
  },
  cancel: async (peer) => {
    const controller = new AbortController();
    const onprogress = () => controller.abort('enough');
    const ended = await peer.call(...pick(peer, 'cancel'), { signal: controller.signal, onprogress }).then(
      () => 'answered',
      (error) => `cancelled: ${error?.message ?? error}`,
    );
    return { ended, ...(peer.tools.has('was_cancelled') && { server: (await play(peer, 'cancelled')).texts }) };
  },
  subscribe: async (peer) => {
    if (!peer.stateful()) throw new Unfit();
    const [tool, args] = pick(peer, 'subscribe');
    const uri = await aResource(peer);
    await peer.client.subscribeResource({ uri });
    await peer.call(tool, args);
    await until(() => peer.heard.has(`updated ${uri}`));
    await peer.client.unsubscribeResource({ uri });
    return `updated ${uri}`;
  },
  ping: async (peer) => {
    if (!peer.stateful()) throw new Unfit();
    return await peer.client.ping();
  },
};
for (const name of ['call_echo', 'call_add', 'structured', 'big', 'tool_error'])
  steps[name] = (peer) => play(peer, name);

// How a call ends, what was asked meanwhile, and whether the session lives on.
async function call(peer, step) {
  const tool = step.split(':')[1];
  peer.about = tool;
  peer.shown = [];
  const ended = await within(CALL_MS, peer.ask(tool, { about: tool })).then(summarise, (error) =>
    error instanceof Late ? { hung: true } : { refused: [error.code, error.message, error.data ?? null] },
  );
  peer.about = undefined;
  return { ...ended, shown: peer.shown, after: (await play(peer, 'call_echo')).texts };
}

export async function aResource(peer) {
  const listed = new Set((await peer.client.listResources()).resources.map((each) => each.uri));
  const uri = script.resources.find((each) => listed.has(each));
  if (!uri) throw new Unfit();
  return uri;
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(`took longer than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function run(make, options, extra) {
  const done = {};
  const all = { ...steps, ...extra };
  try {
    const peer = { tools: new Set(), asked: [], action: 'accept', logs: [], heard: new Set(), ...options };
    await within(STEP_MS, make(peer));
    const { tools } = await within(STEP_MS, peer.client.listTools());
    for (const tool of tools) peer.tools.add(tool.name);
    for (const name of options.steps ? options.steps.split(',') : Object.keys(all)) {
      try {
        const step = name.startsWith('call:') ? call : all[name];
        done[name] = await within(STEP_MS, (async () => step(peer, name))());
      } catch (error) {
        if (!(error instanceof Unfit)) done[name] = { error: `${error.name}: ${error.message ?? error}` };
      }
    }
    if (peer.transport.terminateSession) await within(STEP_MS, peer.transport.terminateSession());
    await within(STEP_MS, peer.client.close());
  } catch (error) {
    done.connection = { error: `${error.name}: ${error.message}` };
  }
  return done;
}

// The command after --stdio is taken as it is, so it has to come last.
export async function main(make, extra = {}) {
  const argv = process.argv.slice(2);
  const at = argv.includes('--stdio') ? argv.indexOf('--stdio') : argv.length;
  const { values } = parseArgs({
    args: argv.slice(0, at),
    options: {
      era: { type: 'string', default: 'auto' },
      steps: { type: 'string', default: '' },
      url: { type: 'string' },
      sse: { type: 'string' },
    },
  });
  const options = { ...values, stdio: argv.slice(at + 1) };
  const guard = setTimeout(() => process.exit(3), RUN_MS);
  const done = await run(make, options, extra);
  clearTimeout(guard);
  process.stdout.write(`${JSON.stringify({ steps: done })}\n`, () => process.exit(0));
}
