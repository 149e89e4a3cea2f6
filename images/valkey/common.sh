# Shared by the data node, the Sentinel and their health check: binaries, users, settings with their defaults.
set -euo pipefail
umask 077

DATA_PORT=6379
SENTINEL_PORT=26379
MASTER_NAME=${REDFLEET_MASTER_NAME:-redfleet}
QUORUM=${REDFLEET_QUORUM:-0}
PEERS=${REDFLEET_PEERS:-}

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

# ask HOST PORT COMMAND...: one question as the user `sentinel`, answered within two seconds or not at all.
ask() {
  local host=$1 port=$2
  shift 2
  timeout 2 "$CLI" -h "$host" -p "$port" --user sentinel --no-auth-warning --raw "$@" 2>/dev/null
}
REDISCLI_AUTH=$(password sentinel)
VALKEYCLI_AUTH=$REDISCLI_AUTH
export REDISCLI_AUTH VALKEYCLI_AUTH
