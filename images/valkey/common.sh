# Shared by the data node, the Sentinel and their health check: binaries, users, settings with their defaults.
set -euo pipefail
umask 077

DATA_PORT=6379
SENTINEL_PORT=26379
MASTER_NAME=${REDFLEET_MASTER_NAME:-redfleet}
QUORUM=${REDFLEET_QUORUM:-0}
# Addresses of all data nodes and of all Sentinels, of which there may be none.
: "${REDFLEET_SERVERS:?addresses of the data nodes}" "${REDFLEET_SENTINELS?addresses of the Sentinels, or empty}"
read -ra SERVERS <<<"${REDFLEET_SERVERS//,/ }"
read -ra SENTINELS <<<"${REDFLEET_SENTINELS//,/ }"

say() { printf 'redfleet %s: %s\n' "${0##*/}" "$1"; }
fail() { say "$1" >&2; exit 64; }

# The first of these commands that is there: Valkey and Redis name theirs differently, and install them elsewhere.
pick() {
  command -v "$@" | head -n 1 | grep . || fail "none of $* is on PATH"
}
SERVER=$(pick valkey-server redis-server)
CLI=$(pick valkey-cli redis-cli)

USERS=$(cat "${REDFLEET_USERS_FILE:?path of users.json}") || fail "cannot read $REDFLEET_USERS_FILE"

# Password of a user out of the flat {"user": "password"} file.
password() {
  local pattern="\"$1\"[[:space:]]*:[[:space:]]*\"([^\"\\\\]+)\""
  [[ $USERS =~ $pattern ]] || fail "$REDFLEET_USERS_FILE: no password for $1 (without quotes and backslashes)"
  printf %s "${BASH_REMATCH[1]}"
}

# The password of a user in the form that access lists keep: its SHA-256, so that a list gives nothing away.
hashed() {
  local sum
  sum=$(password "$1" | sha256sum)
  printf '#%s' "${sum%% *}"
}

# With TLS: what the command line needs to trust the group. It looks at the authority, not at names; that authority
# signs nothing but members of the stack's stores.
TLS=()
[[ -z ${REDFLEET_TLS_CA_FILE:-} ]] || TLS=(--tls --cacert "$REDFLEET_TLS_CA_FILE")

# Waits for the certificate, which the agent issues once this container runs.
await_certificate() {
  [[ -n ${REDFLEET_TLS_FILE:-} ]] || return 0
  local told=
  until [[ -s $REDFLEET_TLS_FILE && -s $REDFLEET_TLS_CA_FILE ]]; do
    [[ -n $told ]] || say "waits for $REDFLEET_TLS_FILE and $REDFLEET_TLS_CA_FILE"
    told=yes
    sleep 0.2
  done
}

# The port and how it is spoken to: in clear, or by TLS and nothing else.
render_port() {
  [[ -n ${REDFLEET_TLS_FILE:-} ]] || { echo "port $1"; return; }
  cat <<X
port 0
tls-port $1
tls-cert-file $REDFLEET_TLS_FILE
tls-key-file $REDFLEET_TLS_FILE
tls-ca-cert-file $REDFLEET_TLS_CA_FILE
tls-auth-clients no
tls-replication yes
tls-protocols "TLSv1.2 TLSv1.3"
X
}

# on_renewal COMMAND...: runs beside the server and does that when the agent has renewed the certificate.
on_renewal() {
  [[ -n ${REDFLEET_TLS_FILE:-} ]] || return 0
  local loaded now
  loaded=$(cat "$REDFLEET_TLS_FILE" "$REDFLEET_TLS_CA_FILE")
  while sleep 10; do
    # A file that is not there for a moment must not end the watch for good.
    now=$(cat "$REDFLEET_TLS_FILE" "$REDFLEET_TLS_CA_FILE" 2>/dev/null) || continue
    [[ $now != "$loaded" ]] || continue
    "$@" && loaded=$now && say "uses the renewed certificate"
  done
}

# Seconds that an answer may take.
ANSWER_SECONDS=2

# ask HOST PORT COMMAND...: one question as the user `sentinel`, answered in time or not at all.
ask() {
  local host=$1 port=$2
  shift 2
  timeout "$ANSWER_SECONDS" "$CLI" "${TLS[@]}" -h "$host" -p "$port" --user sentinel --no-auth-warning --raw "$@" 2>/dev/null
}

# ask_admin HOST PORT COMMAND...: the same as the administrator.
ask_admin() {
  local host=$1 port=$2 secret
  shift 2
  secret=$(password admin)
  REDISCLI_AUTH=$secret VALKEYCLI_AUTH=$secret timeout "$ANSWER_SECONDS" "$CLI" "${TLS[@]}" -h "$host" -p "$port" --user admin \
    --no-auth-warning --raw "$@" 2>/dev/null
}

# What a client of the group may ask a Sentinel: who is primary, and nothing else.
SENTINEL_CLIENT="+auth +hello +ping +info +role +command +client|getname +client|id +client|setname +subscribe +psubscribe\
 +unsubscribe +punsubscribe +sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|myid\
 +sentinel|replicas +sentinel|sentinels"

# other_users FILE PORT HOST...: access lists of the users that came while the group ran (see `user`): those that this
# member kept, else, because it is new, those that these hosts have.
other_users() {
  local file=$1 port=$2 host
  shift 2
  if [[ -e $file ]]; then
    cat "$file"
  else
    for host in "$@"; do ask_admin "$host" "$port" ACL LIST >"/tmp/users.$host" & done
    wait
    cat /tmp/users.* 2>/dev/null || true
  fi | awk '$1 == "user" && $2 !~ /^(default|admin|replication|sentinel|app)$/ && !seen[$2]++'
}

# write_users FILE PORT HOST...: the access lists of a member, made anew with the passwords of now.
write_users() {
  { render_users; other_users "$@"; } >"$1.new"
  mv "$1.new" "$1"
}
REDISCLI_AUTH=$(password sentinel)
VALKEYCLI_AUTH=$REDISCLI_AUTH
export REDISCLI_AUTH VALKEYCLI_AUTH
