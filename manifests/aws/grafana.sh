#!/usr/bin/env bash
# Gives Grafana the data source of Terraform's Prometheus workspace, and the dashboards. Amazon
# Managed Grafana has no such thing in its AWS API; this goes by Grafana's own, with a service account,
# and a token that it makes and takes away again.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)

usage() {
    cat <<'EOF'
Usage: grafana.sh --workspace-id ID --url URL --query-url URL --region REGION [OPTION]...

  --workspace-id ID  Amazon Managed Grafana workspace (terraform output grafana_workspace_id)
  --url URL          its address (terraform output grafana_url)
  --query-url URL    Prometheus workspace (terraform output query_url)
  --region REGION    region of both
  --dashboards DIR   folder of dashboards (manifests/monitoring/grafana)
  --help             this text

Run it again to bring the dashboards up to date; a dashboard is known by its uid. The service account
`emberscope` stays in the workspace, without a token: each one that Grafana has seen in a month is billed
as a user, so there is only one.
Exit status: 0 all is there, 1 Grafana or AWS refused something, 2 something is wrong in what was given.
EOF
}

stop() { # STATUS SENTENCE
    printf 'grafana: %s\n' "$2" >&2
    exit "$1"
}

workspace='' url='' query='' region='' dashboards=$top/manifests/monitoring/grafana

while (($# > 0)); do
    case $1 in
    --help | -h)
        usage
        exit 0
        ;;
    --workspace-id | --url | --query-url | --region | --dashboards)
        (($# > 1)) || stop 2 "$1 needs a value; --help lists the options"
        ;;
    *) stop 2 "there is no option '$1'; --help lists them" ;;
    esac
    case $1 in
    --workspace-id) workspace=$2 ;;
    --url) url=${2%/} ;;
    --query-url) query=${2%/} ;;
    --region) region=$2 ;;
    --dashboards) dashboards=$2 ;;
    esac
    shift 2
done

for program in aws curl; do
    command -v "$program" >/dev/null || stop 2 "$program is not installed"
done
[[ $workspace =~ ^g-[0-9a-z]+$ ]] || stop 2 "'$workspace' is no id of a Grafana workspace; \`terraform output grafana_workspace_id\` in manifests/aws/terraform prints it"
[[ $url =~ ^https://[^/]+$|^http://127\.0\.0\.1: ]] || stop 2 "'$url' is no address of Grafana; \`terraform output grafana_url\` in manifests/aws/terraform prints it"
[[ $query =~ ^https://[^\"]+/workspaces/[^\"/]+$ ]] || stop 2 "'$query' is no Prometheus workspace; \`terraform output query_url\` in manifests/aws/terraform prints it"
[[ $region =~ ^[a-z0-9-]+$ ]] || stop 2 "--region is needed, such as eu-west-1"
mapfile -t files < <(find "$dashboards" -name '*.json' 2>/dev/null | sort)
((${#files[@]} > 0)) || stop 2 "there is no dashboard (*.json) in $dashboards; --dashboards names another folder"
export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER=''

# --- a way in, for a quarter of an hour ---------------------------------------------------------

may='you need the actions ListWorkspaceServiceAccounts, CreateWorkspaceServiceAccount, CreateWorkspaceServiceAccountToken and DeleteWorkspaceServiceAccountToken of grafana'
account=$(aws grafana list-workspace-service-accounts --workspace-id "$workspace" --output text \
    --query "serviceAccounts[?name=='emberscope' && grafanaRole=='ADMIN'].id") ||
    stop 1 "AWS did not list the service accounts of $workspace (above); $may, an AWS CLI from May 2024 on, and a workspace of Grafana 9 or newer in $region"
[[ -n $account ]] ||
    account=$(aws grafana create-workspace-service-account --workspace-id "$workspace" --name emberscope \
        --grafana-role ADMIN --query id --output text) ||
    stop 1 "AWS refused a service account in $workspace (above); $may"

work=$(mktemp -d)
token_id=''
# shellcheck disable=SC2317 # Called by the trap.
leave() {
    rm -rf "$work"
    [[ -n $token_id ]] || return 0
    aws grafana delete-workspace-service-account-token --workspace-id "$workspace" --service-account-id "$account" \
        --token-id "$token_id" >/dev/null ||
        printf 'grafana: the token %s of the service account emberscope stays behind in %s (above) and ends within a quarter of an hour; delete it in Grafana\n' "$token_id" "$workspace" >&2
}
trap leave EXIT
made=$(aws grafana create-workspace-service-account-token --workspace-id "$workspace" --service-account-id "$account" \
    --name "emberscope-$$-$RANDOM" --seconds-to-live 900 --query 'serviceAccountToken.[id,key]' --output text) ||
    stop 1 "AWS refused a token (above); $may"
read -r token_id token <<<"$made"

# Prints the status, 000 where there was no answer; what Grafana says is in $work/answer. The token does
# not show among processes.
call() { # METHOD PATH FILE
    rm -f "$work/answer"
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl --config - --silent --show-error --max-time 30 --request "$1" --header 'Content-Type: application/json' \
            --data-binary "@$3" --output "$work/answer" --write-out '%{http_code}' "$url$2" || true
}

refused() { # WHAT STATUS
    local said remedy=''
    said=$(head -c 500 "$work/answer" 2>/dev/null) || true
    case $2 in
    000) stop 1 "$url did not answer (above), so $1 is not there; check the address, and that this machine may reach it" ;;
    401) remedy="; is $url the address of $workspace? A token is good for its own workspace, and for a quarter of an hour" ;;
    403) remedy="; does the workspace's network access control let this machine in?" ;;
    429 | 5??) remedy='; run this again in a while' ;;
    esac
    stop 1 "Grafana refused $1 with status $2: $said$remedy"
}

# --- the data source and the dashboards ---------------------------------------------------------

# From Grafana 12 on the core's Prometheus plug-in signs no requests; Amazon's own does.
plugin=grafana-amazonprometheus-datasource
: >"$work/nothing"
status=$(call GET "/api/plugins/$plugin/settings" "$work/nothing")
if [[ $status != 200 ]]; then
    status=$(call GET /api/health "$work/nothing")
    version=$(sed -n 's/.*"version" *: *"\([0-9]*\)[^"]*".*/\1/p' "$work/answer" 2>/dev/null) || true
    # Where it does not say its version, the data source is refused below, with what helps.
    if [[ $status == 200 ]] && ((${version:-0} >= 12)); then
        echo '{}' >"$work/nothing"
        status=$(call POST "/api/plugins/$plugin/install" "$work/nothing")
        [[ $status == 200 ]] || refused "the plug-in $plugin, which Grafana $version needs (an administrator of the workspace allows it with \`aws grafana update-workspace-configuration --workspace-id $workspace --configuration '{\"plugins\":{\"pluginAdminEnabled\":true}}'\`)" "$status"
        echo "grafana: plug-in $plugin"
    else
        plugin=prometheus
    fi
fi

cat >"$work/source" <<EOF
{"uid": "emberscope", "name": "Emberscope", "type": "$plugin", "access": "proxy", "url": "$query",
 "jsonData": {"httpMethod": "POST", "timeInterval": "15s",
  "sigV4Auth": true, "sigV4AuthType": "workspace-iam-role", "sigV4Region": "$region"}}
EOF
status=$(call PUT /api/datasources/uid/emberscope "$work/source")
[[ $status != 404 ]] || status=$(call POST /api/datasources "$work/source")
[[ $status == 200 ]] || refused "the data source" "$status"
echo "grafana: data source Emberscope"

for file in "${files[@]}"; do
    { printf '{"overwrite": true, "dashboard": ' && cat "$file" && printf '}'; } >"$work/dashboard"
    status=$(call POST /api/dashboards/db "$work/dashboard")
    [[ $status == 200 ]] || refused "${file##*/}" "$status"
    echo "grafana: dashboard ${file##*/}"
done
echo "grafana: done, at $url/dashboards"
