# How a primary that is asked to end hands over first, so that nobody has to miss it for seconds. Needs common.sh, and
# `server`, the process that ends.

# How long it looks for somebody to hand over to (Sentinels look every 10 s who is a replica), and how long it then waits
# for them to say who leads, in seconds.
SEEK=12
HANDED=5
# When the server ends at the latest, in seconds, whatever is under way: its own end takes 5, and the engine gives 30.
LATEST=24
# How long it waits at a time for replicas to catch up, in seconds: so long, and the time of one more look, writes are held.
HOLD=2
MAJORITY=$((${#SENTINELS[@]} / 2 + 1))

# One line for each Sentinel that answers: its address, and that of the node which it tells clients to use.
referrals() {
  local host
  for host in "${SENTINELS[@]}"; do
    ask "$host" "$SENTINEL_PORT" SENTINEL GET-MASTER-ADDR-BY-NAME "$MASTER_NAME" |
      awk -v host="$host" 'NR == 1 && /^[0-9]/ { print host, $1 }' &
  done
  wait
}

# Of the lines of `referrals` those that name this node, else (`-v`) those that name another.
naming_this() { grep "$@" " ${REDFLEET_MEMBER_ADDRESS//./\\.}\$" || true; }

# replicas SENTINEL: one line for each replica that it has not found to be down: its address, the role that the Sentinel
# has last seen it in, and its priority, which is 0 for one that it does not promote. Fails when it does not answer.
replicas() {
  ask "$1" "$SENTINEL_PORT" SENTINEL REPLICAS "$MASTER_NAME" | awk '
    NR % 2 { key = $0; next }
    key == "ip" { ip = $0 }
    key == "flags" { down = /down|disconnected/ }
    key == "role-reported" { role = $0 }
    key == "slave-priority" && !down { print ip, role, $0 }'
}

# recognised SENTINEL...: true when each of these has seen all replicas as replicas. They ask every 10 s: one that still
# takes a replica for the primary that it was before would take its promotion back at once, and nobody would lead for 20 s.
recognised() {
  local host
  for host in "$@"; do
    replicas "$host" | awk '$2 == "master" { wrong = 1 } END { if (NR && !wrong) print "yes" }' &
  done | grep -c yes | grep -qx $#
}

# in_step SENTINEL OFFSET: true when that Sentinel has somebody to promote, and all replicas that it knows follow this
# node and have what was written here up to there: any of them may be the one.
in_step() {
  local offset=$2 listed host
  listed=$(replicas "$1") || return 1
  grep -q ' [1-9][0-9]*$' <<<"$listed" || return 1
  while read -r host _; do
    ask "$host" "$DATA_PORT" INFO replication | tr -d '\r' | awk -F: -v self="$REDFLEET_MEMBER_ADDRESS" -v offset="$offset" '
      { value[$1] = $2 }
      END {
        follows = value["master_host"] == self && value["master_link_status"] == "up"
        if (follows && value["slave_repl_offset"] + 0 >= offset + 0) print "yes"
      }' &
  done <<<"$listed" | grep -c yes | grep -qx "$(grep -c . <<<"$listed")"
}

# Nobody may write here from before a failover is ordered until this server has ended: what came in between would be lost.
hold_writes() { [[ $(ask_admin 127.0.0.1 "$DATA_PORT" CLIENT PAUSE 120000 WRITE) == OK ]]; }
let_writes() { ask_admin 127.0.0.1 "$DATA_PORT" CLIENT UNPAUSE >/dev/null || true; }

# How far this node has written. Fails when it does not say.
written() { ask 127.0.0.1 "$DATA_PORT" INFO replication | tr -d '\r' | sed -n 's/^master_repl_offset://p' | grep -x '[0-9][0-9]*'; }

# True while there is time, and the server is there: a second request to end goes to it at once.
seeking() { [[ $SECONDS -lt $1 ]] && kill -0 "$server" 2>/dev/null; }

# order SENTINEL END: lets it promote a replica, once each has all that was ever written here. False when it does not:
# writes go on here.
order() {
  # One that is behind, or does not answer, would only hold up the writers.
  await_step "$@" && seeking "$2" || return 1
  hold_writes && await_step "$@" && promote "$1" && return 0
  let_writes
  return 1
}

# await_step SENTINEL END: true once each replica has what was written here by now.
await_step() {
  local offset end=$((SECONDS + HOLD < $2 ? SECONDS + HOLD : $2))
  offset=$(written) || return 1
  until in_step "$1" "$offset"; do seeking "$end" || return 1; done
}

# Without an answer the order may have been taken: it is given again, which does no harm, and writes stay held.
promote() {
  local answer attempt
  for attempt in 1 2 3; do
    answer=$(ask "$1" "$SENTINEL_PORT" SENTINEL FAILOVER "$MASTER_NAME") || true
    [[ -z $answer ]] || break
  done
  say "asked $1 for a failover: ${answer:-no answer}"
  [[ -z $answer || $answer == OK || $answer == INPROG* ]]
}

# Waits until clients that ask are sent elsewhere, as long as there is a majority of Sentinels to ask.
await_successor() {
  local end=$((SECONDS + HANDED)) seen
  while seeking "$end"; do
    seen=$(referrals)
    [[ $(grep -c . <<<"$seen") -ge $MAJORITY ]] || return 0
    [[ $(naming_this -v <<<"$seen" | grep -c .) -lt $MAJORITY ]] || return 0
    sleep 0.05
  done
}

# Makes a replica primary, when this node is one and the Sentinels can do that. A node that ends together with all others
# has nobody to hand over to; it gives them a moment to be gone.
hand_over() {
  local end=$((SECONDS + SEEK)) supporters listed
  # Who has ended answers nothing, not even that.
  ANSWER_SECONDS=1
  [[ $QUORUM -gt 0 && $(ask 127.0.0.1 "$DATA_PORT" ROLE | head -n 1) == master ]] || return 0
  # Its own end may not wait as long for a replica as it does by default. Redis before 7 waits for none.
  ask_admin 127.0.0.1 "$DATA_PORT" CONFIG SET shutdown-timeout 5 >/dev/null || true
  sleep 0.3
  while seeking "$end"; do
    mapfile -t supporters < <(referrals | naming_this | cut -d ' ' -f 1)
    [[ ${#supporters[@]} -ge $MAJORITY ]] || return 0
    if listed=$(replicas "${supporters[0]}"); then
      [[ -n $listed ]] || return 0
      recognised "${supporters[@]}" && order "${supporters[0]}" "$end" && { await_successor; return 0; }
    fi
    sleep 0.5
  done
}

end_server() { kill -TERM "$server" 2>/dev/null || true; }

# The engine's request to end comes here; a second one does not wait for a successor.
end_in_order() {
  local timer
  trap end_server TERM INT
  { sleep "$LATEST"; end_server; } &
  timer=$!
  hand_over || true
  kill "$timer" 2>/dev/null || true
  end_server
}
