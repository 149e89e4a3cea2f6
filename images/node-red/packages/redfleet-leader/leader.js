// The election itself is the runtime's (runtime/leader): it reaches the nodes by the settings.
const DEFAULT_LOCK = "nodered:leader";
const DEFAULT_TTL_SECONDS = 10;

const lockOf = (config) => config.lockKey || DEFAULT_LOCK;

function ttlOf(config) {
  const seconds = Number(config.lockTTL);
  return (seconds > 0 ? seconds : DEFAULT_TTL_SECONDS) * 1000;
}

function statusOf(state) {
  if (state.leads) return { fill: "green", shape: "dot", text: "leader" };
  if (state.problem) return { fill: "red", shape: "ring", text: state.problem };
  return { fill: "yellow", shape: "ring", text: "follower" };
}

module.exports = (RED) => {
  const { leaders } = RED.settings.redfleet;

  /** Sends what comes in to its first output where this worker leads, else to its second. */
  function ClusterLeader(config) {
    RED.nodes.createNode(this, config);
    const lock = lockOf(config);
    const show = () => this.status(statusOf(candidacy.state));
    const candidacy = leaders.join(lock, ttlOf(config), show);
    show();

    this.on("input", (msg, send, done) => {
      const state = candidacy.state;
      msg.isLeader = state.leads;
      msg.lockKey = lock;
      if (state.leads) msg.fence = state.fence;
      else delete msg.fence;
      send(state.leads ? [msg, null] : [null, msg]);
      done();
    });
    this.on("close", (removed, done) => {
      candidacy.leave(removed).then(() => done(), done);
    });
  }

  /** Hands over to another worker where this one leads. */
  function ReleaseClusterLeader(config) {
    RED.nodes.createNode(this, config);
    const lock = lockOf(config);
    this.on("input", (msg, send, done) => {
      leaders.handOver(lock).then(() => {
        send(msg);
        done();
      }, done);
    });
  }

  RED.nodes.registerType("cluster-leader", ClusterLeader);
  RED.nodes.registerType("release-cluster-leader", ReleaseClusterLeader);
};
