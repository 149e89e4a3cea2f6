import { answering, type FlowNode, through } from "../../support/flows.ts";

const at = { x: 100, y: 100 };

/** Answers with `text` and with a number that says how often this very node was started. */
export function counted(tab: string, id: string, path: string, text: string): FlowNode[] {
  const [input, fn, output] = answering(
    tab,
    id,
    path,
    `msg.payload = { text: ${JSON.stringify(text)}, starts: global.get(${JSON.stringify(id)}) };`,
  );
  const initialize = `global.set("${id}", (global.get("${id}") || 0) + 1);`;
  return [input, { ...fn, initialize }, output];
}

/**
 * A tab whose own environment holds a credential: `GET path` answers it. The value itself travels
 * in `credentials`, as the editor sends it.
 */
export function secretTab(id: string, path: string, secret: string): FlowNode[] {
  const env = [{ name: "SECRET", value: "", type: "cred" }];
  return [
    { id, type: "tab", label: id, env, credentials: { SECRET: secret } },
    ...answering(id, id, path, 'msg.payload = env.get("SECRET");'),
  ];
}

/** Asks the endpoint `target` with a password out of its credentials; `target` answers the header. */
export function credentialNode(
  tab: string,
  id: string,
  path: string,
  target: string,
  password: string,
): FlowNode[] {
  const ask: FlowNode = {
    id: `${id}-fn`,
    type: "http request",
    method: "GET",
    ret: "txt",
    url: target,
    authType: "basic",
    credentials: { user: "u", password },
    z: tab,
    ...at,
  };
  return through(ask, id, path);
}
