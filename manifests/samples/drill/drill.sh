#!/usr/bin/env bash
# A fire drill: jobs that provoke Emberscope's alerts, in a cluster of yours.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
namespace=emr-data-team-a image='' account=spark server=''

usage() {
    cat <<'USAGE'
usage: manifests/samples/drill/drill.sh --image IMAGE [--namespace NAME] ALERT ...
       manifests/samples/drill/drill.sh --list
       manifests/samples/drill/drill.sh --clean [--namespace NAME]

Submits, for each ALERT, a small job that provokes it, by spark-submit in cluster mode, and does not
wait. A job asks for 100 millicores and 1.4 GiB with its one executor (SparkTasksSkewed has five).

  --image            a Spark image with Python, such as spark:3.5.6-python3
  --namespace        one that opted in; default: emr-data-team-a
  --service-account  may create pods there; default: spark
  --server           the API server's URL; default: the current context's
  --list             the alerts, and after how many minutes they fire
  --clean            deletes the jobs' drivers, and with them all that they made

Needs SPARK_HOME, a Spark distribution, and kubectl. The service account, once:
  kubectl -n NAME create serviceaccount spark
  kubectl -n NAME create rolebinding spark --clusterrole=edit --serviceaccount=NAME:spark
USAGE
}

say() { printf 'drill: %s\n' "$*"; }
stop() {
    printf 'drill: %s\n' "$*" >&2
    exit 2
}

# What the head of a job says under a key.
said() { sed -n "s/^$1: //p" "$here/$2.py"; }

list() {
    local job
    for job in "$here"/*.py; do
        job=$(basename "$job" .py)
        printf '%-30s %3s minutes  %s\n' "$job" "$(said minutes "$job")" "$(sed -n '1s/^"""//p' "$here/$job.py")"
    done
}

clean=0 alerts=()
while (($# > 0)); do
    case $1 in
    -h | --help) usage && exit ;;
    --list) list && exit ;;
    --clean) clean=1 && shift ;;
    --image | --namespace | --server)
        (($# > 1)) || stop "$1 needs a value; see --help"
        printf -v "${1#--}" %s "$2"
        shift 2
        ;;
    --service-account)
        (($# > 1)) || stop "$1 needs a value; see --help"
        account=$2
        shift 2
        ;;
    -*) stop "'$1' is no option; see --help" ;;
    *)
        [[ -f $here/$1.py ]] || stop "there is no drill for '$1'; --list shows those that there are"
        alerts+=("$1") && shift
        ;;
    esac
done
command -v kubectl >/dev/null || stop "kubectl is not installed"
if ((clean)); then
    kubectl -n "$namespace" delete pods -l emberscope.dev/drill=true,spark-role=driver
    kubectl -n "$namespace" delete configmap emberscope-drill --ignore-not-found
    exit
fi
((${#alerts[@]} > 0)) || stop "name an alert; --list shows those that there are"
[[ -n $image ]] || stop "--image names a Spark image with Python; see --help"
[[ -x ${SPARK_HOME:-}/bin/spark-submit ]] || stop "set SPARK_HOME to a Spark distribution"
[[ -n $server ]] || server=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
kubectl -n "$namespace" get serviceaccount "$account" >/dev/null ||
    stop "make the service account $account in namespace $namespace; --help shows how"

jobs=("$here"/*.py)
kubectl -n "$namespace" create configmap emberscope-drill "${jobs[@]/#/--from-file=}" --dry-run=client -o yaml |
    kubectl -n "$namespace" apply -f - >/dev/null
for alert in "${alerts[@]}"; do
    confs=()
    while read -r conf; do confs+=(--conf "$conf"); done < <(said conf "$alert")
    name=drill-$(tr '[:upper:]' '[:lower:]' <<<"$alert")
    say "$alert fires in about $(said minutes "$alert") minutes"
    log=$(mktemp)
    "$SPARK_HOME/bin/spark-submit" --master "k8s://$server" --deploy-mode cluster --name "$name" \
        --conf "spark.kubernetes.namespace=$namespace" \
        --conf "spark.kubernetes.authenticate.driver.serviceAccountName=$account" \
        --conf "spark.kubernetes.container.image=$image" \
        --conf "spark.kubernetes.driver.podTemplateFile=$here/driver.yaml" \
        --conf spark.kubernetes.driver.label.emberscope.dev/drill=true \
        --conf spark.kubernetes.submission.waitAppCompletion=false \
        --conf spark.kubernetes.driver.request.cores=50m --conf spark.kubernetes.executor.request.cores=50m \
        --conf spark.driver.memory=512m --conf spark.driver.memoryOverhead=200m \
        --conf spark.executor.memory=512m --conf spark.executor.memoryOverhead=200m \
        --conf spark.executor.instances=1 ${confs[@]+"${confs[@]}"} \
        "local:///opt/drill/$alert.py" >"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        printf 'drill: %s was not submitted; all that spark-submit said is in %s\n' "$alert" "$log" >&2
        exit 1
    }
    rm -f "$log"
done
say "kubectl -n $namespace get pods -l emberscope.dev/drill=true   shows them; --clean takes them away"
