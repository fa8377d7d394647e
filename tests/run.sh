#!/usr/bin/env bash
# Runs all tests and ends in one line over all of them: `N passed, N failed`.
#
# Much of what they take is waiting: for Spark, for an API server, for what somebody does every few seconds.
# So several test programs run at a time. Each has namespaces of its own: no other's Spark among the
# processes that its sidecars look at, no other's ports, and nothing that it starts outlives it. Where
# that is not allowed (not root), they run one after another.
#
# What a test program prints is kept in target/test-logs, and shown at its end if a test failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

# Begun first, since they take longest; in this order, so that not all that run Spark do at once.
first='cluster main_job sidecar-blackbox aws dashboards endings why containers install'
# At once: more than there are cores, since they wait. And tests at once within each.
programs=$(($(nproc) + 1))
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-4}

root=$PWD
logs=${CARGO_TARGET_DIR:-$root/target}/test-logs
rm -rf "$logs"
mkdir -p "$logs"

# --- build ------------------------------------------------------------------------------------

# The programs of all packages are asked for by themselves: tests start those of others too.
build() {
    cargo test --workspace --locked --no-run --message-format=json-render-diagnostics >"$logs/build.json" &&
        cargo build --workspace --bins --locked
}
if ! build; then
    printf '0 passed, 1 failed\n'
    exit 1
fi
printf 'built after %s s\n' "$SECONDS"

# Of each test program its package's folder, as Cargo would run it there, and itself.
declare -A folder command begun
artifact='s/.*"manifest_path":"\([^"]*\)".*"kind":\["\([^"]*\)"\].*"name":"\([^"]*\)","src_path".*"executable":"\([^"]*\)".*/\1\t\2\t\3\t\4/p'
while IFS=$'\t' read -r manifest kind target program; do
    package=${manifest#"$root/"}
    package=${package%/Cargo.toml}
    case $package/$kind in
    tests/test) name=$target ;;
    */test) name=${package//\//-}-$target ;;
    */lib) name=${package//\//-}-lib ;;
    *) name=${package//\//-}-$kind-$target ;;
    esac
    folder[$name]=$(dirname "$manifest")
    command[$name]=$program
done < <(sed -n "/\"profile\":{[^}]*\"test\":true/ $artifact" "$logs/build.json")
folder[documentation]=$root
command[documentation]='cargo test --workspace --doc --locked --'

# --- run --------------------------------------------------------------------------------------

# Of processes and of the network. The API server goes to addresses of pods, and loopback is none.
alone=(unshare --pid --net --fork --mount-proc --kill-child sh -c '
    ip link set lo up && ip address add 198.18.0.1/32 dev lo && ip route add default dev lo && "$@"
    exit $?' sh)
if ! "${alone[@]}" true 2>/dev/null; then
    alone=() programs=1
    printf 'this user may not make namespaces: one test program after another\n'
fi

# Of logs: how many tests passed and failed, over all their `test result:` lines.
counted() { awk '/^test result: / { passed += $4; failed += $6 } END { print passed + 0, failed + 0 }' "$@"; }

run() {
    local name=$1 from=$SECONDS log=$logs/$1.log status passed failed
    printf '    %-24s starts\n' "$name"
    # shellcheck disable=SC2086 # The documentation's is a command of several words.
    (cd "${folder[$name]}" && exec "${alone[@]}" ${command[$name]} --show-output) >"$log" 2>&1 </dev/null
    status=$?
    read -r passed failed < <(counted "$log")
    # One that ended before its summary has failed as well, though no test said so.
    if ((status != 0 && failed == 0)); then
        printf 'test result: FAILED. 0 passed; 1 failed; it ended with status %s\n' "$status" >>"$log"
        failed=1
    fi
    {
        flock 9
        ((failed == 0)) || cat "$log"
        printf '    %-24s %s passed, %s failed, after %s s\n' "$name" "$passed" "$failed" $((SECONDS - from))
        # A test that this machine cannot show passes, and says so.
        grep '^not tried: ' "$log"
    } 9>"$logs/.lock"
}

stop() {
    trap - INT TERM
    for group in $(jobs -p); do kill -s TERM -- "-$group" 2>/dev/null; done
    exit 130
}
trap stop INT TERM

mapfile -t rest < <(printf '%s\n' "${!command[@]}" | sort)
# Each in a process group of its own, which can be ended as a whole.
set -m
for name in $first "${rest[@]}"; do
    [[ -n ${command[$name]:-} && -z ${begun[$name]:-} ]] || continue
    begun[$name]=yes
    while (($(jobs -rp | wc -l) >= programs)); do wait -n; done
    run "$name" &
done
wait
set +m

read -r passed failed < <(counted "$logs"/*.log)
printf 'after %s s; what they printed is in %s\n' "$SECONDS" "$logs"
printf '%s passed, %s failed\n' "$passed" "$failed"
((failed == 0))
