#!/usr/bin/env bash
# Builds the image from binaries that cargo builds here: no base image, no network.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: manifests/images/build.sh [--engine podman|docker] [--name NAME] [--tag TAG]

Compiles static binaries with cargo and makes one image of both:
  emberscope:VERSION    the programs `emberscope` and `emberscope-sidecar`

  --engine  default: podman if it is installed, else docker (needs buildx)
  --name    what stands before the tag, with a registry or without; default: emberscope
  --tag     default: the version in Cargo.toml

Settings for the engine's build go into BUILD_FLAGS, e.g. BUILD_FLAGS='--isolation chroot'.
USAGE
}

say() { printf 'images: %s\n' "$*"; }
stop() {
    printf 'images: %s\n' "$*" >&2
    exit 1
}

root=$(cd "$(dirname "$0")/../.." && pwd)
engine='' name=emberscope tag=''
while (($# > 0)); do
    case $1 in
    -h | --help) usage && exit ;;
    --engine | --name | --tag)
        (($# > 1)) || stop "$1 needs a value; see --help"
        printf -v "${1#--}" %s "$2"
        shift 2
        ;;
    *) stop "'$1' is no option; see --help" ;;
    esac
done
[[ -n $tag ]] || tag=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)

if [[ -z $engine ]]; then
    engine=$(command -v podman || command -v docker) ||
        stop "neither podman nor docker is installed; on Debian: apt-get install podman runc"
    engine=${engine##*/}
fi
case $engine in
podman | docker) command -v "$engine" >/dev/null || stop "$engine is not installed" ;;
*) stop "the engines are podman and docker, not '$engine'" ;;
esac

# glibc, linked in. With --target, the flag is kept from build scripts and procedural macros.
target=$(cd "$root" && rustc --version --verbose | sed -n 's/^host: //p')
programs=(emberscope emberscope-sidecar)
say "compiling for $target, linked statically"
(cd "$root" && RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --quiet --locked --release --target "$target" "${programs[@]/#/--package=}" --bins)

binaries=$(mktemp -d)
trap 'rm -rf "$binaries"' EXIT
built=$(cd "$root" && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cp "${programs[@]/#/$built/$target/release/}" "$binaries"

build=(podman build --layers=false) # no cache of steps: there is nothing to save
[[ $engine == podman ]] || build=(docker buildx build --load)
# The folder with the binaries is the stage `binaries` and the whole context.
# shellcheck disable=SC2086
"${build[@]}" ${BUILD_FLAGS:-} --quiet --file "$root/manifests/images/Dockerfile" \
    --build-context "binaries=$binaries" --tag "$name:$tag" "$binaries" >/dev/null
say "$name:$tag: $(du --bytes --total "$binaries"/* | tail -n 1 | cut -f 1 | numfmt --to=iec) in two static binaries"
