#!/usr/bin/env bash
# Submits one job to the node by spark-submit, as a user would (README.md).
#
#   submit.sh NAMESPACE SPARK_VERSION JOB [OPTIONS OF SPARK-SUBMIT ...] [-- ARGUMENTS OF THE JOB ...]
#
# JOB is a scenario's name (scenarios/JOB/job.py) or the path of a Python file. The namespace and its service account
# are made if they are not there.
set -euo pipefail

(($# >= 3)) || { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
node=$here/node.sh
namespace=$1 version=$2 job=$3
shift 3
[[ ! -d $here/scenarios/$job ]] || job=$here/scenarios/$job/job.py
options=()
while (($# > 0)) && [[ $1 != -- ]]; do options+=("$1") && shift; done
(($# == 0)) || shift

kubectl() { "$node" kubectl "$@"; }
kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace"
if ! kubectl --namespace "$namespace" get serviceaccount spark >/dev/null 2>&1; then
    kubectl --namespace "$namespace" create serviceaccount spark
    kubectl --namespace "$namespace" create rolebinding spark --clusterrole=edit --serviceaccount="$namespace:spark"
fi

shared=$("$node" folder)/shared
name=$(basename "$job" .py)
[[ $name != job ]] || name=$(basename "$(dirname "$job")")
mkdir -p "$shared/jobs"
install -m 644 "$job" "$shared/jobs/$name.py"

home=$(readlink -f "$here/../../.cache/spark-$version/home")
exec "$node" run env "SPARK_HOME=$home" "JAVA_HOME=$(readlink -f "$here/../../.cache/java")" \
    "$home/bin/spark-submit" --master k8s://https://10.77.0.1:6443 --deploy-mode cluster --name "$name" \
    --conf "spark.kubernetes.namespace=$namespace" \
    --conf spark.kubernetes.authenticate.driver.serviceAccountName=spark \
    --conf "spark.kubernetes.container.image=spark:$version" \
    --conf spark.executor.instances=1 --conf spark.driver.memory=512m --conf spark.executor.memory=512m \
    --conf spark.kubernetes.driver.request.cores=100m --conf spark.kubernetes.executor.request.cores=100m \
    --conf spark.kubernetes.driver.volumes.hostPath.jobs.mount.path=/jobs \
    --conf spark.kubernetes.driver.volumes.hostPath.jobs.options.path=/run/emberscope-node/shared/jobs \
    "${options[@]}" "local:///jobs/$name.py" "$@"
