#!/usr/bin/env bash
# Builds the image from binaries that cargo builds here: no base image, no network.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: manifests/images/build.sh [--engine podman|docker] [--name NAME] [--tag TAG] [--platform LIST]
                                [--timestamp SECONDS]

Compiles static binaries with cargo and makes one image of both:
  localhost/emberscope:VERSION    the programs `emberscope` and `emberscope-sidecar`

  --engine  default: podman if it is installed, else docker (needs buildx)
  --name    what stands before the tag; default: localhost/emberscope, as the manifests have it:
            podman says localhost/ of what it has built itself, docker takes it, and no node looks
            for such an image in somebody's registry
  --tag     default: the version in Cargo.toml
  --platform
            linux/amd64, linux/arm64 or both with a comma between: then, with podman, one image index of
            both (`podman manifest push --all` pushes it). Default: that of this machine.

  --timestamp
            seconds since 1970 that the image says it was made at, with podman: then the same programs make
            the same image

Settings for the engine's build go into BUILD_FLAGS, e.g. BUILD_FLAGS='--isolation chroot'.
USAGE
}

say() { printf 'images: %s\n' "$*"; }
stop() {
    printf 'images: %s\n' "$*" >&2
    exit 1
}

root=$(cd "$(dirname "$0")/../.." && pwd)
engine='' name=localhost/emberscope tag='' platform='' timestamp=''
while (($# > 0)); do
    case $1 in
    -h | --help) usage && exit ;;
    --engine | --name | --tag | --platform | --timestamp)
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

machine=linux/$(case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)
IFS=, read -ra platforms <<<"${platform:-$machine}"
if ((${#platforms[@]} > 1)); then
    [[ $engine == podman ]] || stop "an index of several platforms is made with podman; with docker, one platform at a time"
    # A tag that was an image or an index before.
    podman manifest rm "$name:$tag" >/dev/null 2>&1 || podman untag "$name:$tag" >/dev/null 2>&1 || true
    podman manifest create "$name:$tag" >/dev/null
fi

binaries=$(mktemp -d)
trap 'rm -rf "$binaries"' EXIT
for platform in "${platforms[@]}"; do
    say "compiling both programs for $platform, linked statically (some minutes, the first time)"
    built=$("$root/manifests/images/compile.sh" --platform "$platform")
    cp "$built/emberscope" "$built/emberscope-sidecar" "$binaries"

    build=(podman build --layers=false) # no cache of steps: there is nothing to save
    [[ $engine == podman ]] || build=(docker buildx build --load)
    [[ -z $timestamp ]] || build+=(--timestamp "$timestamp")
    into=--tag
    ((${#platforms[@]} == 1)) || into=--manifest
    # The folder with the binaries is the stage `binaries` and the whole context.
    # shellcheck disable=SC2086
    "${build[@]}" ${BUILD_FLAGS:-} --quiet --platform "$platform" --file "$root/manifests/images/Dockerfile" \
        --build-context "binaries=$binaries" "$into" "$name:$tag" "$binaries" >/dev/null
    say "$name:$tag, $platform: $(du --bytes --total "$binaries"/* | tail -n 1 | cut -f 1 | numfmt --to=iec) in two static binaries"
done
