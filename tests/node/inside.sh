#!/usr/bin/env bash
# The node's first process, in namespaces of its own: mounts, network, then every program, each
# started again when it ends.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)

# --- mounts ----------------------------------------------------------------------------------

mount --make-rprivate /
# /sys shows the network namespace of whoever mounted it; the cgroups in it stay.
mkdir "$folder/cgroup"
mount --rbind /sys/fs/cgroup "$folder/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$folder/cgroup" /sys/fs/cgroup
umount --lazy "$folder/cgroup"
mount -t proc proc /proc
# The kubelet sets these for the whole machine, unless they are already as it wants them.
mkdir "$folder/sysctl"
while read -r setting value; do
    echo "$value" >"$folder/sysctl/${setting//\//.}"
    mount --bind "$folder/sysctl/${setting//\//.}" "/proc/sys/$setting"
done <<'SETTINGS'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SETTINGS
mkdir -p "$folder/run/emberscope-node/shared"
mount --bind "$folder/shared" "$folder/run/emberscope-node/shared"
mount --rbind "$folder/run" /run
mount --bind "$folder/log" /var/log
mount --bind "$folder/lib" /var/lib
# A command inside finds services by their names, and itself.
printf '127.0.0.1 localhost\n10.77.0.1 node\n' >/run/emberscope-node/hosts
printf 'search svc.cluster.local cluster.local\nnameserver 10.96.0.10\n' >/run/emberscope-node/resolv.conf.commands
mount --bind /run/emberscope-node/hosts /etc/hosts
[[ ! -e /etc/resolv.conf ]] || mount --bind /run/emberscope-node/resolv.conf.commands /etc/resolv.conf
# The kubelet's mounts have to reach what containerd starts.
mount --make-rshared /

# --- network: no way out ---------------------------------------------------------------------

hostname node
ip link set lo up
ip address add 10.77.0.1/32 dev lo
# Where services are is decided after a packet has a route: the node's own programs call them too.
ip route add 10.96.0.0/16 dev lo src 10.77.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward

# --- programs --------------------------------------------------------------------------------

keep() {
    while true; do
        if [[ ! -e /run/emberscope-node/stopped/$1 ]]; then
            "$here/program.sh" "$1" >>"/var/log/programs/$1.log" 2>&1 || true
        fi
        sleep 1
    done
}

for program in containerd etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet; do
    keep "$program" &
done
wait
