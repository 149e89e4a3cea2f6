/**
 * Packed in place of `@mongodb-js/saslprep`, which reads the tables of all Unicode when it is loaded: 5 MB of each
 * process, and most passwords need none. RFC 4013 leaves printable ASCII as it is.
 */
let tables;

function saslprep(input, options) {
  if (typeof input === "string" && /^[\x20-\x7e]*$/.test(input)) return input;
  tables ??= require("./memory-code-points").createMemoryCodePoints(
    require("./code-points-data").default,
  );
  return require("./index").default(tables, input, options);
}

saslprep.saslprep = saslprep;
saslprep.default = saslprep;
module.exports = saslprep;
