// The service in Node with ws: the echo, the room and /about on one node:http server, and a farewell at SIGTERM.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { WebSocketServer } from "ws";

import { enter } from "./chat.js";
import { OPTIONS, echo } from "./echo.js";

const { version } = createRequire(import.meta.url)("ws/package.json");
const ABOUT = { service: "node", versions: { node: process.versions.node, ws: version } };

const endpoints = {
  "/foobar/": new WebSocketServer({ ...OPTIONS, noServer: true }).on("connection", echo),
  "/chat/": new WebSocketServer({ ...OPTIONS, noServer: true }).on("connection", enter),
};

const path = (request) => request.url.split("?", 1)[0];
const clients = () => Object.values(endpoints).flatMap((endpoint) => [...endpoint.clients]);

for (const endpoint of Object.values(endpoints)) {
  endpoint.on("connection", (ws) => {
    ws.alive = true;
    ws.on("pong", () => (ws.alive = true));
  });
}

const keepalive = setInterval(() => {
  for (const ws of clients()) {
    if (!ws.alive) ws.terminate();
    else ws.ping();
    ws.alive = false;
  }
}, 20_000);

const server = createServer((request, response) => {
  if (Object.hasOwn(endpoints, path(request))) {
    response.writeHead(426, { Connection: "Upgrade", Upgrade: "websocket" }).end();
  } else if (path(request) === "/about") {
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(ABOUT));
  } else {
    response.writeHead(404).end();
  }
});

server.on("upgrade", (request, socket, head) => {
  if (Object.hasOwn(endpoints, path(request))) {
    const endpoint = endpoints[path(request)];
    endpoint.handleUpgrade(request, socket, head, (ws) => endpoint.emit("connection", ws, request));
  } else {
    socket.on("error", () => {}).once("finish", socket.destroy);
    socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }
});

const { HOST = "0.0.0.0", PORT = "8000" } = process.env;
server.listen(Number(PORT), HOST, () => console.error("listening on %s:%s", HOST, PORT));

function stop() {
  server.close();
  clearInterval(keepalive);
  for (const ws of clients()) ws.close(1001, "server shutting down");
  setTimeout(() => process.exit(), 3000); // not everyone answers
  const closed = Object.values(endpoints).map((endpoint) => new Promise((done) => endpoint.close(done)));
  Promise.all(closed).then(() => process.exit());
}

process.once("SIGTERM", stop).once("SIGINT", stop);
