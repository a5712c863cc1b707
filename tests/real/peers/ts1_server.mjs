// A server of the TypeScript SDK 1 (stateful era): tools that ask, as plain calls or from within tasks of 2025-11-25.
//
// Run with `--stdio`, `--http PORT` (endpoint `/mcp`) or `--sse PORT` (`/sse`), and `--tools NAME,...` (ts_asks.mjs);
// a name that begins with `task_` is a tool that has to be called as a task. It prints `listening PORT` on stderr.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { InMemoryTaskMessageQueue, InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  ListRootsResultSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { asks, kindOf, toolNames } from './ts_asks.mjs';

const text = (value) => ({ content: [{ type: 'text', text: String(value) }] });
const results = {
  'sampling/createMessage': CreateMessageResultSchema,
  'elicitation/create': ElicitResultSchema,
  'roots/list': ListRootsResultSchema,
};
const [names, [way, port]] = toolNames(process.argv.slice(2));

async function ask(kind, about, extra, options) {
  const { method, params, told } = asks[kind];
  return text(told(await extra.sendRequest({ method, params: params(about) }, results[method], options)));
}

// The question waits in the task's queue until the client calls tasks/result.
async function work(taskId, kind, about, extra) {
  const { taskStore } = extra;
  await taskStore.updateTaskStatus(taskId, 'input_required');
  const options = { relatedTask: { taskId } };
  const result = await ask(kind, about, extra, options).catch((error) => ({ ...text(error.message), isError: true }));
  await taskStore.storeTaskResult(taskId, result.isError ? 'failed' : 'completed', result);
}

function offerTask(server, name) {
  const kind = kindOf(name).replace('task_', '');
  const config = { inputSchema: { about: z.string() }, execution: { taskSupport: 'required' } };
  server.experimental.tasks.registerToolTask(name, config, {
    createTask: async ({ about }, extra) => {
      const task = await extra.taskStore.createTask({ ttl: 60_000, pollInterval: 20 });
      work(task.taskId, kind, about, extra);
      return { task };
    },
    getTask: async (args, extra) => extra.taskStore.getTask(extra.taskId),
    getTaskResult: async (args, extra) => extra.taskStore.getTaskResult(extra.taskId),
  });
}

function build() {
  const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
  const server = new McpServer(
    { name: 'ts1-server', version: '1.0' },
    { capabilities: { tasks }, taskStore: new InMemoryTaskStore(), taskMessageQueue: new InMemoryTaskMessageQueue() },
  );
  server.registerTool('echo', { inputSchema: { message: z.string() } }, async ({ message }) => text(`Echo: ${message}`));
  for (const name of names) {
    const kind = kindOf(name);
    if (kind.startsWith('task_')) {
      offerTask(server, name);
      continue;
    }
    server.registerTool(name, { inputSchema: { about: z.string() } }, async ({ about }, extra) => {
      if (kind !== 'signin') return ask(kind, about, extra);
      throw new UrlElicitationRequiredError([asks.url.params(about)], 'Sign-in needed');
    });
  }
  return server;
}

const sessions = new Map();
async function serveHttp(request, response) {
  const known = sessions.get(request.headers['mcp-session-id']);
  if (known) return known.handleRequest(request, response);
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (made) => sessions.set(made, transport),
  });
  await build().connect(transport);
  return transport.handleRequest(request, response);
}

async function serveSse(request, response) {
  const url = new URL(request.url, 'http://127.0.0.1');
  if (request.method === 'POST') {
    return sessions.get(url.searchParams.get('sessionId')).handlePostMessage(request, response);
  }
  const transport = new SSEServerTransport('/messages', response);
  sessions.set(transport.sessionId, transport);
  return build().connect(transport);
}

if (way === '--stdio') {
  await build().connect(new StdioServerTransport());
} else {
  const listener = createServer(way === '--sse' ? serveSse : serveHttp);
  listener.listen(Number(port), '127.0.0.1', () => console.error(`listening ${listener.address().port}`));
}
