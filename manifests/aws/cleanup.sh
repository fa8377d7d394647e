#!/usr/bin/env bash
# Removes what manifests/aws/terraform has made in AWS, where `terraform destroy` cannot: without its
# state. It goes by the tag emberscope.dev/walkthrough and touches nothing that does not carry it.
set -euo pipefail

readonly tag=emberscope.dev/walkthrough
readonly kinds='virtual-cluster pod-identity grafana prometheus alarm topic role log-group bucket'

usage() {
    cat <<EOF
Usage: cleanup.sh [OPTION]...

Lists everything in AWS with the tag $tag=NAME, asks, and removes it.

  --name NAME      value of the tag, which is the variable \`name\` of Terraform (emberscope)
  --cluster NAME   the EKS cluster, where pods get their roles by Pod Identity (\$CLUSTER_NAME); without it,
                   associations are not looked for
  --region REGION  region (\$AWS_REGION, else that of the AWS CLI)
  --keep KIND      leave these; as often as needed. Kinds: $kinds
  --dry-run        list and end
  --yes            do not ask whether to remove what is listed
  --cancel-jobs    do not ask either whether to cancel the job runs of a virtual cluster that still run; without
                   this and without an answer, that virtual cluster stays
  --help           this text

Exit status: 0 nothing is left (or --dry-run), 1 something could not be listed or removed, or the
answer was no, 2 something is wrong in what was given, 130 interrupted. Run it again as often as you like.
EOF
}

stop() { # STATUS SENTENCE
    printf 'cleanup: %s\n' "$2" >&2
    exit "$1"
}

say() { printf 'cleanup: %s\n' "$*"; }

name=emberscope
cluster=${CLUSTER_NAME:-}
keep=' '
dry='' yes='' cancel=''

while (($# > 0)); do
    case $1 in
    --help | -h)
        usage
        exit 0
        ;;
    --dry-run) dry=yes ;;
    --yes) yes=yes ;;
    --cancel-jobs) cancel=yes ;;
    --name | --cluster | --region | --keep)
        (($# > 1)) || stop 2 "$1 needs a value; --help lists the options"
        case $1 in
        --name) name=$2 ;;
        --cluster) cluster=$2 ;;
        --region) export AWS_REGION=$2 ;;
        --keep)
            [[ " $kinds " == *" $2 "* ]] || stop 2 "there is no kind '$2' to keep; the kinds are: $kinds"
            keep+="$2 "
            ;;
        esac
        shift
        ;;
    *) stop 2 "there is no option '$1'; --help lists them" ;;
    esac
    shift
done

command -v aws >/dev/null || stop 2 "the AWS CLI is not installed; see https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
[[ $name =~ ^[a-z][a-z0-9-]{1,19}$ ]] || stop 2 "'$name' cannot be the name that Terraform was given; see its variable \`name\`"
# Version 1 of the AWS CLI reads the other name only.
if [[ -n ${AWS_REGION:-} ]]; then export AWS_DEFAULT_REGION=$AWS_REGION; fi
export AWS_PAGER=''
if [[ -z ${AWS_DEFAULT_REGION:-} ]] && aws configure list | grep -E '^ *region[ :]+<not set>' >/dev/null; then
    stop 2 "which region? give --region, or set AWS_REGION"
fi
region=${AWS_DEFAULT_REGION:-that of the AWS CLI}
account=$(aws sts get-caller-identity --query Account --output text) ||
    stop 2 "AWS does not know you (above); sign in, or set AWS_PROFILE, then run this again"

# --- what there is ----------------------------------------------------------------------------
# One function for each kind: prints the ids of what carries the tag and is not going already, one a line.

tagged="tags.\"$tag\"=='$name'"

text() { aws "$@" --output text; }
words() { tr -s '[:space:]' '\n' | sed '/^$/d; /^None$/d'; }

list_virtual-cluster() {
    text emr-containers list-virtual-clusters --states RUNNING ARRESTED --query "virtualClusters[?$tagged].id" | words
}

# With the tag, or of a role that has it: `aws emr-containers create-role-associations` tags nothing.
list_pod-identity() {
    local ids id roles described role value
    [[ -n $cluster ]] || return 0
    roles=$(list_role) || return 1
    ids=$(text eks list-pod-identity-associations --cluster-name "$cluster" --query 'associations[].associationId' | words) || return 1
    for id in $ids; do
        described=$(text eks describe-pod-identity-association --cluster-name "$cluster" --association-id "$id" \
            --query "association.[roleArn,tags.\"$tag\"]") || return 1
        read -r role value <<<"$described"
        if [[ $value == "$name" ]] || grep -qxF -- "${role##*/}" <<<"$roles"; then echo "$id"; fi
    done
}

list_grafana() { text grafana list-workspaces --query "workspaces[?$tagged && status!='DELETING'].id" | words; }

list_prometheus() { text amp list-workspaces --query "workspaces[?$tagged && status.statusCode!='DELETING'].workspaceId" | words; }

list_alarm() {
    local arn value
    text cloudwatch describe-alarms --alarm-name-prefix "$name-" --query 'MetricAlarms[].AlarmArn' | words |
        while read -r arn; do
            value=$(text cloudwatch list-tags-for-resource --resource-arn "$arn" --query "Tags[?Key=='$tag'].Value") || return 1
            [[ $value != "$name" ]] || echo "${arn##*:}"
        done
}

list_topic() {
    local arn value
    text sns list-topics --query "Topics[?contains(TopicArn, ':$name-')].TopicArn" | words |
        while read -r arn; do
            value=$(text sns list-tags-for-resource --resource-arn "$arn" --query "Tags[?Key=='$tag'].Value") || return 1
            [[ $value != "$name" ]] || echo "$arn"
        done
}

list_role() {
    local roles role value
    roles=$(text iam list-roles --query "Roles[?starts_with(RoleName, '$name-')].RoleName" | words) || return 1
    for role in $roles; do
        value=$(text iam list-role-tags --role-name "$role" --query "Tags[?Key=='$tag'].Value") || return 1
        [[ $value != "$name" ]] || echo "$role"
    done
}

list_log-group() {
    local group arn value
    text logs describe-log-groups --log-group-name-prefix "/$name/" --query 'logGroups[].[logGroupName,arn]' |
        while read -r group arn; do
            [[ -n $arn ]] || continue
            value=$(text logs list-tags-for-resource --resource-arn "${arn%:\*}" --query "tags.\"$tag\"") || return 1
            [[ $value != "$name" ]] || echo "$group"
        done
}

# A bucket without tags is an error of the call, not an empty list.
list_bucket() {
    local buckets bucket value
    buckets=$(text s3api list-buckets --query "Buckets[?starts_with(Name, '$name-')].Name" | words) || return 1
    for bucket in $buckets; do
        if ! value=$(text s3api get-bucket-tagging --bucket "$bucket" --query "TagSet[?Key=='$tag'].Value" 2>&1); then
            [[ $value != *NoSuchTagSet* ]] || continue
            printf '%s\n' "$value" >&2
            return 1
        fi
        [[ $value != "$name" ]] || echo "$bucket"
    done
}

# --- taking it away ---------------------------------------------------------------------------

remove_virtual-cluster() {
    local jobs job answer
    jobs=$(text emr-containers list-job-runs --virtual-cluster-id "$1" --states PENDING SUBMITTED RUNNING --query 'jobRuns[].id' | words) || return 1
    if [[ -n $jobs && -z $cancel ]]; then
        printf 'Its job runs still run: %s. Cancel them? Only "yes" counts: ' "$(tr '\n' ' ' <<<"$jobs" | sed 's/ $//')"
        read -r answer || answer=''
        if [[ $answer != yes ]]; then
            say "  it stays, since its jobs run; --cancel-jobs cancels them" >&2
            return 1
        fi
    fi
    for job in $jobs; do
        say "  cancelling its job run $job"
        text emr-containers cancel-job-run --virtual-cluster-id "$1" --id "$job" >/dev/null || return 1
    done
    text emr-containers delete-virtual-cluster --id "$1" >/dev/null || return 1
    await_virtual-cluster "$1"
}

# EMR needs the namespace, and its way into it, until it has left.
await_virtual-cluster() {
    local state from=$SECONDS
    while state=$(text emr-containers describe-virtual-cluster --id "$1" --query virtualCluster.state); do
        case $state in
        TERMINATED) return 0 ;;
        ARRESTED)
            say "  EMR may not leave the namespace: the cluster's access entry or aws-auth no longer lets it in" >&2
            return 1
            ;;
        esac
        if ((SECONDS - from > 900)); then
            say "  still $state after 15 minutes" >&2
            return 1
        fi
        say "  $state, which takes some minutes"
        sleep 5
    done
    return 1
}

remove_pod-identity() { text eks delete-pod-identity-association --cluster-name "$cluster" --association-id "$1" >/dev/null; }

remove_grafana() { text grafana delete-workspace --workspace-id "$1" >/dev/null; }

remove_prometheus() { text amp delete-workspace --workspace-id "$1" >/dev/null; }

remove_alarm() { text cloudwatch delete-alarms --alarm-names "$1"; }

remove_topic() { text sns delete-topic --topic-arn "$1"; }

# IAM deletes a role only once it has no policies.
remove_role() {
    local policies policy
    policies=$(text iam list-role-policies --role-name "$1" --query PolicyNames | words) || return 1
    for policy in $policies; do
        text iam delete-role-policy --role-name "$1" --policy-name "$policy" || return 1
    done
    policies=$(text iam list-attached-role-policies --role-name "$1" --query 'AttachedPolicies[].PolicyArn' | words) || return 1
    for policy in $policies; do
        text iam detach-role-policy --role-name "$1" --policy-arn "$policy" || return 1
    done
    text iam delete-role --role-name "$1"
}

remove_log-group() { text logs delete-log-group --log-group-name "$1"; }

remove_bucket() { aws s3 rb "s3://$1" --force >/dev/null; }

# --- the order of things ----------------------------------------------------------------------

failed=0
found=()
[[ -n $cluster ]] || say "associations of EKS Pod Identity are not looked for, since --cluster names no cluster"
for kind in $kinds; do
    [[ $keep != *" $kind "* ]] || continue
    if ids=$("list_$kind"); then
        for id in $ids; do found+=("$kind $id"); done
    else
        say "could not list what there is of $kind (above)" >&2
        failed=1
    fi
done

if ((${#found[@]} == 0)); then
    ((failed == 0)) || stop 1 "the rest was not looked at; mend that, then run this again"
    say "nothing carries the tag $tag=$name in account $account, region $region"
    exit 0
fi

say "these carry the tag $tag=$name in account $account, region $region:"
for item in "${found[@]}"; do printf '  %-16s %s\n' "${item%% *}" "${item#* }"; done
[[ -z $dry ]] || exit "$failed"

if [[ -z $yes ]]; then
    printf 'Remove them, with all metrics, logs and files in them? Only "yes" counts: '
    read -r answer || answer=''
    [[ $answer == yes ]] || stop 1 "nothing was removed"
fi

trap 'stop 130 "interrupted; run this again for the rest"' INT TERM
for item in "${found[@]}"; do
    say "removing ${item%% *} ${item#* }"
    if ! "remove_${item%% *}" "${item#* }"; then
        say "could not remove ${item%% *} ${item#* } (above)" >&2
        failed=1
    fi
done
((failed == 0)) || stop 1 "not everything is gone; mend that, then run this again"
say "done; the namespaces go with \`kubectl delete -k manifests/aws/namespaces\`, and Emberscope with \`kubectl delete -k manifests/base\`"
