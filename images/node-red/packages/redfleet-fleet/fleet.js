// The data comes from the runtime by the retained topic "redfleet/fleet"; see fleet.html.
module.exports = (RED) => {
  RED.plugins.registerPlugin("redfleet-fleet", { type: "redfleet" });
};
