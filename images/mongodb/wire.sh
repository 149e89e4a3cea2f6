# MongoDB's wire protocol with shell builtins: what the member's own container needs, without a client program.
LC_ALL=C
PORT=27017

# Connects to the member of this container, as a client that trusts its authority and knows its name. Arguments go
# to openssl.
dial() {
  if [[ -n ${REDFLEET_TLS_FILE:-} ]]; then
    coproc TLS { exec openssl s_client -quiet -verify_quiet -verify_return_error -verify_hostname localhost \
      -CAfile "$REDFLEET_TLS_CA_FILE" "$@" -connect "127.0.0.1:$PORT" 2>/dev/null; }
    exec {in}<&"${TLS[0]}" {out}>&"${TLS[1]}"
  else
    exec {in}<>"/dev/tcp/127.0.0.1/$PORT" || return 1
    out=$in
  fi
}

# ask MESSAGE: sends an OP_MSG, written for printf, and puts the answer into `reply`: its pieces between NULs, each a
# field's name behind its type byte and the value before it, divided by bars. False unless it ends with {ok: 1}.
ask() {
  local part
  reply=
  # shellcheck disable=SC2059
  printf "$1" >&"$out" || return 1
  while IFS= read -r -d '' -t 3 -u "$in" part; do
    reply+="$part|"
    [[ $part == *$'\x01ok' ]] || continue
    # 1 as a double: six NULs, then 0xf0 0x3f.
    for _ in 1 2 3 4 5 6; do IFS= read -r -d '' -t 3 -u "$in" part; done
    IFS= read -r -n 2 -t 3 -u "$in" part
    [[ $part == $'\xf0\x3f' ]]
    return
  done
  return 1
}
