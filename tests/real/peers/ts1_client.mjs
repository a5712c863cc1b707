// A client of the TypeScript SDK 1, which speaks the stateful era only, with its experimental tasks of
// 2025-11-25 in both directions. Flags and output: see ts_steps.mjs.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { answering, main, pick, STEP_MS, summarise } from './ts_steps.mjs';

function transportFor({ stdio, url, sse }) {
  if (stdio.length) return new StdioClientTransport({ command: stdio[0], args: stdio.slice(1) });
  return url ? new StreamableHTTPClientTransport(new URL(url)) : new SSEClientTransport(new URL(sse));
}

async function make(peer) {
  const client = new Client(
    { name: 'ts1-client', version: '1.0' },
    {
      capabilities: {
        sampling: {},
        elicitation: { form: {}, url: {} },
        roots: { listChanged: true },
        tasks: { list: {}, cancel: {}, requests: { sampling: { createMessage: {} } } },
      },
      taskStore: new InMemoryTaskStore(),
    },
  );
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }, extra) => {
    const answer = answering.sampling(peer, params);
    if (!params.task) return answer;
    const task = await extra.taskStore.createTask({ ttl: params.task.ttl });
    setTimeout(() => extra.taskStore.storeTaskResult(task.taskId, 'completed', answer), 200);
    return { task };
  });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => answering.elicitation(peer, params));
  client.setRequestHandler(ListRootsRequestSchema, () => answering.roots(peer));
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    peer.logs.push([params.logger ?? null, params.level, params.data]);
  });
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    peer.heard.add(`updated ${params.uri}`);
  });
  peer.client = client;
  peer.transport = transportFor(peer);
  peer.stateful = () => true;
  // The client tells a transport what was negotiated, if it cares to know, and keeps no copy.
  const { setProtocolVersion } = peer.transport;
  peer.transport.setProtocolVersion = (version) => {
    peer.version = () => version;
    setProtocolVersion?.call(peer.transport, version);
  };
  peer.call = (name, args, options) =>
    client.callTool({ name, arguments: args }, CallToolResultSchema, { timeout: STEP_MS, ...options });
  peer.ask = async (name, args) => {
    if (!name.startsWith('task_')) return peer.call(name, args);
    return (await followed(peer, name, args, 'result')).result;
  };
  await client.connect(peer.transport);
}

// Calls a tool as a task and follows it to its end, as the SDK's own helper does.
const follow = (peer, step, until) => followed(peer, ...pick(peer, step), until);
async function followed(peer, name, args, until) {
  const options = { task: { ttl: 60_000 } };
  const { tasks } = peer.client.experimental;
  for await (const message of tasks.callToolStream({ name, arguments: args }, CallToolResultSchema, options)) {
    if (message.type === 'error') throw message.error;
    if (message.type === until) return message;
  }
}

main(make, {
  // The task asks for input when it is half done; the question comes on the stream of tasks/result.
  task_input: async (peer) => {
    const seen = peer.asked.length;
    const { result } = await follow(peer, 'task_input', 'result');
    return { ...summarise(result), asked: peer.asked.slice(seen).includes('form') };
  },
  task_cancel: async (peer) => {
    const { tasks } = peer.client.experimental;
    const id = (await follow(peer, 'task_cancel', 'taskCreated')).task.taskId;
    const { status } = await tasks.cancelTask(id);
    const listed = (await tasks.listTasks()).tasks.find((task) => task.taskId === id);
    const again = await tasks.cancelTask(id).catch((error) => error.code);
    return { status, later: (await tasks.getTask(id)).status, listed: listed.status, again };
  },
  // Here the server asks, and the client answers with a task that the server polls.
  task_sampling: async (peer) => {
    const { texts } = summarise(await peer.call(...pick(peer, 'task_sampling')));
    return texts.map((text) => text.replace(/[0-9a-f]{32}/g, 'TASK'));
  },
});
