#!/usr/bin/env bash
# Compiles the programs that the image holds, as it holds them: linked statically, with the profile `dist`.
# Prints the folder that they are in.
#
#   manifests/images/compile.sh [PROGRAM ...]      default: emberscope emberscope-sidecar
set -euo pipefail
cd "$(dirname "$0")/../.."

programs=("$@")
((${#programs[@]} > 0)) || programs=(emberscope emberscope-sidecar)
packages=()
for program in "${programs[@]}"; do packages+=(--package "$program"); done

# glibc, linked in: both programs connect to addresses, load no library and look up no user.
# With --target, the flag is kept from build scripts and procedural macros.
target=$(rustc --version --verbose | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --quiet --locked --profile dist --target "$target" "${packages[@]}" --bins
folder=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
printf '%s\n' "$folder/$target/dist"
