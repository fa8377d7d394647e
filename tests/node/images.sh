#!/usr/bin/env bash
# Makes the images that the node runs, as archives; nothing is pulled.
#
#   images.sh folder         prints the folder that they are (to be) in
#   images.sh basics         pause, CoreDNS, and sidecars that do not work
#   images.sh spark VERSION  spark:VERSION, from the Spark of PyPI that setup.sh installed
#   images.sh emberscope     the product's image, as manifests/images/build.sh makes it; into .cache/images
#   images.sh emberscope FOLDER   the same from the programs in FOLDER (target/debug), in seconds
#
# The folder is outside the checkout, so that clones share it. What is there already is kept, except
# for the product's image.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/emberscope/node-images
product=$root/.cache/images
suite=bookworm

say() { printf 'images: %s\n' "$*"; }
stop() {
    printf 'images: %s\n' "$*" >&2
    exit 1
}

image() { # ARCHIVE NAME CONFIG LAYER...
    python3 "$here/images/oci.py" "$1.new" "${@:2}"
    mv "$1.new" "$1"
    say "$2"
}

# A layer whose bytes depend on nothing but what is in it.
layer() { # TAR, arguments of tar
    tar --create --file "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner "${@:2}"
}

make_basics() {
    local work program programs
    [[ ! -e $folder/pause.tar || ! -e $folder/coredns.tar || ! -e $folder/crashing.tar ]] || return 0
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    cat >"$work/pause.c" <<'C'
/* Holds a pod's namespaces, and reaps what its containers leave behind when they share processes. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, NULL, WNOHANG) > 0); }
int main(void) {
    signal(SIGINT, end);
    signal(SIGTERM, end);
    signal(SIGCHLD, reap);
    for (;;) pause();
}
C
    cc -Os -static -s -o "$work/pause" "$work/pause.c"
    layer "$work/pause.tar" -C "$work" pause
    image "$folder/pause.tar" localhost/pause:node '{"Entrypoint": ["/pause"], "User": "65535:65535"}' "$work/pause.tar"
    # Two sidecars that do not work, by every name that one may be started with.
    echo 'int main(void) { return 1; }' >"$work/emberscope.c"
    cc -Os -static -s -o "$work/emberscope" "$work/emberscope.c"
    cp "$work/emberscope" "$work/emberscope-sidecar"
    layer "$work/crashing.tar" -C "$work" emberscope emberscope-sidecar
    image "$folder/crashing.tar" localhost/crashing:node '{"Entrypoint": ["/emberscope-sidecar"]}' "$work/crashing.tar"
    # The field e_machine of an ELF file says which processor it is for: 22 is S/390.
    for program in emberscope emberscope-sidecar; do
        printf '\x16' | dd of="$work/$program" bs=1 seek=18 conv=notrunc status=none
    done
    layer "$work/foreign.tar" -C "$work" emberscope emberscope-sidecar
    image "$folder/foreign.tar" localhost/foreign:node '{"Entrypoint": ["/emberscope-sidecar"]}' "$work/foreign.tar"
    programs=$("$here/../control-plane.sh" folder)
    layer "$work/coredns.tar" -C "$programs" coredns
    image "$folder/coredns.tar" localhost/coredns:node '{"Entrypoint": ["/coredns"], "User": "65532:65532"}' "$work/coredns.tar"
}

# A small Debian with Java, Python and tini: the lower layer of every Spark.
make_debian() {
    [[ ! -e $folder/debian.layer ]] || return 0
    ((EUID == 0)) || stop "debootstrap needs root; run this as root"
    command -v debootstrap >/dev/null || stop "debootstrap is missing: apt-get install debootstrap"
    local tree=$folder/debian.tree
    rm -rf "$tree"
    say "a Debian $suite with Java 17 and Python (about two minutes)"
    debootstrap --variant=minbase --include=openjdk-17-jre-headless,python3,procps,tini "$suite" "$tree" \
        >"$folder/debian.log" 2>&1 || stop "debootstrap failed, see $folder/debian.log"
    echo 'spark:x:185:0:spark:/opt/spark:/bin/bash' >>"$tree/etc/passwd"
    layer "$folder/.debian.layer" -C "$tree" --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
        --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' .
    rm -rf "$tree"
    mv "$folder/.debian.layer" "$folder/debian.layer"
}

make_spark() { # VERSION
    local version=$1 home work java
    [[ ! -e $folder/spark-$version.tar ]] || return 0
    home=$(readlink -f "$root/.cache/spark-$version/home") && [[ -d $home ]] ||
        stop "there is no Spark $version in .cache; tests/setup.sh test installs it"
    make_debian
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    mkdir -p "$work/opt/spark/work-dir"
    chmod 777 "$work/opt/spark/work-dir"
    install -m 755 "$here/images/spark-entrypoint.sh" "$work/opt/entrypoint.sh"
    # What a Spark distribution has, without what pip adds for a machine's own Python.
    mkdir "$work/opt/spark/python"
    cp -r "$home/bin" "$home/jars" "$home/sbin" "$work/opt/spark/"
    cp -r "$home/python/lib" "$work/opt/spark/python/"
    chmod -R a+rX "$work/opt"
    layer "$work/spark.layer" -C "$work" opt
    java=/usr/lib/jvm/java-17-openjdk-$(dpkg --print-architecture)
    image "$folder/spark-$version.tar" "docker.io/library/spark:$version" "$(
        cat <<JSON
{"Entrypoint": ["/opt/entrypoint.sh"], "User": "185", "WorkingDir": "/opt/spark/work-dir", "Env": [
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  "JAVA_HOME=$java", "SPARK_HOME=/opt/spark", "PYSPARK_PYTHON=python3",
  "PYTHONPATH=/opt/spark/python/lib/pyspark.zip:/opt/spark/python/lib/$(cd "$home/python/lib" && ls py4j-*.zip)"]}
JSON
    )" "$folder/debian.layer" "$work/spark.layer"
}

# As manifests/images/build.sh makes them, but compiled in a hurry: what is asked here is not speed.
make_emberscope() {
    local name
    name=$(product_image)
    command -v podman >/dev/null || stop "podman is missing; tests/setup.sh test installs it"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        "$root/manifests/images/build.sh" --engine podman
    rm -rf "$product"
    mkdir -p "$product"
    podman save --quiet --format oci-archive --output "$product/emberscope.tar" "$name"
    say "$name"
}

# Programs as cargo builds them need the C library: they lie on the Debian that they were built on.
make_emberscope_from() { # FOLDER
    local program work
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    mkdir "$work/programs"
    for program in emberscope emberscope-sidecar; do
        strip -o "$work/programs/$program" "$1/$program"
    done
    layer "$work/programs.layer" -C "$work/programs" .
    rm -rf "$product"
    mkdir -p "$product"
    image "$product/emberscope.tar" "$(product_image)" \
        '{"Entrypoint": ["/emberscope"], "User": "65532:65532"}' "$folder/debian.layer" "$work/programs.layer"
}

# The image that manifests/base names.
product_image() {
    local names
    names=$(grep -rhoE '^ +image: +localhost/emberscope[^ ]*' "$root/manifests/base" | sed 's/ *image: *//' | sort -u)
    [[ $names == localhost/emberscope:* && $names != *$'\n'* ]] || stop "manifests/base names not one image: $names"
    printf '%s\n' "$names"
}

mkdir -p "$folder"
case ${1:-} in
folder) printf '%s\n' "$folder" ;;
basics) make_basics ;;
spark) make_spark "${2:?which Spark?}" ;;
emberscope) if [[ -n ${2:-} ]]; then make_emberscope_from "$2"; else make_emberscope; fi ;;
*)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
    [[ ${1:-} == --help || ${1:-} == -h ]] || exit 2
    ;;
esac
