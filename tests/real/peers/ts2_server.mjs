// A server of the TypeScript SDK 2 that speaks both eras, with the tools of py_server.py.
//
// Run with `--stdio` or `--http PORT` (endpoint `/mcp`, with sessions in the stateful era); port 0 picks one.
// It prints `listening PORT` on stderr once it accepts connections. The SDK has no HTTP+SSE server.
// `--tools NAME,...` adds the tools of ts_asks.mjs.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  McpServer,
  ResourceTemplate,
  UrlElicitationRequiredError,
  WebStandardStreamableHTTPServerTransport,
  completable,
  createMcpHandler,
  inputRequired,
  isLegacyRequest,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';
import { asks, kindOf, toolNames } from './ts_asks.mjs';

const PAD = 'note://pad';
const [toolsThatAsk, [way, port]] = toolNames(process.argv.slice(2));
const text = (value) => ({ content: [{ type: 'text', text: String(value) }] });
const subscribed = new Set();
let notifier; // publishes to subscriptions/listen streams over HTTP; over stdio the SDK routes them itself
let cancelled;
const wasCancelled = new Promise((resolve) => (cancelled = () => resolve(true)));

// Asks the client: the SDK sends a returned inputRequired as it is in the stateless era, and turns it into
// requests mid-call in the stateful one; then it calls the tool again with the responses.
const asking = (question, answered) => async (args, ctx) => {
  const given = ctx.mcpReq.inputResponses?.asked;
  if (given) return text(answered(given));
  return inputRequired({ inputRequests: { asked: question(args) }, requestState: 'round 1' });
};

function askingAs(kind) {
  const entry = (each, about) => ({ method: asks[each].method, params: asks[each].params(about) ?? {} });
  if (kind === 'signin') {
    return async ({ about }) => {
      throw new UrlElicitationRequiredError([asks.url.params(about)], 'Sign-in needed');
    };
  }
  const kinds = kind === 'two' ? ['form', 'roots'] : [kind];
  return async ({ about }, ctx) => {
    const given = ctx.mcpReq.inputResponses ?? {};
    if (kinds.every((each) => given[each])) return text(kinds.map((each) => asks[each].told(given[each])).join(' in '));
    const inputRequests = Object.fromEntries(kinds.map((each) => [each, entry(each, about)]));
    // What `shared` asks has one state for all its tools, which the specification leaves to the server.
    return inputRequired({ inputRequests, requestState: kind === 'shared' ? kind : about });
  };
}

function build() {
  const server = new McpServer(
    { name: 'ts2-server', version: '1.0' },
    {
      capabilities: {
        logging: {},
        completions: {},
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
      },
      instructions: 'Real peer for interpose.',
    },
  );
  const tool = (name, shape, body) => server.registerTool(name, { inputSchema: z.object(shape) }, body);

  tool('echo', { message: z.string() }, async ({ message }) => text(`Echo: ${message}`));
  server.registerTool(
    'add',
    {
      inputSchema: z.object({ a: z.int(), b: z.int() }),
      outputSchema: z.object({ result: z.int() }),
    },
    async ({ a, b }) => ({ ...text(a + b), structuredContent: { result: a + b } }),
  );
  tool('fail', { why: z.string() }, async ({ why }) => {
    throw new Error(why);
  });
  tool('big', { size: z.int() }, async ({ size }) => text('0123456é'.repeat(size / 8 + 1).slice(0, size)));

  tool(
    'ask_model',
    { prompt: z.string() },
    asking(
      ({ prompt }) =>
        inputRequired.createMessage({
          messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
          maxTokens: 50,
        }),
      (given) => `${given.model} says ${given.content.text}`,
    ),
  );
  tool(
    'ask_form',
    {},
    asking(
      () =>
        inputRequired.elicit({
          message: 'Who is asking?',
          requestedSchema: z.object({ name: z.string(), age: z.int() }),
        }),
      (given) => (given.action === 'accept' ? `${given.content.name} is ${given.content.age}` : given.action),
    ),
  );
  tool(
    'ask_url',
    {},
    asking(
      () => inputRequired.elicitUrl({ message: 'Please sign in', url: 'https://example.test/start' }),
      (given) => given.action,
    ),
  );
  tool(
    'where',
    {},
    asking(
      () => inputRequired.listRoots(),
      (given) => given.roots.map((root) => root.uri).join(', ') || 'nowhere',
    ),
  );

  for (const name of toolsThatAsk) tool(name, { about: z.string() }, askingAs(kindOf(name)));

  const report = async (ctx, progress, total, message) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    if (progressToken === undefined) return;
    const params = { progressToken, progress, total, message };
    await ctx.mcpReq.notify({ method: 'notifications/progress', params });
  };
  tool('slow', { steps: z.int().default(3) }, async ({ steps }, ctx) => {
    for (let step = 1; step <= steps; step++) {
      await report(ctx, step, steps, `step ${step}`);
      await ctx.mcpReq.log('info', `step ${step}`, 'slow');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return text(`${steps} steps`);
  });
  tool('sleepy', { seconds: z.number().default(30) }, async ({ seconds }, ctx) => {
    ctx.mcpReq.signal.addEventListener('abort', cancelled);
    await report(ctx, 0, 1, 'asleep');
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      ctx.mcpReq.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()));
    });
    return text('awake');
  });
  tool('was_cancelled', {}, async () => {
    const late = new Promise((resolve) => setTimeout(resolve, 5000, false).unref());
    return text(await Promise.race([wasCancelled, late]));
  });
  tool('touch', {}, async (args, ctx) => {
    if (ctx.mcpReq.envelope && notifier) {
      notifier.resourceUpdated(PAD);
      notifier.toolsChanged();
    } else {
      if (ctx.mcpReq.envelope || subscribed.has(PAD)) await server.server.sendResourceUpdated({ uri: PAD });
      await server.server.sendToolListChanged();
    }
    return text('touched');
  });

  server.registerResource('pad', PAD, { mimeType: 'text/plain' }, async (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'milk, eggs' }],
  }));
  server.registerResource(
    'note',
    new ResourceTemplate('note://{name}/{line}', { list: undefined }),
    { mimeType: 'text/plain' },
    async (uri, { name, line }) => ({ contents: [{ uri: uri.href, text: `line ${line} of ${name}` }] }),
  );
  const names = (value) => ['Ada', 'Alan', 'Grace'].filter((name) => name.startsWith(value));
  server.registerPrompt(
    'greet',
    { argsSchema: z.object({ name: completable(z.string(), names) }) },
    ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Say hello to ${name}` } }] }),
  );
  server.server.setRequestHandler('resources/subscribe', async ({ params }) => {
    subscribed.add(params.uri);
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    subscribed.delete(params.uri);
    return {};
  });
  return server;
}

// The stateful era over HTTP: one server and transport per session, as the SDK's guide has it.
const sessions = new Map();
async function fetchStateful(request) {
  const id = request.headers.get('mcp-session-id');
  if (id) return sessions.get(id)?.handleRequest(request) ?? new Response('no such session', { status: 404 });
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (made) => sessions.set(made, transport),
  });
  await build().connect(transport);
  return transport.handleRequest(request);
}

if (way === '--stdio') {
  serveStdio(build);
} else if (way === '--http') {
  const stateless = createMcpHandler(build, { legacy: 'reject' });
  notifier = stateless.notify;
  const fetch = async (request, options) =>
    (await isLegacyRequest(request)) ? fetchStateful(request) : stateless.fetch(request, options);
  const listener = createServer(toNodeHandler({ fetch }));
  listener.listen(Number(port), '127.0.0.1', () => console.error(`listening ${listener.address().port}`));
} else {
  console.error('usage: ts2_server.mjs --stdio | --http PORT');
  process.exit(2);
}
