#!/usr/bin/env bash
# Builds the two images from binaries that cargo builds here: no base image, no network.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: manifests/images/build.sh [--engine podman|docker] [--prefix NAME] [--tag TAG] [IMAGE ...]

Compiles static binaries with cargo and makes an image of each:
  webhook    localhost/emberscope/webhook:VERSION    the program `emberscope`
  sidecar    localhost/emberscope/sidecar:VERSION    the program `emberscope-sidecar`
IMAGE is one of these; default: both.

  --engine  default: podman if it is installed, else docker (needs buildx)
  --prefix  what stands before /webhook and /sidecar; default: localhost/emberscope,
            as the manifests have it: podman says localhost/ of what it has built itself, docker takes it,
            and no node looks for such an image in somebody's registry
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
engine='' prefix=localhost/emberscope tag='' images=()
while (($# > 0)); do
    case $1 in
    -h | --help) usage && exit ;;
    --engine | --prefix | --tag)
        (($# > 1)) || stop "$1 needs a value; see --help"
        printf -v "${1#--}" %s "$2"
        shift 2
        ;;
    webhook | sidecar) images+=("$1") && shift ;;
    *) stop "'$1' is neither an image nor an option; see --help" ;;
    esac
done
((${#images[@]} > 0)) || images=(webhook sidecar)
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

binary() { if [[ $1 == webhook ]]; then echo emberscope; else echo emberscope-sidecar; fi; }

programs=()
for image in "${images[@]}"; do programs+=("$(binary "$image")"); done
say "compiling ${programs[*]}, linked statically (some minutes, the first time)"
built=$("$root/manifests/images/compile.sh" "${programs[@]}")

binaries=$(mktemp -d)
trap 'rm -rf "$binaries"' EXIT
for program in "${programs[@]}"; do cp "$built/$program" "$binaries"; done

build=(podman build --layers=false) # no cache of steps: there is nothing to save
[[ $engine == podman ]] || build=(docker buildx build --load)
for image in "${images[@]}"; do
    name=$prefix/$image:$tag
    # The folder with the binaries is the stage `binaries` and the whole context.
    # shellcheck disable=SC2086
    "${build[@]}" ${BUILD_FLAGS:-} --quiet --file "$root/manifests/images/Dockerfile" --target "$image" \
        --build-context "binaries=$binaries" --tag "$name" "$binaries" >/dev/null
    say "$name: $(stat --format %s "$binaries/$(binary "$image")" | numfmt --to=iec) in one static binary"
done
