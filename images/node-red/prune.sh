#!/bin/sh
# Removes from node_modules what nothing loads: sources, maps, tests, docs, other languages. Licences stay.
# node_modules/npm stays: Node-RED does not start without it. So do the types of the function editor: without them it
# calls `node` unknown, and each function that uses it is invalid once somebody has opened it.
set -eu
cd "$1/node_modules"
find . -type f \( -name '*.map' -o -name '*.md' -o -name '*.markdown' -o -name '*.ts' -o -name '*.mts' \
  -o -name '*.cts' -o -name '.eslintrc*' -o -name '.npmignore' -o -name 'CHANGELOG*' \) \
  ! -iname 'licen[sc]e*' ! -iname 'copying*' ! -iname 'notice*' \
  ! -path './@node-red/editor-client/public/types/*' -delete
find . -type d \( -name test -o -name tests -o -name __tests__ -o -name docs -o -name example \
  -o -name .github -o -name man \) -prune -exec rm -rf {} +
rm -rf @types moment/src moment/dist moment/min
find @node-red -type d -path '*/locales/*' ! -name 'en-US' -prune -exec rm -rf {} +
rm -f @node-red/editor-client/public/red/red.js
rm -rf @node-red/editor-client/public/red/tours
find . -type d -empty -delete
