#!/usr/bin/env bash
# A real Kubernetes node on this machine, in namespaces of its own (README.md).
#
#   node.sh up                 starts it and returns when it is ready; imports the images made so far
#   node.sh down               ends it and removes every trace, also of one that crashed
#   node.sh kubectl ...        kubectl against it, as its administrator
#   node.sh run COMMAND ...    a command inside it: its network, its processes, $KUBECONFIG set
#   node.sh import ARCHIVE...  gives it images
#   node.sh install            installs Emberscope of this checkout: its images (images.sh emberscope), manifests/base
#   node.sh stop PROGRAM       kubelet, kube-apiserver, ...: ends one of its programs for good
#   node.sh start PROGRAM      ... and starts it again
#   node.sh folder             prints the folder with its files; logs are in log/programs
#
# $EMBERSCOPE_NODE names that folder, /var/tmp/emberscope-node if it is not set. Nodes in different folders do not
# see each other.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=${EMBERSCOPE_NODE:-/var/tmp/emberscope-node}
name=$(basename "$folder")
# The same folder as the node's programs see it.
inside=/run/emberscope-node

say() { printf 'node: %s\n' "$*"; }
stop() {
    printf 'node: %s\n' "$*" >&2
    exit 1
}

# --- which one runs --------------------------------------------------------------------------

# Every program of the node has this lock open, so that it is free only when the last one is gone.
take_lock() {
    mkdir -p "$folder"
    exec 9<"$folder"
    flock --nonblock 9
}

# The node's first process, by the number that it has out here.
first_process() {
    local pid
    pid=$(cat "$folder/pid" 2>/dev/null) && [[ -d /proc/$pid ]] &&
        grep -qsF "$here/inside.sh" "/proc/$pid/cmdline" && printf '%s\n' "$pid"
}

enter() {
    local pid
    pid=$(first_process) || stop "no node runs in $folder; start it with: $0 up"
    nsenter --target "$pid" --mount --net --pid --uts -- \
        env -C "$PWD" "KUBECONFIG=$inside/credentials/admin.kubeconfig" "$@"
}

# --- what it needs of the machine ------------------------------------------------------------

check() {
    ((EUID == 0)) || stop "a node needs root: it makes namespaces, mounts and cgroups; run this as root"
    local program missing=()
    for program in containerd:containerd ctr:containerd runc:runc nft:nftables ip:iproute2 \
        openssl:openssl nsenter:util-linux conntrack:conntrack; do
        command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
    done
    [[ -x /usr/lib/cni/ptp ]] || missing+=(containernetworking-plugins)
    ((${#missing[@]} == 0)) || stop "packages are missing; tests/setup.sh node installs them: ${missing[*]}"
    "$here/../control-plane.sh" built node || stop "kubelet and others are not built; tests/setup.sh node builds them"
    [[ -e $("$here/images.sh" folder)/coredns.tar ]] || stop "images are missing; tests/setup.sh node makes them"
}

# The machine's cgroup hierarchies: one (v2), or one for each controller (v1).
hierarchies() {
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        echo /sys/fs/cgroup
    else
        find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d
    fi
}

make_cgroups() {
    local hierarchy file controller
    for hierarchy in $(hierarchies); do
        mkdir -p "$hierarchy/$name"
        # A new group of this controller has no CPUs.
        for file in cpuset.cpus cpuset.mems; do
            [[ -e $hierarchy/cgroup.controllers || ! -e $hierarchy/$file ]] || cat "$hierarchy/$file" >"$hierarchy/$name/$file"
        done
    done
    [[ -e /sys/fs/cgroup/cgroup.controllers ]] || return 0
    for controller in cpu cpuset memory pids io; do
        for file in "/sys/fs/cgroup/cgroup.subtree_control" "/sys/fs/cgroup/$name/cgroup.subtree_control"; do
            echo "+$controller" 2>/dev/null >"$file" || [[ $controller == io ]] ||
                stop "the cgroup controller $controller cannot be had in $file: groups with processes may have none; start the node from another group"
        done
    done
}

remove_cgroups() {
    local hierarchy
    for hierarchy in $(hierarchies); do
        [[ ! -d $hierarchy/$name ]] || find "$hierarchy/$name" -depth -type d -exec rmdir {} + || true
    done
}

# --- who may do what in it -------------------------------------------------------------------

make_credentials() {
    local to=$folder/run/emberscope-node/credentials token user groups
    mkdir -p "$to"
    cd "$to"
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=node-authority \
            -keyout ca.key -out ca.crt
        certificate api-server /CN=kube-apiserver serverAuth \
            DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.77.0.1,IP:10.96.0.1,IP:127.0.0.1
        certificate api-server-as-client /O=system:masters/CN=kube-apiserver clientAuth DNS:kube-apiserver
        openssl genrsa -out service-accounts.key 2048
        openssl rsa -in service-accounts.key -pubout -out service-accounts.pub
    } 2>openssl.log
    while read -r user groups; do
        token=$(openssl rand -hex 16)
        printf '%s,%s,%s,"%s"\n' "$token" "$user" "$user" "$groups" >>tokens.csv
        kubeconfig "$token" >"$user.kubeconfig"
    done <<'USERS'
admin system:masters
system:kube-scheduler
system:kube-controller-manager
system:kube-proxy
system:node:node system:nodes
USERS
    cd "$OLDPWD"
}

certificate() { # NAME SUBJECT USE ALTERNATIVE_NAMES
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -days 30 -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" \
        -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$4" "$3")
}

kubeconfig() { # TOKEN
    cat <<JSON
{"apiVersion": "v1", "kind": "Config", "current-context": "node",
 "clusters": [{"name": "node", "cluster": {"server": "https://10.77.0.1:6443", "certificate-authority": "$inside/credentials/ca.crt"}}],
 "users": [{"name": "node", "user": {"token": "$1"}}],
 "contexts": [{"name": "node", "context": {"cluster": "node", "user": "node"}}]}
JSON
}

# --- up and down -----------------------------------------------------------------------------

up() {
    check
    take_lock || stop "a node runs in $folder already; end it with: $0 down"
    [[ ! -e $folder/run ]] || remove # one that crashed
    local own=$folder/run/emberscope-node from=$SECONDS
    mkdir -p "$folder"/{run,log/{programs,pods,containers},lib/{containerd,kubelet/volume-plugins,etcd}} "$own"/{cni,stopped}
    chmod 755 "$folder"
    install -d -m 1777 "$folder/shared"
    make_credentials
    cp "$here/config/network.conflist" "$own/cni/10-pods.conflist"
    cp "$here"/config/*.{yaml,toml} "$own"
    sed -i "s/CGROUP/$name/" "$own/kubelet.yaml"
    # No server: nothing outside can be asked.
    echo 'options ndots:1' >"$own/resolv.conf"
    "$here/../control-plane.sh" folder >"$own/programs"
    make_cgroups
    # As its first process ends, so does every other in the namespace.
    setsid unshare --mount --net --uts --ipc --pid --fork --kill-child "$here/inside.sh" "$folder" \
        </dev/null >"$folder/log/programs/node.log" 2>&1 &
    local outer=$!
    until pgrep --parent "$outer" >"$folder/pid"; do
        kill -0 "$outer" 2>/dev/null || stop "the node's namespaces could not be made: $(cat "$folder/log/programs/node.log")"
        sleep 0.1
    done
    exec 9<&-
    wait_for 60 "containerd to answer" enter ctr version
    import "$("$here/images.sh" folder)"/*.tar
    wait_for 120 "the API server to be ready" kubectl get --raw /readyz
    wait_for 60 "the node to register" kubectl get node node
    kubectl apply --filename "$inside/dns.yaml" >/dev/null
    kubectl wait --for=condition=Ready node/node --timeout=120s >/dev/null
    kubectl --namespace kube-system rollout status deployment/coredns --timeout=180s >/dev/null
    say "ready after $((SECONDS - from)) s: $(kubectl get node node --no-headers)"
}

wait_for() { # SECONDS WHAT COMMAND...
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < until)) || stop "waited in vain for $what; logs are in $folder/log/programs"
        first_process >/dev/null || stop "the node ended: $(tail -n 5 "$folder/log/programs/node.log")"
        sleep 0.5
    done
}

kubectl() { enter "$("$here/../control-plane.sh" folder)/kubectl" "$@"; }

import() {
    local archive
    for archive in "$@"; do
        enter ctr --namespace k8s.io images import "$archive" >/dev/null || stop "$archive could not be imported"
    done
}

install_emberscope() {
    local images=$here/../../.cache/images
    [[ -n $(find "$images" -name '*.tar' 2>/dev/null) ]] || stop "the product's images are missing; make them with: $here/images.sh emberscope"
    import "$images"/*.tar
    kubectl apply --kustomize "$here/../../manifests/base" >/dev/null
    kubectl --namespace emberscope rollout status deployment/emberscope --timeout=180s >/dev/null
    say "Emberscope is installed; opt a namespace in with: $0 kubectl label namespace NAME emberscope.dev/inject=enabled"
}

down() {
    ((EUID == 0)) || stop "a node needs root, to end it too; run this as root"
    local pid
    if pid=$(first_process); then kill -KILL "$pid"; fi
    for _ in {1..300}; do
        if take_lock; then
            remove
            rmdir "$folder"
            return
        fi
        sleep 0.1
    done
    stop "programs of the node in $folder are still there; they are: $(fuser "$folder" 2>&1 || true)"
}

# Its mounts and network went with its processes.
remove() {
    remove_cgroups
    find "$folder" -mindepth 1 -delete
}

case ${1:-} in
up) up ;;
down) down ;;
kubectl) kubectl "${@:2}" ;;
run) enter "${@:2}" ;;
import) import "${@:2}" ;;
install) install_emberscope ;;
stop)
    : >"$folder/run/emberscope-node/stopped/${2:?which program?}"
    enter pkill --exact "${2:0:15}"
    ;;
start) rm -f "$folder/run/emberscope-node/stopped/${2:?which program?}" ;;
folder) printf '%s\n' "$folder" ;;
*)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
    [[ ${1:-} == --help || ${1:-} == -h ]] || exit 2
    ;;
esac
