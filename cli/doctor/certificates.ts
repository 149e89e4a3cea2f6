import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect } from "node:tls";
import { redfleet } from "../hint.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const DAY = 86_400_000;
/** The agent renews the wildcard certificate long before this, so fewer days mean it does not. */
const DAYS = { ca: 30, served: 7 };

/** Expiry of the CA's certificate and of the one that the edge serves. */
export async function checkCertificates(
  caFile: string | null,
  served: { host: string; address: string; port: number } | undefined,
): Promise<Check[]> {
  const checks: Check[] = [];
  if (caFile) {
    const ca = new X509Certificate(await readFile(caFile));
    checks.push(judgeExpiry("CA certificate", ca.validToDate, DAYS.ca, new Date()));
  }
  if (served) checks.push(await checkServed(served));
  return checks;
}

async function checkServed({
  host,
  address,
  port,
}: {
  host: string;
  address: string;
  port: number;
}) {
  const name = "edge certificate";
  const answer = await servedExpiry(host, address, port);
  if (answer instanceof Date) return judgeExpiry(name, answer, DAYS.served, new Date());
  return fail(name, `${host}:${port}: ${answer}`, redfleet("logs edge"));
}

/** Expiry of what a server shows for a host name, or why it shows nothing. */
function servedExpiry(host: string, address: string, port: number): Promise<Date | string> {
  return new Promise((resolve) => {
    // only its dates are looked at, so it need not be trusted here
    const options = { host: address, port, servername: host, rejectUnauthorized: false };
    const socket = connect(options, () => {
      resolve(new Date(socket.getPeerCertificate().valid_to));
      socket.destroy();
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error("no answer within 5 s")));
    socket.once("error", (error) => resolve(error.message));
  });
}

export function judgeExpiry(name: string, end: Date, least: number, now: Date): Check {
  const days = Math.floor((end.getTime() - now.getTime()) / DAY);
  const date = end.toISOString().slice(0, 10);
  const fix = `${redfleet("logs agent")} says why it is not renewed; given files: renew them`;
  if (days < 0) return fail(name, `expired on ${date}`, fix);
  const detail = `valid until ${date} (${days} days)`;
  return days < least ? warn(name, detail, fix) : ok(name, detail);
}
