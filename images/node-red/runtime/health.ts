// Exec health check: 0 when /readyz answers 200. Small on purpose: it starts every few seconds in
// every container, so it loads one module of Node and nothing else.
import { connect } from "node:net";

const port = Number(process.env.REDFLEET_HEALTH_PORT ?? 1881);
const socket = connect(port, "127.0.0.1", () => socket.write("GET /readyz HTTP/1.0\r\n\r\n"));
socket.setTimeout(2000, () => process.exit(1));
socket.once("data", (chunk) => process.exit(chunk.toString("latin1", 9, 12) === "200" ? 0 : 1));
socket.once("error", () => process.exit(1));
