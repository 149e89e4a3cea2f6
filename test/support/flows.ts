/** A node of a Node-RED flow. */
export type FlowNode = Record<string, unknown> & { id: string; type: string };

/** A tab. */
export const tab = (id: string, label = id): FlowNode => ({
  id,
  type: "tab",
  label,
  disabled: false,
  info: "",
});

/** An environment variable for all flows: a change of it restarts everything. */
export const globalConfig = (mark: string): FlowNode => ({
  id: "everywhere",
  type: "global-config",
  name: "",
  env: [{ name: "MARK", value: mark, type: "str" }],
  modules: {},
});

/** Answers with the worker that served it and a mark that tells revisions apart. */
const ANSWER = (mark: string) =>
  `msg.payload = { mark: ${JSON.stringify(mark)}, worker: env.get("HOSTNAME") };\nreturn msg;`;

/** http-in → function → response on a tab: `GET path` answers `{mark, worker}`. */
export function endpoint(z: string, id: string, path: string, mark: string): FlowNode[] {
  return [
    { ...httpIn(z, `${id}-in`, path), wires: [[`${id}-fn`]] },
    functionNode(z, `${id}-fn`, ANSWER(mark), `${id}-out`),
    httpResponse(z, `${id}-out`),
  ];
}

/** Node-RED takes a node without a place on its tab for a configuration node. */
const PLACE = { x: 200, y: 100 };

const httpIn = (z: string, id: string, url: string): FlowNode => ({
  id,
  type: "http in",
  z,
  ...PLACE,
  name: "",
  url,
  method: "get",
  upload: false,
  swaggerDoc: "",
});

function httpResponse(z: string, id: string): FlowNode {
  return { id, type: "http response", z, ...PLACE, statusCode: "", headers: {}, wires: [] };
}

function functionNode(z: string, id: string, func: string, next?: string): FlowNode {
  const fields = { outputs: 1, timeout: 0, noerr: 0, initialize: "", finalize: "", libs: [] };
  return {
    id,
    type: "function",
    z,
    ...PLACE,
    name: id,
    func,
    ...fields,
    wires: next ? [[next]] : [[]],
  };
}

/** Nodes that do nothing, to make a flow set as large as a real one. */
export function ballast(z: string, count: number): FlowNode[] {
  return Array.from({ length: count }, (_, index) =>
    functionNode(z, `${z}-ballast-${index}`, "return msg;"),
  );
}

/**
 * Two endpoints that prove a credential: `GET path` asks `path-echo` on the same worker with basic
 * authentication out of the node's credentials, and answers what arrived there.
 * @param origin where the worker reaches itself, e.g. `http://127.0.0.1:1880/red-nodes`.
 */
export function credentialProbe(
  z: string,
  id: string,
  path: string,
  origin: string,
  credentials: { readonly user: string; readonly password: string },
): FlowNode[] {
  const echo = [
    "msg.payload = { worker: env.get('HOSTNAME'), authorization: msg.req.headers.authorization };",
    "return msg;",
  ].join("\n");
  return [
    { ...httpIn(z, `${id}-in`, path), wires: [[`${id}-ask`]] },
    {
      id: `${id}-ask`,
      type: "http request",
      z,
      ...PLACE,
      name: "asks with a credential",
      method: "GET",
      ret: "obj",
      paytoqs: "ignore",
      url: `${origin}${path}-echo`,
      tls: "",
      persist: false,
      proxy: "",
      insecureHTTPParser: false,
      authType: "basic",
      senderr: false,
      headers: [],
      credentials,
      wires: [[`${id}-out`]],
    },
    httpResponse(z, `${id}-out`),
    { ...httpIn(z, `${id}-echo-in`, `${path}-echo`), wires: [[`${id}-echo-fn`]] },
    functionNode(z, `${id}-echo-fn`, echo, `${id}-echo-out`),
    httpResponse(z, `${id}-echo-out`),
  ];
}
