// The election itself is the runtime's (runtime/leader): it reaches the nodes by the settings. Names of types,
// properties and message properties are those of node-red-cluster, so its flows run as they are.
const DEFAULT_LOCK = "nodered:leader";
const DEFAULT_TTL_SECONDS = 10;

const lockOf = (config) => config.lockKey || DEFAULT_LOCK;

function ttlOf(config) {
  const seconds = Number(config.lockTTL);
  return (seconds > 0 ? seconds : DEFAULT_TTL_SECONDS) * 1000;
}

const green = (text) => ({ fill: "green", shape: "dot", text });
const ring = (fill, text) => ({ fill, shape: "ring", text });

function leaderStatus({ leads, leader, problem }) {
  if (leads) return green(`leader (${leader})`);
  if (problem) return ring("red", problem);
  return leader ? ring("yellow", `follower (leader: ${leader})`) : ring("grey", "no leader");
}

function releaseStatus({ released, leader }) {
  if (released) return green("lock released");
  return leader ? ring("yellow", `leader: ${leader}`) : ring("grey", "no lock");
}

module.exports = (RED) => {
  const { leaders } = RED.settings.redfleet;

  /** Sends what comes in to its first output where this worker leads, else to its second. */
  function ClusterLeader(config) {
    RED.nodes.createNode(this, config);
    const lock = lockOf(config);
    const show = () => this.status(leaderStatus(candidacy.state));
    const candidacy = leaders.join(lock, ttlOf(config), show);
    show();

    this.on("input", (msg, send, done) => {
      const { leads, leader, fence } = candidacy.state;
      // Of a leader node before.
      delete msg.fence;
      delete msg.followerHost;
      Object.assign(msg, { isLeader: leads, leaderHost: leader ?? null, lockKey: lock });
      Object.assign(msg, leads ? { fence } : { followerHost: leaders.worker });
      send(leads ? [msg, null] : [null, msg]);
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
      leaders.handOver(lock).then(
        (outcome) => {
          const { released, leader } = outcome;
          this.status(releaseStatus(outcome));
          const releasedBy = released ? leaders.worker : null;
          const currentLeader = leader ?? null;
          Object.assign(msg, { lockReleased: released, releasedBy, currentLeader, lockKey: lock });
          send(msg);
          done();
        },
        (error) => {
          this.status(ring("red", error.message));
          done(error);
        },
      );
    });
  }

  /** The server that a flow of node-red-cluster names. It has no effect: the platform's own Valkey is used. */
  function ValkeyConfig(config) {
    RED.nodes.createNode(this, config);
  }

  RED.nodes.registerType("cluster-leader", ClusterLeader);
  RED.nodes.registerType("release-cluster-leader", ReleaseClusterLeader);
  RED.nodes.registerType("valkey-config", ValkeyConfig, {
    credentials: { password: { type: "password" } },
  });
};
