// Socket.IO behind the same small interface as client.js. Loaded only for a stack that speaks it.
import { io } from "socket.io-client";

/**
 * Socket.IO has no subprotocols and no close codes: it tells a reason in words.
 * @param {string} url its path is the Engine.IO endpoint, its query goes with the handshake
 * @param {string[]} _protocols
 * @param {import("./client.js").Handlers} on
 * @returns {import("./client.js").Connection}
 */
export function connect(url, _protocols, on) {
  const { origin, pathname, searchParams } = new URL(url.replace(/^ws/, "http"));
  const socket = io(origin, {
    path: pathname,
    query: Object.fromEntries(searchParams),
    transports: ["websocket"],
    forceNew: true,
    reconnection: false, // the page's own backoff does it, as for every other stack
  });

  socket.on("connect", () => on.open({ protocol: "", extensions: null }));
  // A message is what it says; of another event the name is told too.
  socket.onAny((event, ...said) => on.message(event === "message" && said.length === 1 ? said[0] : [event, ...said]));
  socket.on("connect_error", ({ message }) => {
    on.error();
    on.close({ code: null, reason: message, clean: false });
  });
  socket.on("disconnect", (reason) => {
    on.close({ code: null, reason, clean: reason === "io client disconnect" || reason === "io server disconnect" });
  });

  return {
    send: (data) => void socket.send(data),
    sendObject: (data) => void socket.send(data),
    close() {
      const opened = socket.connected;
      socket.disconnect();
      if (!opened) on.close({ code: null, reason: "io client disconnect", clean: false }); // no event says so
    },
    waiting: 0, // not told by Socket.IO
  };
}
