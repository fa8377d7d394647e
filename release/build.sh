#!/usr/bin/env bash
# Makes everything that a release consists of, and publishes nothing.
#
#   release/build.sh FOLDER [IMAGE [PLATFORM,...]]
#
# IMAGE without a tag (localhost/emberscope); the platforms are linux/amd64,linux/arm64. In FOLDER:
#
#   install.yaml, install-*.yaml     each overlay, for kubectl apply -f
#   emberscope-VERSION.tgz           the Helm chart
#   emberscope-VERSION-ARCH.tar.gz   both programs, static, with completions
#   emberscope-VERSION-image.tar     the image index, as an OCI archive
#   *.cdx.json                       what each program is made of, where cargo-cyclonedx is installed
#   checksums.txt                    SHA-256 of all of these
#
# The same commit, compiler and folder give the same bytes: times are those of the commit. Needs podman and what
# manifests/images/compile.sh and release/manifests.sh need.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
[[ -n ${1:-} ]] || { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2 && exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
image=${2:-localhost/emberscope}
platforms=${3:-linux/amd64,linux/arm64}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
cd "$root"

say() { printf 'release: %s\n' "$*"; }

release/manifests.sh "$folder" "$image"
say "manifests and chart"

manifests/images/build.sh --engine podman --name "$image" --platform "$platforms" --timestamp "$SOURCE_DATE_EPOCH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One file of a folder: the same bytes whoever makes it and when.
packed() { # FOLDER NAME
    tar --create --directory "$1" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --mtime="@$SOURCE_DATE_EPOCH" "$2"
}

push=(podman push)
[[ $platforms != *,* ]] || push=(podman manifest push --all)
"${push[@]}" --quiet "$image:$version" "oci:$work/image:$version" >/dev/null
packed "$work/image" . >"$folder/emberscope-$version-image.tar"

completions=$work/completions
mkdir "$completions"
IFS=, read -ra each <<<"$platforms"
for platform in "${each[@]}"; do
    arch=${platform#linux/}
    built=$(manifests/images/compile.sh --platform "$platform")
    # Every program prints the same; only this machine's can be run.
    case $arch/$(uname -m) in
    amd64/x86_64 | arm64/aarch64)
        for shell in bash fish zsh; do "$built/emberscope" completions "$shell" >"$completions/emberscope.$shell"; done
        ;;
    esac
done
for platform in "${each[@]}"; do
    arch=${platform#linux/}
    name=emberscope-$version-$arch
    built=$(manifests/images/compile.sh --platform "$platform")
    mkdir "$work/$name"
    cp -r "$built/emberscope" "$built/emberscope-sidecar" LICENSE "$completions" "$work/$name"
    packed "$work" "$name" | gzip --no-name -9 >"$folder/$name.tar.gz"
    say "$name: $(du --bytes --total "$built/emberscope" "$built/emberscope-sidecar" | tail -n 1 | cut -f 1 | numfmt --to=iec)"
done

if cargo cyclonedx --version >/dev/null 2>&1; then
    for manifest in webhook sidecar; do
        cargo cyclonedx --format json --manifest-path "$manifest/Cargo.toml" --quiet
        find "$manifest" -maxdepth 1 -name '*.cdx.json' -exec mv {} "$folder" \;
    done
else
    say "without an SBOM: cargo-cyclonedx is not installed (cargo install cargo-cyclonedx --locked)"
fi

(cd "$folder" && find . -maxdepth 1 -type f ! -name checksums.txt -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >checksums.txt)
say "$(wc -l <"$folder/checksums.txt") files in $folder"
