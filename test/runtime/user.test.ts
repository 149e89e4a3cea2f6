import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { Comms } from "../support/comms.ts";
import { until } from "../support/wait.ts";
import { redfleet } from "./support/command.ts";
import { Editor, login, PASSWORD } from "./support/editor.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { type Runtime, start } from "./support/runtime.ts";

const user = (...words: string[]) => redfleet("user", ...words);

describe.each([
  ["mongodb", () => openMongodb() as Promise<StoreLab>],
  ["valkey", () => openValkey() as Promise<StoreLab>],
])("users by the command line, with %s", (_, open) => {
  let lab: StoreLab;
  let editor: Runtime;
  const folder = mkdtempSync(join(tmpdir(), "redfleet-user-"));
  const file = join(folder, "password");

  beforeAll(async () => {
    lab = await open();
    await lab.addUser("admin", "admin");
    editor = await start({ ...lab.access, role: "editor" });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await editor?.remove();
    await lab?.close();
  });

  const mayDeploy = async (person: Editor) => {
    const flows = await person.load();
    return (await person.tryDeploy(flows)).status < 300;
  };

  const isOut = (person: Editor) =>
    until("a login to be over", async () => (await person.call("/flows")).status === 401);

  /** Somebody's open editor, to which messages are pushed. */
  const openEditor = ({ token }: Editor) =>
    Comms.login(new WebSocket(`${editor.url.replace("http", "ws")}/comms`), token);

  it("lets somebody log in with a password that was made, and look but not deploy", async () => {
    const { code, stdout, output } = await user("add", "main", "eve@example.org", "--role", "read");
    expect(code, output).toBe(0);
    const password = /^password: (\S{20})$/m.exec(stdout)?.[1] ?? "";
    expect((await login(editor, "eve@example.org", password)).status).toBe(200);
    expect((await login(editor, "eve@example.org", PASSWORD)).status).not.toBe(200);
  });

  it("logs who did what, and not who looked at what", async () => {
    expect((await login(editor, "admin", "a wrong one")).status).not.toBe(200);
    const person = await Editor.login(editor, "admin");
    await person.deploy(await person.load());
    const entries = (await editor.logs())
      .split("\n")
      .filter((line) => line.includes('"source":"audit"'))
      .map((line) => JSON.parse(line.slice(line.indexOf("{"))));
    for (const event of ["auth.login.fail.credentials", "auth.login", "flows.set"]) {
      expect(entries).toContainEqual(
        expect.objectContaining({ level: "info", msg: event, user: "admin" }),
      );
    }
    const deploy = entries.find(({ msg }) => msg === "flows.set");
    expect(deploy).toMatchObject({ path: "/flows", ip: expect.stringMatching(/\d/) });
    expect(entries.filter(({ msg }) => !msg || /\.get$|^comms\./.test(msg))).toEqual([]);
  });

  it("changes a password to one from a file", async () => {
    writeFileSync(file, `${PASSWORD}\n`);
    const done = await user("password", "main", "eve@example.org", "--password-file", file);
    expect(done.output).toBe(
      "eve@example.org (read): has another password, and has to log in again\n",
    );
    expect(await mayDeploy(await Editor.login(editor, "eve@example.org"))).toBe(false);
  });

  it("changes a role, and ends the logins that had the one before", async () => {
    const before = await Editor.login(editor, "eve@example.org");
    const [opened, others] = [
      await openEditor(before),
      await openEditor(await Editor.login(editor)),
    ];
    expect((await user("role", "main", "eve@example.org", "write")).code).toBe(0);
    await until("an open editor to end with its login", () => opened.isClosed);
    await isOut(before);
    await others.exchange();
    expect(others.isClosed).toBe(false);
    others.close();
    const after = await Editor.login(editor, "eve@example.org");
    expect(await mayDeploy(after)).toBe(true);
    expect(JSON.parse((await user("list", "main", "--json")).stdout)).toEqual([
      { user: "admin", role: "admin" },
      { user: "eve@example.org", role: "write" },
    ]);
    await user("password", "main", "eve@example.org", "--password-file", file);
    await isOut(after);
  });

  it("shuts a removed user out, open editors as well, also when the name comes back", async () => {
    const eve = await Editor.login(editor, "eve@example.org");
    const opened = await openEditor(eve);
    expect((await user("remove", "main", "eve@example.org")).code).toBe(0);
    await until("an open editor to end with its login", () => opened.isClosed);
    await isOut(eve);
    expect((await login(editor, "eve@example.org")).status).not.toBe(200);
    await user("add", "main", "eve@example.org", "--password-file", file);
    expect((await login(editor, "eve@example.org")).status).toBe(200);
    expect((await eve.call("/flows")).status).toBe(401);
    await user("remove", "main", "eve@example.org");
  });

  it("keeps an admin when the last two step down at once", async () => {
    await user("add", "main", "second", "--role", "admin", "--password-file", file);
    const people = ["admin", "second"];
    for (let round = 0; round < 3; round++) {
      await Promise.all(people.map((name) => user("role", "main", name, "read")));
      const { stdout } = await user("list", "main", "--json");
      expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ role: "admin" }));
      await Promise.all(people.map((name) => user("role", "main", name, "admin")));
    }
    await user("remove", "main", "second");
  });

  it.concurrent.each([
    [["add", "main", "admin"], 'there is a user "admin" already'],
    [["add", "main", "a b"], '"a b" is no user name: letters, digits and . _ @ + -, at most 64'],
    [
      ["add", "main", "bob", "--role", "root"],
      '"root" is no role\n  way out: use admin, write, read',
    ],
    [["remove", "main", "admin"], '"admin" is the only admin: make another one first'],
    [["role", "main", "admin", "read"], '"admin" is the only admin: make another one first'],
    [["remove", "main", "nobody"], 'there is no user "nobody"; there are: admin'],
    [["list", "nowhere"], "nowhere"],
  ])("refuses %j", async (words, message) => {
    const { code, output } = await user(...words);
    expect(code).toBe(1);
    expect(output).toContain(message);
  });

  it.concurrent.each([
    ["elevenchars", "a password has at least 12 characters"],
    ["ä".repeat(37), "a password has at most 72 bytes: more are not compared"],
  ])("refuses the password %s", async (password, message) => {
    const wrong = join(folder, `password-${password.length}`);
    writeFileSync(wrong, password);
    const { code, output } = await user("add", "main", "bob", "--password-file", wrong);
    expect(code).toBe(1);
    expect(output).toContain(message);
    expect(output).not.toContain(password);
    expect(output).toContain("way out: give another one, or none: then one is made and printed");
  });
});
