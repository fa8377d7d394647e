#!/usr/bin/env bash
# `make node-test`: starts a node, installs Emberscope of this checkout on it, plays the scenarios without and with it
# (arguments: those of the program `verdicts`), and takes the node down.
set -euo pipefail
cd "$(dirname "$0")/../.."
node=tests/node/node.sh
target=$(realpath "${CARGO_TARGET_DIR:-target}")

cargo build --locked --package emberscope-tests --bin verdicts
if [[ ${1:-} == --quick ]]; then
    # In seconds, from programs that are not linked statically.
    shift
    cargo build --locked --package emberscope --package emberscope-sidecar --bins
    tests/node/images.sh emberscope "$target/debug"
else
    tests/node/images.sh emberscope
fi
$node up
# However this ends.
trap '$node down' EXIT
trap 'exit 130' INT TERM
$node install
$node run "$target/debug/verdicts" "$@"
