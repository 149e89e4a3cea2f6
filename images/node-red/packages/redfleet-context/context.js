// Node-RED's admin API reads and deletes context. This adds what an import needs: to write it.
const isText = (value) => typeof value === "string" && value !== "";

/** What is wrong with the body of a request; undefined when nothing is. */
function problemOf({ values }) {
  if (!Array.isArray(values)) return "values: must be a list of {scope, key, value}";
  const wrong = values.findIndex(
    (one) => !isText(one?.scope) || !isText(one.key) || !("value" in one),
  );
  return wrong === -1
    ? undefined
    : `values[${wrong}]: must be {scope, key, value}, scope and key texts`;
}

/** The expression for a name at the top level, whatever letters it has. */
const quoted = (name) => (name.includes('"') ? `'${name}'` : `"${name}"`);

/** Sets values of one scope, all of them or none. */
const write = (store, scope, values) =>
  new Promise((resolve, reject) => {
    const keys = values.map(({ key }) => quoted(key));
    const contents = values.map(({ value }) => value);
    store.set(scope, keys, contents, (error) => (error ? reject(error) : resolve()));
  });

module.exports = (RED) => {
  const store = RED.settings.redfleet.sharedContext;
  RED.plugins.registerPlugin("redfleet-context", { type: "redfleet" });
  if (store === undefined) return;
  RED.httpAdmin.post(
    "/redfleet/context",
    RED.auth.needsPermission("context.write"),
    async (req, res) => {
      const message = problemOf(req.body ?? {});
      if (message !== undefined) return res.status(400).json({ code: "bad_context", message });
      const { values } = req.body;
      try {
        for (const scope of new Set(values.map((one) => one.scope))) {
          await write(
            store,
            scope,
            values.filter((one) => one.scope === scope),
          );
        }
      } catch (error) {
        const invalid = error.code === "INVALID_EXPR";
        const code = invalid ? "bad_context" : "context_unavailable";
        return res.status(invalid ? 400 : 503).json({ code, message: error.message });
      }
      RED.log.audit({ event: "context.set" }, req);
      res.status(204).end();
    },
  );
};
