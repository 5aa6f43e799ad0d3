// The echo in Node, with ws on top of node:http: a callback for each message, and no framework.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { WebSocketServer } from "ws";

import { enter } from "./chat.js";

const { version } = createRequire(import.meta.url)("ws/package.json");
const ABOUT = { service: "node", versions: { node: process.versions.node, ws: version } };
const OPTIONS = {
  noServer: true, // for two of them share the one below
  maxPayload: 10 * 1024 * 1024, // the default is ten times that
  handleProtocols: (offered) => offered.has("echo") && "echo",
};

const rooms = { "/foobar/": new WebSocketServer(OPTIONS), "/chat/": new WebSocketServer(OPTIONS) };
rooms["/foobar/"].on("connection", echo);
rooms["/chat/"].on("connection", enter);

function echo(ws) {
  ws.on("message", (data, binary) => {
    ws.send(data, { binary }, () => ws.resume());
    // What the kernel did not take at once: a client that does not read is not read from either.
    if (ws.bufferedAmount > 0) ws.pause();
  });
}

for (const room of Object.values(rooms)) {
  room.on("connection", (ws) => {
    ws.alive = true;
    ws.on("pong", () => (ws.alive = true));
    ws.on("error", (error) => console.error("%s: closed with %s", error.code, error.message)); // by ws itself
  });
}

const keepalive = setInterval(() => {
  for (const ws of clients()) {
    if (!ws.alive) ws.terminate();
    else ws.ping();
    ws.alive = false;
  }
}, 20_000);

const path = (request) => request.url.split("?", 1)[0];
const clients = () => Object.values(rooms).flatMap((room) => [...room.clients]);

const server = createServer((request, response) => {
  if (Object.hasOwn(rooms, path(request))) {
    response.writeHead(426, { Connection: "Upgrade", Upgrade: "websocket" }).end();
  } else if (path(request) === "/about") {
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(ABOUT));
  } else {
    response.writeHead(404).end();
  }
});

server.on("upgrade", (request, socket, head) => {
  if (Object.hasOwn(rooms, path(request))) {
    const room = rooms[path(request)];
    room.handleUpgrade(request, socket, head, (ws) => room.emit("connection", ws, request));
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
  Promise.all(Object.values(rooms).map((room) => new Promise((done) => room.close(done)))).then(() => process.exit());
}

process.once("SIGTERM", stop).once("SIGINT", stop);
