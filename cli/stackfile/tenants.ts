import { isAlias, isMap, isPair, isScalar, isSeq, parse, Scalar, visit, type YAMLMap } from "yaml";
import { nearest } from "../../config/hints.ts";
import { identityOf } from "../../config/identity.ts";
import { takesTexts } from "../../config/known-keys.ts";
import { needsQuotes } from "../../config/stack-file.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { PLATFORM, type StackDocument, tenantsOf } from "./document.ts";

/** A tenant as the stack file declares it; the schema in `config/` says what is allowed. */
export type TenantFields = Record<string, unknown>;

/** A change of one field: `memory=512 MB`, `env.LANG=de`; without a value the field goes. */
export interface Assignment {
  path: string[];
  value: unknown;
}

/** Fields whose values are text whatever they look like: `env.DEBUG=1` is the text "1". */
const TEXT = new Set(["env", "secretEnv", "displayName", "host", "memory", "template", "state"]);

/** Where the file confirms that a removed tenant's data may go. */
const CONFIRMED = [...PLATFORM, "confirmDestroy"];

/** Reads `field=value` from the command line. */
export function parseAssignment(text: string): Assignment {
  const match = /^([A-Za-z]\w*)((?:\.\w+)?)=(.*)$/s.exec(text);
  if (!match) {
    throw new CliError({
      what: `"${text}" is no change of a field`,
      why: "a change is written as field=value",
      fix: 'for example memory="512 MB", env.LANG=de, aliases=shop.example.org, cpus= to remove',
      exitCode: 2,
    });
  }
  const [, field = "", key = "", value = ""] = match;
  const path = key ? [field, key.slice(1)] : [field];
  return { path, value: value === "" ? undefined : typed(path, value) };
}

/** A list of texts may be written as YAML, or as what is in it, separated by commas. */
function typed(path: readonly string[], value: string): unknown {
  if (TEXT.has(path[0] ?? "")) return value;
  const isBare = !value.trimStart().startsWith("[");
  // Of any tenant: the schema is the same for all.
  if (isBare && takesTexts(["tenants", "", ...path])) {
    return value.split(",").map((item) => item.trim());
  }
  return parse(value);
}

/** Adds a tenant after the others, in their style (one line each or one field per line). */
export function addTenant(stack: StackDocument, key: string, fields: TenantFields): void {
  const tenants = tenantsOf(stack);
  assertFree(stack, key);
  const node = stack.document.createNode(fields) as unknown as YAMLMap;
  node.flow = isFlowStyle(tenants) && !Object.values(fields).some((one) => typeof one === "object");
  tenants.set(quoted(new Scalar(key)), node);
  withdrawDestruction(stack, key);
}

/** A key in quotes where YAML would read something else without them. */
function quoted(key: Scalar<string>): Scalar<string> {
  if (needsQuotes(key.value)) key.type = Scalar.QUOTE_DOUBLE;
  return key;
}

function assertFree(stack: StackDocument, key: string): void {
  if (!tenantsOf(stack).has(key)) return;
  throw new CliError({
    what: `there is a tenant "${key}" already`,
    why: "a tenant's key is its identity",
    fix: `${redfleet(`tenant set ${key} field=value`)} changes it`,
  });
}

/** A key that is in use again must not stay on the list of data to be destroyed. */
function withdrawDestruction(stack: StackDocument, key: string): void {
  const confirmed = stack.document.getIn(CONFIRMED);
  if (!isSeq(confirmed)) return;
  const at = (confirmed.toJSON() as unknown[]).indexOf(key);
  if (at >= 0) confirmed.delete(at);
  if (confirmed.items.length === 0) stack.document.deleteIn(CONFIRMED);
}

function isFlowStyle(tenants: YAMLMap): boolean {
  const last = tenants.items.at(-1)?.value;
  return isMap(last) && last.flow === true;
}

/** Changes fields of a tenant, leaves the others and all comments alone. */
export function setTenant(stack: StackDocument, key: string, changes: readonly Assignment[]): void {
  const tenant = requireTenant(stack, key);
  for (const { path, value } of changes) {
    if (value === undefined) tenant.deleteIn(path);
    else tenant.setIn(path, isObject(value) ? stack.document.createNode(value) : value);
    dropEmptyParent(tenant, path);
  }
}

/** `env: {}` after its last variable is gone says nothing. */
function dropEmptyParent(tenant: YAMLMap, path: readonly string[]): void {
  const parent = path.length > 1 ? tenant.get(path[0], true) : undefined;
  if (isMap(parent) && parent.items.length === 0) tenant.delete(path[0]);
}

/** Declares a second tenant with the fields of the first, stopped, without its host names. */
export function duplicateTenant(stack: StackDocument, from: string, to: string): void {
  const { host: _, aliases: __, renamedFrom: ___, ...fields } = fieldsOf(stack, from);
  addTenant(stack, to, { ...fields, state: "stopped" });
}

/** Gives a tenant another key. Its objects keep their names, which is written down beside it. */
export function renameTenant(stack: StackDocument, from: string, to: string): void {
  const tenant = requireTenant(stack, from);
  assertFree(stack, to);
  const identity = identityOf(from, fieldsOf(stack, from));
  const pair = tenantsOf(stack).items.find(({ key }) => isScalar(key) && key.value === from);
  if (pair) pair.key = quoted(new Scalar(to));
  stack.renamed.set(from, to);
  if (identity === to) tenant.delete("renamedFrom");
  else tenant.set("renamedFrom", identity);
}

/**
 * Takes a tenant out of the file. Its data stays unless the file confirms its destruction, which
 * `deleteData` writes down.
 */
export function removeTenant(stack: StackDocument, key: string, deleteData: boolean): void {
  // What is erased is known by the names of its objects.
  const identity = identityOf(key, fieldsOf(stack, key));
  tenantsOf(stack).delete(key);
  if (!deleteData) return;
  const confirmed = stack.document.getIn(CONFIRMED);
  if (isSeq(confirmed)) {
    if (!(confirmed.toJSON() as unknown[]).includes(identity)) confirmed.add(identity);
  } else stack.document.setIn(CONFIRMED, stack.document.createNode([identity]));
}

/** All tenants as declared, in the file's order. */
export function listTenants(stack: StackDocument): Record<string, TenantFields> {
  const entries = tenantsOf(stack).items.flatMap((pair) =>
    isPair(pair) && isScalar(pair.key) && isMap(pair.value)
      ? [[String(pair.key.value), pair.value.toJSON() as TenantFields] as const]
      : [],
  );
  return Object.fromEntries(entries);
}

const fieldsOf = (stack: StackDocument, key: string): TenantFields & { renamedFrom?: string } =>
  requireTenant(stack, key).toJSON();

function requireTenant(stack: StackDocument, key: string): YAMLMap {
  const tenant = tenantsOf(stack).get(key, true);
  refuseShared(stack, key, tenant);
  if (isMap(tenant)) return tenant;
  const keys = Object.keys(listTenants(stack)).sort();
  const hint = nearest(key, keys);
  throw new CliError({
    what: `there is no tenant "${key}"`,
    why: `the stack file has ${keys.join(", ") || "none"}`,
    fix: hint ? `did you mean "${hint}"?` : `${redfleet("tenant list")} shows what there is`,
  });
}

/** What others share by an anchor cannot be changed or taken out for one of them. */
function refuseShared(stack: StackDocument, key: string, tenant: unknown): void {
  const used = new Set<string>();
  visit(stack.document, { Alias: (_, { source }) => void used.add(source) });
  const anchors = new Set<string>();
  if (isAlias(tenant)) anchors.add(tenant.source);
  const own = (_: unknown, node: { anchor?: string }) => {
    if (node.anchor !== undefined && used.has(node.anchor)) anchors.add(node.anchor);
  };
  if (isMap(tenant)) visit(tenant, { Map: own, Seq: own, Scalar: own });
  const [anchor] = anchors;
  if (anchor === undefined) return;
  throw new CliError({
    what: `the tenant "${key}" shares the YAML anchor &${anchor} with other places of the file`,
    why: "a change of one would change, or break, the others",
    fix: "edit the file by hand, or write the tenant out without the anchor first",
  });
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;
