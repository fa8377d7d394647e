#!/usr/bin/env bash
# Submits a job to EMR on EKS and waits for its end. The job is start-job-run.json, or one of yours:
# it says nothing about metrics, and Emberscope collects them all the same if its namespace is labelled.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: start-job-run.sh [OPTION]...

Submits start-job-run.json (SparkPi, which is in EMR's image) and waits for its end.

  --virtual-cluster-id ID   EMR virtual cluster ($VIRTUAL_CLUSTER_ID)
  --namespace NAME          instead: the virtual cluster on this namespace ($NAMESPACE)
  --execution-role-arn ARN  role of the job ($EXECUTION_ROLE_ARN)
  --region REGION           region ($AWS_REGION, else that of the AWS CLI)
  --log-group NAME          CloudWatch log group for driver and executors ($LOG_GROUP); not for a request
                            that has configurationOverrides, which it would replace
  --release-label LABEL     another EMR release ($RELEASE_LABEL)
  --job FILE                another request than start-job-run.json
  --no-wait                 end once the job is submitted
  --poll-seconds N          how often to ask for its state (15)
  --timeout-seconds N       how long to wait (3600); the job goes on
  --help                    this text

Exit status: 0 the job completed (with --no-wait: was submitted), 1 it failed or was cancelled,
2 something is missing or wrong in what was given, 3 AWS refused, 4 it still ran when the time was over,
130 interrupted (the job goes on).
`terraform output start_job_run` in manifests/aws/terraform prints this command filled in.
EOF
}

# Ends with a sentence that names the remedy.
stop() { # STATUS SENTENCE
    printf 'start-job-run: %s\n' "$2" >&2
    exit "$1"
}

say() { printf 'start-job-run: %s\n' "$*"; }

virtual_cluster=${VIRTUAL_CLUSTER_ID:-}
namespace=${NAMESPACE:-}
role=${EXECUTION_ROLE_ARN:-}
log_group=${LOG_GROUP:-}
release=${RELEASE_LABEL:-}
job=$(dirname "$0")/start-job-run.json
wait=yes
poll=15
timeout=3600

while (($# > 0)); do
    case $1 in
    --help | -h)
        usage
        exit 0
        ;;
    --no-wait)
        wait=''
        shift
        continue
        ;;
    --virtual-cluster-id | --namespace | --execution-role-arn | --region | --log-group | --release-label | --job | --poll-seconds | --timeout-seconds)
        (($# > 1)) || stop 2 "$1 needs a value; --help lists the options"
        ;;
    *) stop 2 "there is no option '$1'; --help lists them" ;;
    esac
    case $1 in
    --virtual-cluster-id) virtual_cluster=$2 ;;
    --namespace) namespace=$2 ;;
    --execution-role-arn) role=$2 ;;
    --region) export AWS_REGION=$2 AWS_DEFAULT_REGION=$2 ;;
    --log-group) log_group=$2 ;;
    --release-label) release=$2 ;;
    --job) job=$2 ;;
    --poll-seconds) poll=$2 ;;
    --timeout-seconds) timeout=$2 ;;
    esac
    shift 2
done

# --- what was given ----------------------------------------------------------------------------

command -v aws >/dev/null || stop 2 "the AWS CLI is not installed; see https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
# Version 1 of the AWS CLI reads the other name only.
if [[ -n ${AWS_REGION:-} ]]; then export AWS_DEFAULT_REGION=$AWS_REGION; fi
export AWS_PAGER=''
if [[ -z ${AWS_DEFAULT_REGION:-} ]] && aws configure list | grep -E '^ *region[ :]+<not set>' >/dev/null; then
    stop 2 "which region? give --region, or set AWS_REGION"
fi
[[ -f $job && -r $job ]] || stop 2 "there is no file $job; --job names the request of the job"
[[ $role =~ ^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$ ]] ||
    stop 2 "'$role' is no ARN of a role; give --execution-role-arn, which \`terraform output job_role_arns\` in manifests/aws/terraform prints"
[[ -n $virtual_cluster$namespace ]] ||
    stop 2 "which virtual cluster? give --virtual-cluster-id, which \`terraform output virtual_cluster_ids\` in manifests/aws/terraform prints, or --namespace"
[[ $poll =~ ^[0-9]{1,6}$ && $timeout =~ ^[0-9]{1,6}$ ]] || stop 2 "--poll-seconds and --timeout-seconds take whole numbers of at most six digits"
[[ -z $release || $release =~ ^emr-[0-9]+\.[0-9]+\.[0-9]+- ]] ||
    stop 2 "'$release' is no release of EMR on EKS; they look like emr-7.9.0-latest"
[[ -z $log_group || $log_group =~ ^[A-Za-z0-9._/#-]+$ ]] ||
    stop 2 "'$log_group' is no name of a log group; \`terraform output log_groups\` in manifests/aws/terraform prints them"
# The AWS CLI takes the option in place of all that the file says there, Spark's settings among it.
if [[ -n $log_group ]] && grep -q '"configurationOverrides"' "$job"; then
    stop 2 "$job has configurationOverrides, which --log-group would replace; leave --log-group (and \$LOG_GROUP) out, and name the group in the file: monitoringConfiguration.cloudWatchMonitoringConfiguration"
fi

# --- the virtual cluster ----------------------------------------------------------------------

# One call to EMR on EKS; what AWS says about a refusal goes through to the reader.
emr() { # REMEDY ARGUMENT...
    local remedy=$1
    shift
    aws emr-containers "$@" --output text || stop 3 "AWS refused \`aws emr-containers $1\` (above); $remedy"
}

if [[ -z $virtual_cluster ]]; then
    virtual_cluster=$(emr "check the region and \`aws sts get-caller-identity\`" list-virtual-clusters \
        --states RUNNING --query "virtualClusters[?containerProvider.info.eksInfo.namespace=='$namespace'].id")
    [[ -n $virtual_cluster ]] ||
        stop 2 "no virtual cluster runs on the namespace $namespace in this region; \`terraform apply\` in manifests/aws/terraform makes it"
    [[ $virtual_cluster != *[[:space:]]* ]] ||
        stop 2 "the namespace $namespace has a virtual cluster on several EKS clusters; choose one with --virtual-cluster-id: ${virtual_cluster//[[:space:]]/ }"
fi

# --- the job ----------------------------------------------------------------------------------

arguments=(--cli-input-json "file://$job" --virtual-cluster-id "$virtual_cluster" --execution-role-arn "$role")
[[ -z $release ]] || arguments+=(--release-label "$release")
[[ -z $log_group ]] || arguments+=(--configuration-overrides
    "{\"monitoringConfiguration\":{\"cloudWatchMonitoringConfiguration\":{\"logGroupName\":\"$log_group\",\"logStreamNamePrefix\":\"spark\"}}}")
id=$(emr "check that the virtual cluster $virtual_cluster is in this region, that the role exists, and that you may call emr-containers:StartJobRun" \
    start-job-run "${arguments[@]}" --query id)
say "job run $id is submitted to virtual cluster $virtual_cluster"
[[ -n $wait ]] || exit 0

ending="end it with \`aws emr-containers cancel-job-run --virtual-cluster-id $virtual_cluster --id $id\`"
trap 'stop 130 "interrupted; the job run $id goes on: $ending"' INT TERM
state='' from=$SECONDS
while :; do
    now=$(emr "the job goes on; \`aws emr-containers describe-job-run --virtual-cluster-id $virtual_cluster --id $id\` shows its state" \
        describe-job-run --virtual-cluster-id "$virtual_cluster" --id "$id" --query jobRun.state)
    if [[ $now != "$state" ]]; then
        say "$(printf '%4d s  %s' $((SECONDS - from)) "$now")"
        state=$now
    fi
    case $state in
    COMPLETED) exit 0 ;;
    FAILED | CANCELLED)
        details=$(emr "the job has ended as $state" describe-job-run --virtual-cluster-id "$virtual_cluster" --id "$id" \
            --query 'jobRun.[failureReason,stateDetails]')
        if [[ -n $log_group ]]; then
            logs="its logs: \`aws logs filter-log-events --log-group-name $log_group --log-stream-name-prefix spark/$virtual_cluster/jobs/$id --query 'events[].message' --output text\`"
        else
            logs="its logs are where the request has them written, and in its pods while these are there"
        fi
        stop 1 "the job run $id ended as $state: ${details//[$'\t\n']/ }; $logs"
        ;;
    esac
    ((SECONDS - from < 10#$timeout)) ||
        stop 4 "the job run $id is still $state after $timeout s and goes on; $ending"
    sleep "$poll"
done
