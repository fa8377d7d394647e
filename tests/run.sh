#!/usr/bin/env bash
# Runs all tests and ends in one line over all of them; cargo prints one per test program.
set -uo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
read -r passed failed < <(awk '/^test result: / { passed += $4; failed += $6 } END { print passed + 0, failed + 0 }' "$log")
# What does not compile has failed as well, though no test said so.
if ((status != 0 && failed == 0)); then failed=1; fi
printf '%s passed, %s failed\n' "$passed" "$failed"
exit "$status"
