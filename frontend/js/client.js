// The WebSocket client of Echo Wall, whole: every stack is talked to by these lines.

/**
 * @typedef {{ protocol: string, extensions: string | null }} Opened  extensions is null where the client does not tell
 * @typedef {{ code: number | null, reason: string, clean: boolean }} Closed  code is null where the protocol has none
 * @typedef {string | ArrayBuffer | object} Incoming  an object only by Socket.IO, which says objects as they are, and of
 *   named events, which are said with their name
 * @typedef {{ open(opened: Opened): void, message(data: Incoming): void, error(): void, close(closed: Closed): void }} Handlers
 * @typedef {string | Uint8Array<ArrayBuffer>} Outgoing
 * @typedef {{ send(data: Outgoing): void, sendObject(data: object): void, close(code: number, reason: string): void, readonly waiting: number }} Connection
 */

/**
 * @param {string} url
 * @param {string[]} protocols
 * @param {Handlers} on
 * @returns {Connection}
 */
export function connect(url, protocols, on) {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";

  socket.addEventListener("open", () => on.open({ protocol: socket.protocol, extensions: socket.extensions }));
  socket.addEventListener("message", ({ data }) => on.message(data));
  socket.addEventListener("error", () => on.error());
  socket.addEventListener("close", ({ code, reason, wasClean }) => on.close({ code, reason, clean: wasClean }));

  return {
    send: (data) => socket.send(data),
    sendObject: (data) => socket.send(JSON.stringify(data)),
    close: (code, reason) => socket.close(code, reason),
    get waiting() {
      return socket.bufferedAmount;
    },
  };
}
