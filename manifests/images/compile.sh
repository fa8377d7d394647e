#!/usr/bin/env bash
# Compiles the programs that the image holds, as it holds them: linked statically, with the profile `dist`.
# Prints the folder that they are in.
#
#   manifests/images/compile.sh [--platform linux/amd64|linux/arm64] [PROGRAM ...]
#
# Default: this machine's platform, emberscope and emberscope-sidecar. Another platform needs its standard library
# (rustup fetches it) and a C compiler: on Debian gcc-aarch64-linux-gnu and libc6-dev-arm64-cross, or
# gcc-x86-64-linux-gnu and libc6-dev-amd64-cross.
set -euo pipefail
cd "$(dirname "$0")/../.."

stop() {
    printf 'compile: %s\n' "$*" >&2
    exit 1
}

host=$(rustc --version --verbose | sed -n 's/^host: //p')
target=$host
if [[ ${1:-} == --platform ]]; then
    case ${2:-} in
    linux/amd64) target=x86_64-unknown-linux-gnu ;;
    linux/arm64) target=aarch64-unknown-linux-gnu ;;
    *) stop "the platforms are linux/amd64 and linux/arm64, not '${2:-}'" ;;
    esac
    shift 2
fi
programs=("$@")
((${#programs[@]} > 0)) || programs=(emberscope emberscope-sidecar)
packages=()
for program in "${programs[@]}"; do packages+=(--package "$program"); done

if [[ $target != "$host" ]]; then
    compiler=${target%%-*}-linux-gnu-gcc
    command -v "$compiler" >/dev/null || stop "there is no $compiler; on Debian: apt-get install gcc-${target%%-*}-linux-gnu"
    # Those who have Rust without rustup bring the standard library themselves.
    ! command -v rustup >/dev/null || rustup target add "$target" >&2
    # For Cargo, and for what compiles C (ring).
    name=${target//-/_}
    export "CARGO_TARGET_${name^^}_LINKER=$compiler" "CC_$name=$compiler"
fi

# glibc, linked in: both programs connect to addresses, load no library and look up no user.
# With --target, the flags are kept from build scripts and procedural macros. Messages of panics name
# files: the same ones wherever this is compiled.
RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=/source --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
    cargo build --quiet --locked --profile dist --target "$target" "${packages[@]}" --bins
folder=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
printf '%s\n' "$folder/$target/dist"
