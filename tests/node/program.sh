#!/usr/bin/env bash
# Becomes one of the node's programs, with its arguments. Runs inside the node.
set -eu
own=/run/emberscope-node
credentials=$own/credentials
PATH=$(cat $own/programs):$PATH

become() { exec "$program" "$@"; }

program=$1
case $program in
containerd) become --config "$own/containerd.toml" ;;
etcd)
    # Nobody needs these data after a crash of the machine.
    become --data-dir /var/lib/etcd --unsafe-no-fsync \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380
    ;;
kube-apiserver)
    become --etcd-servers=http://127.0.0.1:2379 \
        --advertise-address=10.77.0.1 --secure-port=6443 --service-cluster-ip-range=10.96.0.0/16 \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged \
        --tls-cert-file="$credentials/api-server.crt" --tls-private-key-file="$credentials/api-server.key" \
        --client-ca-file="$credentials/ca.crt" --token-auth-file="$credentials/tokens.csv" \
        --kubelet-client-certificate="$credentials/api-server-as-client.crt" \
        --kubelet-client-key="$credentials/api-server-as-client.key" \
        --kubelet-preferred-address-types=InternalIP \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-signing-key-file="$credentials/service-accounts.key" \
        --service-account-key-file="$credentials/service-accounts.pub"
    ;;
kube-controller-manager)
    become --kubeconfig="$credentials/system:kube-controller-manager.kubeconfig" --leader-elect=false \
        --use-service-account-credentials --root-ca-file="$credentials/ca.crt" \
        --service-account-private-key-file="$credentials/service-accounts.key"
    ;;
kube-scheduler)
    become --kubeconfig="$credentials/system:kube-scheduler.kubeconfig" --leader-elect=false
    ;;
kube-proxy) become --config="$own/kube-proxy.yaml" --hostname-override=node ;;
kubelet)
    become --config="$own/kubelet.yaml" --kubeconfig="$credentials/system:node:node.kubeconfig" \
        --hostname-override=node --node-ip=10.77.0.1 --root-dir=/var/lib/kubelet
    ;;
*)
    echo "the node has no program $program" >&2
    exit 2
    ;;
esac
