// The echo in Node with ws: a callback for each message, and no framework.

import { pathToFileURL } from "node:url";
import { WebSocketServer } from "ws";

export const OPTIONS = {
  maxPayload: 10 * 1024 * 1024, // the default is ten times that
  handleProtocols: (offered) => offered.has("echo") && "echo",
};

export function echo(ws) {
  ws.on("error", console.error); // ws itself closes the connection
  ws.on("message", (data, binary) => {
    ws.send(data, { binary }, () => ws.resume());
    // What the kernel did not take at once: a client that does not read is not read from either.
    if (ws.bufferedAmount > 0) ws.pause();
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { HOST = "0.0.0.0", PORT = "8000" } = process.env;
  new WebSocketServer({ ...OPTIONS, host: HOST, port: Number(PORT) }).on("connection", echo);
}
