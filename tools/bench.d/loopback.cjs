// Required before a Node peer that would listen on every address: it listens on 127.0.0.1 alone.
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const given = rest.filter((item) => typeof item !== "string");
  return typeof port === "number" ? listen.call(this, port, "127.0.0.1", ...given) : listen.call(this, port, ...rest);
};
