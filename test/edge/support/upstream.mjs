// A tiny stand-in for a Node-RED runtime: HTTP and websockets on 1880, readiness on 1881.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createServer as listen } from "node:net";
import { hostname } from "node:os";

let requests = 0;
let ready = true;
const executed = new Map();

/** Everything about a request that the edge may have shaped, and who answered. */
function echo(request, body) {
  const { method, url, headers } = request;
  return { host: hostname(), method, url, headers, bytes: body.length, requests };
}

async function answer(request, response) {
  requests += 1;
  const url = new URL(request.url, "http://upstream");
  const id = url.searchParams.get("id");
  if (id) executed.set(id, (executed.get(id) ?? 0) + 1);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (url.pathname === "/executed") {
    response.end(JSON.stringify([...executed]));
    return;
  }
  if (url.pathname === "/unready") ready = false;
  const wait = Number(url.searchParams.get("wait") ?? 0);
  setTimeout(() => {
    response.statusCode = Number(url.searchParams.get("status") ?? 200);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(echo(request, Buffer.concat(chunks))));
  }, wait);
}

/** The text of one short masked frame. */
function unmask(frame) {
  const length = frame[1] & 0x7f;
  const mask = frame.subarray(2, 6);
  return Buffer.from(frame.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]));
}

/** Echoes short text frames behind this host's name. */
function upgrade(request, socket) {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("error", () => socket.destroy());
  socket.on("data", (frame) => {
    if ((frame[0] & 0x0f) !== 1) return socket.end();
    const text = Buffer.from(`${hostname()}:${unmask(frame)}`);
    return socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
  });
}

createServer((request, response) => void answer(request, response))
  .on("upgrade", upgrade)
  .listen(1880);
createServer((_request, response) => {
  response.statusCode = ready ? 200 : 503;
  response.end();
}).listen(1881);
// In the place of a document store: takes every connection and keeps it.
listen((socket) => socket.on("error", () => socket.destroy())).listen(27017);
process.on("SIGTERM", () => process.exit(0));
