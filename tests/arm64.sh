#!/usr/bin/env bash
# The unit tests of all packages that the image is made of, compiled for arm64 and run by QEMU: what they compute
# and read is right there too. They need no kernel of that architecture, and none is there.
#
#   tests/arm64.sh [ARGUMENT ...]     arguments for the test programs, e.g. the name of a test
#
# On Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
for program in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$program" >/dev/null || {
        echo "there is no $program; on Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2
        exit 1
    }
done
! command -v rustup >/dev/null || rustup target add "$target"

# Linked statically, as in the image: so QEMU needs no libraries of that architecture.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export RUSTFLAGS='-C target-feature=+crt-static'
# Many cases of a kind, and years of certificates, are no other there, and take very long in an emulator.
export PROPTEST_CASES=${PROPTEST_CASES:-16}
without=(--skip for_three_years --skip trusted_all_year --skip nobody_untrusted)
# QEMU makes up /proc/self/stat, with zeros; and what has to be done within a second is not.
without+=(--skip this_very_process_costs --skip this_process_is_read_as_it_is)
without+=(--skip a_page_in_small_chunks --skip a_page_without_end_is_not_held)
cargo test --locked --target "$target" --workspace --exclude emberscope-tests --lib --no-fail-fast -- "${without[@]}" "$@"
