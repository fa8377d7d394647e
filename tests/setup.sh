#!/usr/bin/env bash
# Sets a Debian machine up for `make demo` (setup.sh demo), `make test` (setup.sh test),
# `make node-test` (setup.sh node) and `make bench-sidecar` (setup.sh bench).
#
# Installs what is missing and nothing else: packages with apt-get (as root, or by sudo where it
# asks for no password), Spark into a virtual environment under .cache/. For the tests also podman, a
# second Spark, the AWS CLI with a stand-in for AWS, and etcd, kube-apiserver and kubectl: from
# $KUBEBUILDER_ASSETS, or built once from their Go modules (control-plane.sh). For the node what the
# tests have, the rest of Kubernetes from the same modules, containerd, and images (node/images.sh).
# Where everything is there, it says so within a second. SPARK_VERSION chooses another Spark.
set -euo pipefail

level=${1:-demo}
root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/.cache
log=$cache/setup.log
spark_version=${SPARK_VERSION:-$(sed -n 's/^pyspark==//p' "$root/tests/requirements.txt")}
PATH=$HOME/.cargo/bin:$PATH

say() { printf 'set-up: %s\n' "$*"; }

# Ends with one sentence that tells what to do.
stop() {
    printf 'set-up: %s\n' "$*" >&2
    exit 1
}

# Runs a long command with its output in the log, and shows that it is still at work.
long() {
    local what=$1 from=$SECONDS
    shift
    say "$what"
    printf '\n== %s\n' "$what" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null &
    local pid=$!
    trap 'kill "$pid" 2>/dev/null || true; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.5
        if ((SECONDS - from >= 15 && (SECONDS - from) % 15 == 0 && SECONDS != ${ticked:-0})); then
            ticked=$SECONDS
            say "  … still at it after $((SECONDS - from)) s"
        fi
    done
    trap - INT TERM
    if ! wait "$pid"; then
        tail -n 15 "$log" >&2
        return 1
    fi
    say "  done in $((SECONDS - from)) s"
}

# --- what is missing -------------------------------------------------------------------------

# Spark 3.3 to 4.x run on Java 17 and 21; newer ones took away what Spark 3 uses.
java_home() {
    local home version='version "(17|21)[."]'
    for home in "${JAVA_HOME:-/none}" "$(dirname "$(dirname "$(readlink -f "$(command -v java || true)")")")" \
        /usr/lib/jvm/java-17-* /usr/lib/jvm/java-21-*; do
        if [[ -x $home/bin/java && $("$home/bin/java" -version 2>&1) =~ $version ]]; then
            printf '%s\n' "$home"
            return
        fi
    done
}

# The first Python that can make virtual environments; Spark before 3.5 knows none after 3.11.
python() { # SPARK_VERSION
    local candidate newest=99
    case $1 in 3.[0-4].*) newest=11 ;; esac
    for candidate in python3 /usr/bin/python3 python3.11 python3.10 python3.9; do
        if "$candidate" -c "import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, $newest))" 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

# Whether apt-get can install it; a name that other packages only mention has no candidate.
has_package() { [[ $(apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [0-9] ]]; }

missing_packages() {
    command -v curl >/dev/null || echo curl
    command -v git >/dev/null || echo git
    command -v make >/dev/null || echo make
    command -v pgrep >/dev/null || echo procps # Spark finds its Python workers with it
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || echo ca-certificates
    command -v cc >/dev/null || echo gcc
    [[ -e /usr/include/stdlib.h ]] || echo libc6-dev
    command -v prometheus >/dev/null && command -v promtool >/dev/null || echo prometheus
    [[ -x $cache/spark-$spark_version/bin/python || -n $(python "$spark_version") ]] || echo python3-venv
    [[ -n $(java_home) ]] || echo java
    command -v cargo >/dev/null || echo rustup
    [[ $level != test ]] || command -v podman >/dev/null || echo podman
    # The containers of a pod are tried with both.
    [[ $level != test ]] || command -v runc >/dev/null || echo runc
    [[ $level != test ]] || command -v crun >/dev/null || echo crun
    # Each test program has a network of its own (run.sh).
    [[ $level != test ]] || command -v ip >/dev/null || echo iproute2
    # The dashboards show what it says of nodes.
    [[ $level != test ]] || command -v prometheus-node-exporter >/dev/null || echo prometheus-node-exporter
    # How many messages an incident is, Alertmanager itself says.
    [[ $level != test ]] || { command -v prometheus-alertmanager && command -v amtool; } >/dev/null || echo prometheus-alertmanager
    [[ $level != test ]] || has_control_plane || "$root/tests/control-plane.sh" buildable || echo golang-go
    [[ $level != test ]] || "$root/tests/control-plane.sh" built helm || "$root/tests/control-plane.sh" buildable || echo golang-go
    [[ $level != node ]] || missing_packages_of_node
}

missing_packages_of_node() {
    "$root/tests/control-plane.sh" built node || "$root/tests/control-plane.sh" buildable || echo golang-go
    command -v podman >/dev/null || echo podman
    command -v runc >/dev/null || echo runc
    command -v containerd >/dev/null || echo containerd
    [[ -x /usr/lib/cni/ptp ]] || echo containernetworking-plugins
    command -v nft >/dev/null || echo nftables
    command -v conntrack >/dev/null || echo conntrack
    command -v ip >/dev/null || echo iproute2
    command -v debootstrap >/dev/null || echo debootstrap
    command -v openssl >/dev/null || echo openssl
}

has_control_plane() { [[ -n ${KUBEBUILDER_ASSETS:-} ]] || "$root/tests/control-plane.sh" built; }

# --- putting it there ------------------------------------------------------------------------

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

# Debian starts a service when it installs it; the demonstration runs Prometheus itself, on ports
# of its own, and a second one on 9090 is nobody's wish.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d ours='' status=0
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        ours=yes
    fi
    "$@" || status=$?
    [[ -z $ours ]] || as_root rm -f "$policy"
    return $status
}

install_packages() {
    local packages=("$@")
    local by_hand="apt-get install --no-install-recommends ${packages[*]/#java/openjdk-17-jre-headless}"
    # Debian 12 has no rustup; without it the next run tells how to get Rust.
    has_package rustup || by_hand=${by_hand/ rustup/}
    command -v apt-get >/dev/null ||
        stop "this machine has no apt-get; install what these Debian packages hold, then run this again: ${packages[*]}"
    ((EUID == 0)) || sudo -n true 2>/dev/null ||
        stop "packages are missing and you are not root; run this first: sudo $by_hand"
    long "asking apt-get for its current lists" as_root apt-get update ||
        stop "apt-get update failed (above, and in $log); check the network and /etc/apt, then run this again"
    local i package
    for i in "${!packages[@]}"; do
        package=${packages[$i]}
        if [[ $package == java ]]; then
            package=openjdk-17-jre-headless
            has_package $package || package=openjdk-21-jre-headless
        fi
        packages[i]=$package
        has_package "$package" || stop "$(no_package "$package")"
    done
    without_starting_services long "installing ${packages[*]} (no service is started)" \
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}" ||
        stop "apt-get could not install the packages (above, and in $log); mend that, then run this again"
    if [[ " ${packages[*]} " == *' prometheus '* && -d /run/systemd/system ]]; then
        as_root systemctl disable --quiet prometheus.service || true
        say "the prometheus service is installed but neither started nor enabled"
    fi
    local service
    for service in prometheus-node-exporter prometheus-alertmanager; do
        if [[ " ${packages[*]} " == *" $service "* && -d /run/systemd/system ]]; then
            as_root systemctl disable --quiet "$service.service" || true
            say "the $service service is installed but neither started nor enabled"
        fi
    done
}

no_package() {
    case $1 in
    rustup) echo "there is no cargo, and this Debian has no package rustup; install curl and then Rust with \`curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal\`, then run this again" ;;
    *) echo "apt-get knows no package $1; enable Debian's main component in /etc/apt/sources.list, then run this again" ;;
    esac
}

# The toolchain that rust-toolchain.toml names; rustup fetches it when it is asked for.
set_up_rust() {
    local wanted
    wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$root/rust-toolchain.toml")
    cd "$root"
    if command -v rustup >/dev/null; then
        [[ -d ${RUSTUP_HOME:-$HOME/.rustup}/toolchains/$wanted-$(uname -m)-unknown-linux-gnu ]] ||
            long "fetching Rust $wanted" rustup toolchain install "$wanted" --profile minimal --component rustfmt --component clippy ||
            stop "rustup could not fetch Rust $wanted (above, and in $log); check the network, then run this again"
    elif ! cargo --version | grep -qF " $wanted"; then
        stop "$(cargo --version) is here but the project is built with $wanted; install rustup (https://rustup.rs), which reads rust-toolchain.toml"
    fi
}

# Spark as published for Python: the jars, spark-submit and the Python side in one package.
set_up_spark() { # SPARK_VERSION
    local version=$1 spark=$cache/spark-$1 python requirements=("pyspark==$1") pinned
    [[ -e $spark/.complete ]] && return
    python=$(python "$version")
    [[ -n $python ]] ||
        stop "Spark $version needs Python 3.9 to 3.11, and here is $(python3 --version 2>&1); choose a Spark from 3.5 on with SPARK_VERSION"
    for pinned in "$root"/tests/requirements*.txt; do
        if grep -qx "pyspark==$version" "$pinned"; then
            requirements=(--requirement "$pinned")
        fi
    done
    local free
    free=$(df --output=avail -m "$cache" | tail -n 1)
    ((free > 2500)) || stop "$cache has $free MB left and Spark needs 2,500 while it is installed; make room, then run this again"
    rm -rf "$spark"
    "$python" -m venv "$spark" >>"$log" 2>&1 ||
        stop "$python could not make a virtual environment (see $log); install python3-venv, then run this again"
    long "installing Spark $version into ${spark#"$root"/} (a download of about 300 MB)" \
        "$spark/bin/pip" install --disable-pip-version-check --no-input --no-compile "${requirements[@]}" ||
        stop "pip could not install Spark $version (above, and in $log); check the network and that this version exists, then run this again"
    ln -sfn "$("$spark/bin/python" -c 'import pyspark, os; print(os.path.dirname(pyspark.__file__))')" "$spark/home"
    touch "$spark/.complete"
}

# The AWS CLI, and a server that answers it in AWS's place.
set_up_aws() {
    local named=$root/tests/requirements-aws.txt environment=$cache/aws python
    cmp -s "$named" "$environment/.complete" && return
    python=$(python any)
    [[ -n $python ]] || stop "the stand-in for AWS needs Python 3.10 or newer with venv; install python3-venv, then run this again"
    rm -rf "$environment"
    "$python" -m venv "$environment" >>"$log" 2>&1 ||
        stop "$python could not make a virtual environment (see $log); install python3-venv, then run this again"
    long "installing the AWS CLI and a stand-in for AWS into ${environment#"$root"/} (a download of about 35 MB)" \
        "$environment/bin/pip" install --disable-pip-version-check --no-input --requirement "$named" ||
        stop "pip could not install what tests/requirements-aws.txt names (above, and in $log); check the network, then run this again"
    cp "$named" "$environment/.complete"
}

# What the tests need beyond the demonstration.
set_up_cluster() {
    set_up_aws
    set_up_spark "$(sed -n 's/^pyspark==//p' "$root/tests/requirements-4.txt")"
    "$root/tests/control-plane.sh" built helm ||
        long "building Helm from its Go modules, once (about 2 minutes on two cores)" \
            "$root/tests/control-plane.sh" build helm ||
        stop "Helm could not be built (above, and in $log); mend that, then run this again"
    has_control_plane && return
    long "building etcd, kube-apiserver and kubectl from their Go modules, once (about 5 minutes on two cores)" \
        "$root/tests/control-plane.sh" build ||
        stop "the API server of the tests could not be built (above, and in $log); mend that, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl, then run this again"
}

# The programs and the images of a real node.
set_up_node() {
    local images
    ((EUID == 0)) || stop "a node needs root: it makes namespaces, mounts and cgroups; run this as root"
    set_up_spark "$(sed -n 's/^pyspark==//p' "$root/tests/requirements-4.txt")"
    "$root/tests/control-plane.sh" built node ||
        long "building Kubernetes' programs from their Go modules, once (about 10 minutes on two cores)" \
            "$root/tests/control-plane.sh" build node ||
        stop "the node's programs could not be built (above, and in $log); mend that, then run this again"
    for images in basics "spark $spark_version" "spark $(sed -n 's/^pyspark==//p' "$root/tests/requirements-4.txt")"; do
        # shellcheck disable=SC2086
        "$root/tests/node/images.sh" $images >>"$log" 2>&1 ||
            stop "the node's images could not be made (see $log); mend that, then run this again"
    done
}

# What the sidecar is measured beside; what is not to be had is left out.
set_up_others() {
    local package missing=() jar=$cache/jmx_prometheus_javaagent.jar
    for package in prometheus-node-exporter prometheus-process-exporter; do
        command -v "$package" >/dev/null || missing+=("$package")
    done
    ((${#missing[@]} == 0)) || (install_packages "${missing[@]}") || say "without ${missing[*]}, which are then not measured"
    [[ ! -e $jar ]] || return 0
    if command -v mvn >/dev/null; then
        long "fetching the JMX exporter's Java agent" mvn --quiet --batch-mode dependency:copy \
            -Dartifact=io.prometheus.jmx:jmx_prometheus_javaagent:1.0.1 -Dmdep.stripVersion=true "-DoutputDirectory=$cache" ||
            say "without the JMX exporter's agent, which could not be fetched (see $log)"
    else
        say "without the JMX exporter's agent, since there is no Maven to fetch it with (apt-get install maven)"
    fi
}

# --- the order of things ---------------------------------------------------------------------

[[ $level =~ ^(demo|test|node|bench)$ ]] || stop "the levels are demo, test, node and bench, not '$level'"
[[ $(uname -s) == Linux ]] || stop "this needs Linux: the sidecar reads /proc and cgroups"
mkdir -p "$cache"
: >"$log"

mapfile -t missing < <(missing_packages)
((${#missing[@]} == 0)) || install_packages "${missing[@]}"
home=$(java_home)
[[ -n $home ]] || stop "no Java 17 or 21 was found; set JAVA_HOME to one, then run this again"
ln -sfn "$home" "$cache/java"
set_up_rust
set_up_spark "$spark_version"
[[ $level != test ]] || set_up_cluster
[[ $level != node ]] || set_up_node
[[ $level != bench ]] || set_up_others
say "ready (Java at $home, Spark $spark_version, $(prometheus --version 2>&1 | sed -n '1s/ (.*//p'))"
