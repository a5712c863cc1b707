// Sends the `fetch` of a Node that does not read HTTPS_PROXY by itself (before 22.21 and 24) through that proxy.
// Loaded with --require. `fetch` is undici inside Node: its dispatcher is replaced by one whose connections are tunnels.
'use strict';
const net = require('node:net');
const tls = require('node:tls');

const [major, minor] = process.versions.node.split('.').map(Number);
const proxy = process.env.HTTPS_PROXY && new URL(process.env.HTTPS_PROXY);
const dispatcher = Symbol.for('undici.globalDispatcher.1');

function tunnel({ protocol, hostname, port, servername }, done) {
  const secure = protocol === 'https:';
  const target = `${hostname}:${port || (secure ? 443 : 80)}`;
  const socket = net.connect({ host: proxy.hostname.replace(/^\[|\]$/g, ''), port: Number(proxy.port || 80) });
  let head = '';
  const fail = (error) => {
    socket.destroy();
    done(error, null);
  };
  const read = () => {
    for (let piece; (piece = socket.read(1)) !== null; ) {
      head += piece.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) continue;
      socket.off('readable', read);
      socket.off('error', fail);
      if (!/^HTTP\/1\.[01] 200/.test(head)) return fail(new Error(`the proxy said: ${head.split('\r\n', 1)[0]}`));
      return opened();
    }
  };
  const opened = () => {
    socket.setNoDelay(true);
    if (!secure) return done(null, socket);
    const name = servername || hostname.replace(/^\[|\]$/g, '');
    const options = { socket, ALPNProtocols: ['http/1.1'], ...(net.isIP(name) ? { host: name } : { servername: name }) };
    const safe = tls.connect(options);
    safe.once('secureConnect', () => {
      safe.off('error', fail);
      done(null, safe);
    });
    safe.once('error', fail);
  };
  socket.once('error', fail);
  socket.on('readable', read);
  socket.once('connect', () => socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`));
}

if (proxy && (major < 22 || (major === 22 && minor < 21) || major === 23)) {
  void globalThis.Response; // loads undici, which sets its dispatcher
  const Agent = globalThis[dispatcher] && globalThis[dispatcher].constructor;
  if (Agent) globalThis[dispatcher] = new Agent({ connect: tunnel });
}
