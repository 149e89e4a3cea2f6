# What the rest of the group knows: who is primary, and whether anybody holds data.

# One line for each Sentinel that answers: config epoch, address of the primary, its flags.
survey() {
  local host
  for host in ${PEERS//,/ }; do
    ask "${host%%:*}" "$SENTINEL_PORT" SENTINEL MASTER "$MASTER_NAME" | awk '
      NR % 2 { key = $0; next }
      { value[key] = $0 }
      END { if (value["ip"]) print value["config-epoch"], value["ip"], value["flags"] }' &
  done
  wait
}

# The line of the survey with the highest config epoch: Sentinels settle differences the same way.
newest() { sort -n | tail -n 1; }

# True when another data node holds keys.
peers_hold_data() {
  local host
  for host in ${PEERS//,/ }; do
    host=${host%%:*}
    [[ $host != "$REDFLEET_MEMBER_ADDRESS" ]] || continue
    ask "$host" "$DATA_PORT" INFO keyspace | grep -q '^db' && return 0
  done
  return 1
}
