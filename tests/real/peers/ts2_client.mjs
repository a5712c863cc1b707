// A client of the TypeScript SDK 2: `--era legacy` (stateful), `modern` (stateless, pinned) or `auto`.
// Flags and output: see ts_steps.mjs.
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { aResource, answering, main, pick, STEP_MS, Unfit, until } from './ts_steps.mjs';

const modes = { legacy: 'legacy', auto: 'auto', modern: { pin: '2026-07-28' } };

function transportFor({ stdio, url, sse }) {
  if (stdio.length) return new StdioClientTransport({ command: stdio[0], args: stdio.slice(1) });
  return url ? new StreamableHTTPClientTransport(new URL(url)) : new SSEClientTransport(new URL(sse));
}

async function make(peer) {
  const client = new Client(
    { name: 'ts2-client', version: '1.0' },
    {
      capabilities: { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } },
      versionNegotiation: { mode: modes[peer.era] },
    },
  );
  client.setRequestHandler('sampling/createMessage', ({ params }) => answering.sampling(peer, params));
  client.setRequestHandler('elicitation/create', ({ params }) => answering.elicitation(peer, params));
  client.setRequestHandler('roots/list', () => answering.roots(peer));
  client.setNotificationHandler('notifications/message', ({ params }) => {
    peer.logs.push([params.logger ?? null, params.level, params.data]);
  });
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    peer.heard.add(`updated ${params.uri}`);
  });
  client.setNotificationHandler('notifications/tools/list_changed', () => {
    peer.heard.add('tools changed');
  });
  peer.client = client;
  peer.transport = transportFor(peer);
  peer.stateful = () => client.getProtocolEra() === 'legacy';
  peer.version = () => client.getNegotiatedProtocolVersion();
  peer.call = (name, args, options, meta) =>
    client.callTool(
      { name, arguments: args, ...(meta && !peer.stateful() && { _meta: meta }) },
      { timeout: STEP_MS, ...options },
    );
  peer.ask = peer.call;
  await client.connect(peer.transport);
}

main(make, {
  listen: async (peer) => {
    if (peer.stateful()) throw new Unfit();
    const [tool, args] = pick(peer, 'listen');
    const uri = await aResource(peer);
    peer.heard.clear();
    const stream = await peer.client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
    await peer.call(tool, args);
    await until(() => peer.heard.size === 2);
    await stream.close();
    return { honoured: stream.honoredFilter, events: [...peer.heard].sort(), closed: await stream.closed };
  },
});
