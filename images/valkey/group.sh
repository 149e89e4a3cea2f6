# What the rest of the group knows: who is primary, and whether anybody holds data.

# One line for each Sentinel that answers: config epoch, address of the primary, replicas known, flags of the primary.
survey() {
  local host
  for host in "${SENTINELS[@]}"; do
    ask "$host" "$SENTINEL_PORT" SENTINEL MASTER "$MASTER_NAME" | awk '
      NR % 2 { key = $0; next }
      { value[key] = $0 }
      END {
        if (value["ip"])
          print value["config-epoch"], value["ip"], value["num-slaves"], value["flags"]
      }' &
  done
  wait
}

# The line of the survey with the highest config epoch: Sentinels settle differences the same way.
newest() { sort -n | tail -n 1; }

# One line for each other data node that answers: "empty" or "keys".
inventory() {
  local host
  for host in "${SERVERS[@]}"; do
    [[ $host != "$REDFLEET_MEMBER_ADDRESS" ]] || continue
    ask "$host" "$DATA_PORT" INFO keyspace | awk '
      /^# Keyspace/ { state = "empty" }
      /^db/ { state = "keys" }
      END { if (state) print state }' &
  done
  wait
}

# One line for each other data node that answers: "outlived" for one that was this node's replica before this one started,
# else "started". The server acknowledges writes that its slow disk has not taken yet; replicas have them, and would throw
# them away to follow a primary that came back.
survivors() {
  local host
  for host in "${SERVERS[@]}"; do
    [[ $host != "$REDFLEET_MEMBER_ADDRESS" ]] || continue
    ask "$host" "$DATA_PORT" INFO replication | tr -d '\r' | awk -F: -v self="$REDFLEET_MEMBER_ADDRESS" '
      { value[$1] = $2 }
      END {
        if (value["role"])
          print((value["master_host"] == self && value["slave_repl_offset"] > 1) ? "outlived" : "started")
      }' &
  done
  wait
}
