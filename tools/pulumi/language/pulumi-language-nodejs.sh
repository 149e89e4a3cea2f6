#!/bin/sh
# The command line tells a language host the project's options by message. This release of the host is
# older than that and takes them as flags, so they are read from the project file: without it, each run
# would load a TypeScript compiler that a project with `typescript: false` has no use for.
directory=$PWD
while [ ! -f "$directory/Pulumi.yaml" ] && [ "$directory" != / ]; do
  directory=$(dirname "$directory")
done
if grep -Eqs '^ +typescript: *false *$' "$directory/Pulumi.yaml"; then
  set -- -typescript=false "$@"
fi
exec "$(dirname "$0")/pulumi-language-nodejs-host" "$@"
