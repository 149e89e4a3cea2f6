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

/** http in, the node between, http response. */
type Wired = [input: FlowNode, node: FlowNode, output: FlowNode];

/**
 * http in → function → http response on a tab: `GET path` answers what `code` leaves in `msg.payload`.
 * @param libs npm modules that it loads, by the names of their variables
 */
export function answering(
  z: string,
  id: string,
  path: string,
  code: string,
  libs: Readonly<Record<string, string>> = {},
): Wired {
  const loaded = Object.entries(libs).map(([name, module]) => ({ var: name, module }));
  const node = functionNode(z, `${id}-fn`, `${code}\nreturn msg;`);
  return through({ ...node, libs: loaded }, id, path);
}

/** The same with the worker that served it and a mark that tells revisions apart: `{mark, worker}`. */
export function endpoint(z: string, id: string, path: string, mark: string): Wired {
  const answer = `{ mark: ${JSON.stringify(mark)}, worker: env.get("HOSTNAME") }`;
  return answering(z, id, path, `msg.payload = ${answer};`);
}

/** The same with a node of another type: `GET path` answers what it makes of the message. */
export function answersBy(z: string, path: string, type: string): Wired {
  const id = `${z}${path.replaceAll("/", "-")}`;
  return through({ id: `${id}-node`, type, z, ...PLACE, wires: [] }, id, path);
}

/** http in → the node → http response. */
export function through(node: FlowNode, id: string, path: string): Wired {
  const z = node.z as string;
  return [
    { ...httpIn(z, `${id}-in`, path), wires: [[node.id]] },
    { ...node, wires: [[`${id}-out`]] },
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

function functionNode(z: string, id: string, func: string): FlowNode {
  const fields = { outputs: 1, timeout: 0, noerr: 0, initialize: "", finalize: "", libs: [] };
  return {
    id,
    type: "function",
    z,
    ...PLACE,
    name: id,
    func,
    ...fields,
    wires: [[]],
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
  const ask: FlowNode = {
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
  };
  const echo =
    "msg.payload = { worker: env.get('HOSTNAME'), authorization: msg.req.headers.authorization };";
  return [...through(ask, id, path), ...answering(z, `${id}-echo`, `${path}-echo`, echo)];
}
