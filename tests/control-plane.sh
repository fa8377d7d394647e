#!/usr/bin/env bash
# A real etcd, kube-apiserver and kubectl for the tests, from their published Go modules; with `node`
# also kubelet, kube-scheduler, kube-controller-manager, kube-proxy and CoreDNS, for tests/node; with
# `helm` Helm alone, for the chart.
#
#   control-plane.sh folder              prints the folder that they are (to be) in
#   control-plane.sh built [node|helm]   whether they are there
#   control-plane.sh buildable           whether there is a Go to build them with
#   control-plane.sh build [node|helm]   builds what is not there
#
# control-plane/go.mod and go.sum pin every version (node/dns/go.mod those of CoreDNS, helm/go.mod those
# of Helm). The folder is outside the checkout, so that
# clones share it: $XDG_CACHE_HOME/emberscope (or ~/.cache/emberscope). Nothing is done where
# $KUBEBUILDER_ASSETS names a folder with the three programs: the tests use that.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
modules=$here/control-plane
kubernetes=$(sed -n 's/^.*k8s.io\/kubernetes v\([0-9.]*\).*$/\1/p' "$modules/go.mod")
wanted_go=$(sed -n 's/^go \([0-9.]*\)$/\1/p' "$modules/go.mod")
folder=${XDG_CACHE_HOME:-$HOME/.cache}/emberscope/kubernetes-$kubernetes

# Prints the first Go of at least version 1.$1.
go_since() {
    local go
    for go in go /usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-*/bin/go; do
        if [[ $(cd / && GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null) =~ ^go1\.([0-9]+) ]] &&
            ((BASH_REMATCH[1] >= $1)); then
            command -v "$go"
            return
        fi
    done
    return 1
}

# Any Go that knows modules: it can fetch the one that is wanted.
any_go() { go_since 16; }

# Prints the Go to build with.
find_go() {
    local go minor=${wanted_go#1.}
    if go_since "${minor%%.*}"; then
        return
    elif go=$(any_go); then
        fetch_go "$go"
    else
        echo "there is no Go; install Debian's golang-go, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl" >&2
        return 1
    fi
}

# Toolchains are published as a module, so an older Go can fetch a newer one; prints its `go`.
fetch_go() {
    local arch empty answer dir
    case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64) arch=arm64 ;;
    *)
        echo "for $(uname -m) install Go $wanted_go, or set KUBEBUILDER_ASSETS" >&2
        return 1
        ;;
    esac
    # Outside of any module, where the go.mod of ours asks for nothing.
    empty=$(mktemp -d)
    answer=$(cd "$empty" && GO111MODULE=on GOFLAGS=-modcacherw "$1" mod download -json "golang.org/toolchain@v0.0.1-go$wanted_go.linux-$arch" || true)
    rmdir "$empty"
    dir=$(sed -n 's/^.*"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$answer")
    if [[ ! -d $dir ]]; then
        echo "$1 could not fetch Go $wanted_go: $answer" >&2
        return 1
    fi
    # Modules carry no permissions.
    chmod -R u+x "$dir/bin" "$dir/pkg/tool"
    printf '%s\n' "$dir/bin/go"
}

# What is asked for, by name: where it comes from.
declare -A packages=(
    [kube-apiserver]=k8s.io/kubernetes/cmd/kube-apiserver
    [kubectl]=k8s.io/kubernetes/cmd/kubectl
    [etcd]=go.etcd.io/etcd/server/v3
)
if [[ ${2:-} == node ]]; then
    for program in kubelet kube-scheduler kube-controller-manager kube-proxy; do
        packages[$program]=k8s.io/kubernetes/cmd/$program
    done
    packages[coredns]=emberscope.dev/tests/node/dns
elif [[ ${2:-} == helm ]]; then
    packages=([helm]=helm.sh/helm/v3/cmd/helm)
fi

missing() {
    local program
    for program in "${!packages[@]}"; do
        [[ -x $folder/$program ]] || printf '%s\n' "$program"
    done
}

is_built() { [[ -z $(missing) ]]; }

build() {
    ! is_built || return 0
    local go free program module helm
    local version=k8s.io/component-base/version minor
    minor=$(cut -d. -f2 <<<"$kubernetes")
    helm=$(sed -n 's/^.*helm.sh\/helm\/v3 \(v[0-9.]*\).*$/\1/p' "$here/helm/go.mod")
    go=$(find_go)
    mkdir -p "$folder"
    free=$(df --output=avail -m "$folder" | tail -n 1)
    if ((free < 4000)); then
        echo "$folder has $free MB left and the build needs 4,000; make room, then run this again" >&2
        return 1
    fi
    echo "building with $("$go" env GOVERSION)"
    # One half-built program never looks like a whole one: what is done is moved into place.
    made=$(mktemp -d "$folder/building.XXXXXX")
    trap 'rm -rf "$made"' EXIT
    for program in $(missing); do
        module=$modules
        [[ $program != coredns ]] || module=$here/node/dns
        [[ $program != helm ]] || module=$here/helm
        (cd "$module" && CGO_ENABLED=0 "$go" build -trimpath -buildvcs=false -mod=readonly -o "$made/$program" \
            -ldflags "-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=$minor
                -X helm.sh/helm/v3/internal/version.version=$helm
                -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$minor" \
            "${packages[$program]}")
        mv "$made/$program" "$folder/$program"
    done
}

case ${1:-} in
folder) printf '%s\n' "$folder" ;;
built) is_built ;;
buildable) any_go >/dev/null ;;
build) build ;;
*)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
    [[ ${1:-} == --help || ${1:-} == -h ]] || exit 2
    ;;
esac
