import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

const FLAGS_ANSWER = 0x8580;
const TYPE_A = 1;

/**
 * A name server that answers 127.0.0.1 for every name: what the engine's embedded one is to the
 * edge in production, so that the benchmark pays for the same lookups.
 */
export async function startResolver(port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => socket.send(answer(query), from.port, from.address));
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

function answer(query: Buffer): Buffer {
  let end = 12;
  while (query[end] !== 0) end += (query[end] ?? 0) + 1;
  const question = query.subarray(12, end + 5);
  const wanted = query.readUInt16BE(end + 1) === TYPE_A;
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(FLAGS_ANSWER, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(wanted ? 1 : 0, 6);
  // A pointer to the name in the question, type A, class IN, TTL 1 s, four bytes: 127.0.0.1.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat(wanted ? [head, question, record] : [head, question]);
}
