/**
 * Flags of Node for a process whose own clock jumps: every half a second by two hours, ahead and back. A container
 * has the clock of its machine, and nothing but a kernel module could give it another one.
 */
const SCRIPT = `
const Real = Date;
let ahead = 3_600_000;
setInterval(() => { ahead = -ahead; }, 500).unref();
const now = () => Real.now() + ahead;
globalThis.Date = new Proxy(Real, {
  construct: (target, args, self) => Reflect.construct(target, args.length > 0 ? args : [now()], self),
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});`;

export const JUMPING_CLOCK: readonly string[] = [
  "--import",
  `data:text/javascript,${encodeURIComponent(SCRIPT)}`,
];

/** How far the times of log entries are from this machine's clock at most, in milliseconds. */
export function farthest(logs: string): number {
  const times = [...logs.matchAll(/"time":"([^"]+)"/g)].map(([, time]) => Date.parse(time ?? ""));
  return Math.max(...times.map((time) => Math.abs(time - Date.now())));
}
