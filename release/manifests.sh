#!/usr/bin/env bash
# Writes what is applied: each overlay as one file, and the packaged chart. The same commit gives the same bytes.
#
#   release/manifests.sh FOLDER [IMAGE]      IMAGE without a tag, e.g. ghcr.io/emberscope/emberscope
#
# `kubectl apply -f FOLDER/install.yaml`, or `helm install emberscope FOLDER/emberscope-VERSION.tgz`. Needs kubectl and
# Helm; where they are not installed, those of the tests will do (tests/control-plane.sh).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
[[ -n ${1:-} ]] || { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2 && exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
image=${2:-localhost/emberscope}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
PATH=$PATH:$("$root/tests/control-plane.sh" folder)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}

# Everything below the name that the manifests have for the image.
named() { sed "s|localhost/emberscope|$image|g"; }

for overlay in base cert-manager prometheus-operator prometheus; do
    case $overlay in
    base) from=$root/manifests/base to=$folder/install.yaml ;;
    *) from=$root/manifests/overlays/$overlay to=$folder/install-$overlay.yaml ;;
    esac
    {
        printf '# Emberscope %s: what manifests/%s applies.\n' "$version" "${from#"$root/manifests/"}"
        kubectl kustomize "$from" | named
    } >"$to"
done

# With the files that its links lead to. Helm writes the time into a package; this writes that of the commit.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
helm package "$root/manifests/chart" --destination "$work" >/dev/null 2>"$work/said" || { cat "$work/said" >&2 && exit 1; }
tar --extract --touch --gzip --file "$work/emberscope-$version.tgz" --directory "$work"
find "$work/emberscope" -type f -print0 | while IFS= read -r -d '' file; do
    if grep -q localhost/emberscope "$file"; then
        named <"$file" >"$work/named"
        cat "$work/named" >"$file"
    fi
done
tar --create --directory "$work" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --mtime="@$SOURCE_DATE_EPOCH" emberscope | gzip --no-name -9 >"$folder/emberscope-$version.tgz"
