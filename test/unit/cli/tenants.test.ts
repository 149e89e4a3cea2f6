import { describe, expect, test } from "vitest";
import { unifiedDiff } from "../../../cli/stackfile/diff.ts";
import {
  readDocument,
  type StackDocument,
  writeDocument,
} from "../../../cli/stackfile/document.ts";
import {
  addTenant,
  duplicateTenant,
  listTenants,
  parseAssignment,
  removeTenant,
  renameTenant,
  setTenant,
} from "../../../cli/stackfile/tenants.ts";

const FILE = `# yaml-language-server: $schema=./docs/stack.schema.json
config:
  # the platform
  redfleet:platform:
    domain:   redfleet.localhost    # spaces   kept
    target: {kind: docker}          # padding kept
    tenants:
      acme: { template: nodered-5 }   # first customer
      # the second one
      globex:
        template: nodered-4
        env: { LEVEL: "1" }

    # goes on
    dev: true
`;

/** The diff that an edit makes, without its three header lines. */
function edited(edit: (stack: StackDocument) => void, text = FILE): string {
  const stack = readDocument(text, "Pulumi.dev.yaml");
  edit(stack);
  return unifiedDiff("f", text, writeDocument(stack))
    .split("\n")
    .filter((line) => /^[-+](?![-+])/.test(line))
    .join("\n");
}

const change = (...changes: string[]) => changes.map(parseAssignment);

describe("an edit of the stack file", () => {
  test("adds a tenant and touches no other line", () => {
    const add = (stack: StackDocument) => addTenant(stack, "initech", { template: "nodered-5" });
    expect(edited(add)).toBe("+      initech:\n+        template: nodered-5");
  });

  test.each(["config:\n", "config:\n  redfleet:platform:\n", "{}\n"])(
    "finds no tenants in a file without a platform (%j)",
    (text) => {
      expect(listTenants(readDocument(text, "Pulumi.dev.yaml"))).toEqual({});
    },
  );

  test("quotes a key that YAML would read as something else", () => {
    const add = (stack: StackDocument) => addTenant(stack, "no", { template: "nodered-5" });
    expect(edited(add)).toBe('+      "no":\n+        template: nodered-5');
    const rename = (stack: StackDocument) => renameTenant(stack, "acme", "y");
    expect(edited(rename)).toContain('+      "y": { template: nodered-5');
  });

  test.each([
    ["a", (stack: StackDocument) => setTenant(stack, "a", change("memory=1 GB"))],
    ["a", (stack: StackDocument) => removeTenant(stack, "a", false)],
    ["b", (stack: StackDocument) => setTenant(stack, "b", change("memory=1 GB"))],
    ["c", (stack: StackDocument) => removeTenant(stack, "c", false)],
  ])("refuses to touch the tenant %s, which shares an anchor", (key, edit) => {
    const text = `config:
  redfleet:platform:
    tenants:
      a: &t { template: nodered-5 }
      b: *t
      c: { template: nodered-5, env: &e { LEVEL: "1" } }
      d: { template: nodered-5, env: *e }
`;
    const stack = readDocument(text, "Pulumi.dev.yaml");
    expect(() => edit(stack)).toThrow(`the tenant "${key}" shares the YAML anchor &`);
    expect(writeDocument(stack)).toBe(text);
  });

  test("follows the style of the last tenant", () => {
    const add = (stack: StackDocument) => addTenant(stack, "b", { template: "nodered-5" });
    const text = "config:\n  redfleet:platform:\n    tenants:\n      a: { template: x }\n";
    expect(edited(add, text)).toBe("+      b: { template: nodered-5 }");
  });

  test.each([
    "config:\n  redfleet:platform:\n    tenants: {}\n",
    "config:\n  redfleet:platform:\n    tenants:\n",
    "config:\n  redfleet:platform:\n    domain: x\n",
    "",
  ])("adds the first tenant to %j", (text) => {
    const stack = readDocument(text, "f");
    addTenant(stack, "acme", { template: "nodered-5" });
    const after = readDocument(writeDocument(stack), "f");
    expect(listTenants(after)).toEqual({ acme: { template: "nodered-5" } });
  });

  test("changes fields, keeps the comment, and quotes what must stay text", () => {
    const set = (stack: StackDocument) =>
      setTenant(stack, "acme", change("memory=512 MB", "env.DEBUG=1", "cpus=0.5"));
    expect(edited(set)).toBe(
      [
        "-      acme: { template: nodered-5 }   # first customer",
        '+      acme: { template: nodered-5, memory: 512 MB, env: { DEBUG: "1" }, cpus: 0.5 } # first customer',
      ].join("\n"),
    );
  });

  test.each([
    [
      "acme",
      "a comment on its key",
      "      acme: # line of acme\n        # first\n        template: x\n",
    ],
    [
      "acme",
      "the next one's comment",
      "      acme:\n        template: x\n      # of b\n      b: {}\n",
    ],
    ["b", "the comment at the end", "      b:\n        template: x # y\n    # end\n"],
  ])("stops %s and leaves %s where it is", (key, _, tenants) => {
    const text = `config:\n  redfleet:platform:\n    tenants:\n${tenants}`;
    const stop = (stack: StackDocument) =>
      setTenant(stack, key, [{ path: ["state"], value: "stopped" }]);
    expect(edited(stop, text)).toBe("+        state: stopped");
  });

  test("takes the comments of what it removes along, and none that a blank line sets apart", () => {
    const tenants =
      "      # all of them\n\n      # of a\n      a: { template: x } # a\n      # of b\n      b: {}\n";
    const text = `config:\n  redfleet:platform:\n    tenants:\n${tenants}`;
    const remove = (stack: StackDocument) => removeTenant(stack, "a", false);
    expect(edited(remove, text)).toBe("-      # of a\n-      a: { template: x } # a");
  });

  test("removes a field, and a group with its last field", () => {
    const set = (stack: StackDocument) => setTenant(stack, "globex", change("env.LEVEL="));
    expect(edited(set)).toBe('-        env: { LEVEL: "1" }');
  });

  test("copies a tenant stopped and without its host names", () => {
    const stack = readDocument(FILE, "f");
    setTenant(stack, "globex", change("host=shop", "aliases=a.example.org,b.example.org"));
    duplicateTenant(stack, "globex", "globex-2");
    expect(listTenants(stack)["globex-2"]).toEqual({
      template: "nodered-4",
      env: { LEVEL: "1" },
      state: "stopped",
    });
  });

  test("removes a tenant, and confirms the end of its data only if told to", () => {
    const remove = (data: boolean) => edited((stack) => removeTenant(stack, "acme", data));
    const line = "-      acme: { template: nodered-5 }   # first customer";
    expect(remove(false)).toBe(line);
    expect(remove(true)).toBe(`${line}\n+    confirmDestroy:\n+      - acme`);
  });

  test("renames a tenant, whose objects keep the names of its first key", () => {
    expect(edited((stack) => renameTenant(stack, "globex", "hooli"))).toBe(
      "-      globex:\n+      hooli:\n+        renamedFrom: globex",
    );
    const again = (stack: StackDocument) => {
      renameTenant(stack, "globex", "hooli");
      renameTenant(stack, "hooli", "pied-piper");
      duplicateTenant(stack, "pied-piper", "copy");
    };
    const stack = readDocument(FILE, "f");
    again(stack);
    const { "pied-piper": renamed, copy } = listTenants(stack);
    expect(renamed?.renamedFrom).toBe("globex");
    expect(copy?.renamedFrom).toBeUndefined();
    expect(() => renameTenant(stack, "copy", "acme")).toThrow('there is a tenant "acme" already');
    renameTenant(stack, "pied-piper", "globex");
    expect(listTenants(stack).globex?.renamedFrom).toBeUndefined();
  });

  test("confirms the end of a renamed tenant's data by the name that its objects have", () => {
    const stack = readDocument(FILE, "f");
    renameTenant(stack, "globex", "hooli");
    removeTenant(stack, "hooli", true);
    expect(writeDocument(stack)).toContain("confirmDestroy:\n      - globex");
  });

  test("takes the confirmation back when the tenant comes again", () => {
    const stack = readDocument(FILE, "f");
    removeTenant(stack, "acme", true);
    addTenant(stack, "acme", { template: "nodered-5" });
    expect(writeDocument(stack)).not.toContain("confirmDestroy");
  });

  test("refuses a tenant that exists, one that does not, and a change without a value", () => {
    const stack = readDocument(FILE, "f");
    expect(() => addTenant(stack, "acme", {})).toThrow('there is a tenant "acme" already');
    expect(() => setTenant(stack, "acne", [])).toThrow('there is no tenant "acne"');
    const acne = expect.objectContaining({
      what: 'there is no tenant "acne"',
      why: "the stack file has acme, globex",
      fix: 'did you mean "acme"?',
    });
    expect(() => removeTenant(stack, "acne", false)).toThrow(acne);
    const nope = expect.objectContaining({ fix: "npx redfleet tenant list shows what there is" });
    expect(() => removeTenant(stack, "nope", false)).toThrow(nope);
    expect(() => parseAssignment("memory")).toThrow("is no change of a field");
    expect(() => readDocument("a: [", "f")).toThrow("not valid YAML");
  });
});

test("a change is typed by its field", () => {
  expect(parseAssignment("cpus=1.5").value).toBe(1.5);
  expect(parseAssignment("env.PORT_A=8080")).toEqual({ path: ["env", "PORT_A"], value: "8080" });
  expect(parseAssignment("aliases=a, b").value).toEqual(["a", "b"]);
  for (const field of [
    "palette.allow",
    "palette.deny",
    "functionModules",
    "allowNodes",
    "modules",
  ]) {
    expect(parseAssignment(`${field}=a*`).value, field).toEqual(["a*"]);
    expect(parseAssignment(`${field}=["a", b]`).value, field).toEqual(["a", "b"]);
  }
  expect(parseAssignment("palette.allow=*").value).toEqual(["*"]);
  expect(parseAssignment("palette.scripts=true").value).toBe(true);
  expect(parseAssignment("displayName=a=b").value).toBe("a=b");
  expect(parseAssignment("state=").value).toBeUndefined();
});

test("a diff shows three lines around each change", () => {
  const before = Array.from({ length: 20 }, (_, line) => `line ${line}`);
  const after = before.toSpliced(4, 1, "changed").toSpliced(17, 0, "inserted");
  expect(unifiedDiff("f", before.join("\n"), after.join("\n"))).toMatchInlineSnapshot(`
    "--- f
    +++ f
    @@ -2,7 +2,7 @@
     line 1
     line 2
     line 3
    -line 4
    +changed
     line 5
     line 6
     line 7
    @@ -15,6 +15,7 @@
     line 14
     line 15
     line 16
    +inserted
     line 17
     line 18
     line 19"
  `);
  expect(unifiedDiff("f", "same", "same")).toBe("");
});
