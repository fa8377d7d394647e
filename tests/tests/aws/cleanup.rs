//! `manifests/aws/cleanup.sh`.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::account::Account;
use crate::script::{Finished, script};
use crate::stand_in::StandIn;
use crate::{read, terraform};

const CLEANUP: &str = "manifests/aws/cleanup.sh";

/// Grafana and Pod Identity, which moto does not know: each has something of ours, and of others.
fn rest_of_aws() -> StandIn {
    let ours = json!({ "emberscope.dev/walkthrough": "emberscope" });
    StandIn::open(move |request| {
        let tags = if request.ends_with("-ours") { ours.clone() } else { json!({}) };
        let workspace = |id: &str, tags: &Value| json!({ "id": id, "tags": tags });
        match request.strip_prefix("GET ") {
            Some("/workspaces") => {
                let mut going = workspace("g-going", &ours);
                going["status"] = json!("DELETING");
                let others = workspace("g-theirs", &json!({}));
                Some(json!({ "workspaces": [workspace("g-ours", &ours), going, others] }))
            }
            Some("/clusters/spark/pod-identity-associations") => Some(
                json!({ "associations": [{ "associationId": "a-ours" }, { "associationId": "a-of-a-role" },
                    { "associationId": "a-theirs" }] }),
            ),
            // As `aws emr-containers create-role-associations` makes them: without a tag.
            Some(path) if path.ends_with("a-of-a-role") => Some(
                json!({ "association": { "roleArn": "arn:aws:iam::1:role/emberscope-ours", "tags": {} } }),
            ),
            Some(path) => {
                let theirs =
                    json!({ "roleArn": "arn:aws:iam::1:role/emberscope-theirs", "tags": tags });
                path.contains("pod-identity").then(|| json!({ "association": theirs }))
            }
            None => request.starts_with("DELETE ").then(|| json!({})),
        }
    })
}

fn cleanup(account: &Account, rest: &StandIn, arguments: &[&str]) -> Finished {
    let mut command = script(CLEANUP, &account.endpoint);
    command
        .env("AWS_ENDPOINT_URL_GRAFANA", &rest.endpoint)
        .env("AWS_ENDPOINT_URL_EKS", &rest.endpoint)
        .args(["--cluster", "spark"])
        .args(arguments);
    Finished::run(&mut command)
}

#[test]
fn it_removes_what_carries_the_tag_and_leaves_the_rest() {
    let account = Account::open();
    let rest = rest_of_aws();
    let before = account.fill();

    let removed = cleanup(&account, &rest, &["--yes", "--keep", "bucket"]);
    assert_eq!(removed.status, 0, "{removed:?}");
    let (listed, _) = removed.printed.split_once("removing").unwrap();
    assert!(listed.contains("in account 123456789012, region eu-west-1:"), "{removed:?}");
    for ours in ["emberscope-ours", "g-ours", "a-ours", "a-of-a-role", "/emberscope/ours"] {
        assert!(listed.contains(ours), "{ours}: {removed:?}");
    }
    assert!(!listed.contains("theirs") && !listed.contains("untagged"), "{removed:?}");
    let after = account.show();
    for kind in ["prometheus", "virtual-cluster", "log-group", "role", "topic", "alarm"] {
        let names = after[kind].as_array().unwrap();
        assert_eq!(before[kind].as_array().unwrap().len(), 3, "{kind}");
        assert_eq!(names.len(), 2, "{kind}: {names:?}");
        assert!(!names.iter().any(|name| name.as_str().unwrap().ends_with("ours")), "{names:?}");
    }
    assert_eq!(after["bucket"], before["bucket"], "--keep bucket");
    let deleted: Vec<String> =
        rest.asked().into_iter().filter(|request| request.starts_with("DELETE")).collect();
    let associations = "DELETE /clusters/spark/pod-identity-associations";
    let [tagged, of_a_role] = ["a-ours", "a-of-a-role"].map(|id| format!("{associations}/{id}"));
    assert_eq!(deleted, [&tagged, &of_a_role, "DELETE /workspaces/g-ours"]);
}

/// Nothing goes where nobody answers; the second run finds nothing; buckets are emptied first.
#[test]
fn it_asks_and_can_be_run_twice() {
    let account = Account::open();
    let before = account.fill();
    let keep = [
        "virtual-cluster",
        "pod-identity",
        "grafana",
        "prometheus",
        "alarm",
        "topic",
        "role",
        "log-group",
    ];
    let mut arguments: Vec<&str> = keep.iter().flat_map(|kind| ["--keep", kind]).collect();
    let nothing = StandIn::open(|_| None);

    let unanswered = cleanup(&account, &nothing, &arguments);
    assert_eq!(unanswered.status, 1, "{unanswered:?}");
    assert!(unanswered.said.contains("nothing was removed"), "{unanswered:?}");
    assert_eq!(account.show(), before);

    arguments.push("--yes");
    let first = cleanup(&account, &nothing, &arguments);
    assert_eq!(first.status, 0, "{first:?}");
    assert_eq!(account.show()["bucket"], json!(["emberscope-theirs", "emberscope-untagged"]));
    let second = cleanup(&account, &nothing, &arguments);
    assert_eq!(second.status, 0, "{second:?}");
    assert!(second.printed.contains("nothing carries the tag"), "{second:?}");
}

#[test]
fn what_cannot_be_listed_is_said_and_makes_it_fail() {
    let account = Account::open();
    let nothing = StandIn::open(|_| None);
    let mut arguments = vec!["--dry-run"];
    let keep = ["virtual-cluster", "prometheus", "role", "log-group", "bucket", "pod-identity"];
    arguments.extend(keep.iter().flat_map(|kind| ["--keep", kind]));
    let mut command = script(CLEANUP, &account.endpoint);
    command.env("AWS_ENDPOINT_URL_GRAFANA", &nothing.endpoint);
    let finished = Finished::run(command.args(arguments));
    assert_eq!(finished.status, 1, "{finished:?}");
    assert!(finished.said.contains("could not list what there is of grafana"), "{finished:?}");
    assert!(finished.printed.contains("Pod Identity are not looked for"), "{finished:?}");
}

/// `--yes` is about what is listed. Jobs that run are other people's work, and asked about by themselves.
#[test]
fn a_virtual_cluster_whose_jobs_run_stays_unless_somebody_says_otherwise() {
    let account = Account::open();
    let emr = StandIn::open(|request| match request {
        "GET /virtualclusters" => Some(json!({ "virtualClusters":
            [{ "id": "vc", "tags": { "emberscope.dev/walkthrough": "emberscope" } }] })),
        "GET /virtualclusters/vc/jobruns" => {
            Some(json!({ "jobRuns": [{ "id": "job-1" }, { "id": "job-2" }] }))
        }
        _ => None,
    });
    let mut command = script(CLEANUP, &account.endpoint);
    command.env("AWS_ENDPOINT_URL_EMR_CONTAINERS", &emr.endpoint).arg("--yes");
    let others = ["pod-identity", "grafana", "prometheus", "role", "log-group", "bucket"];
    let finished = Finished::run(command.args(others.iter().flat_map(|kind| ["--keep", kind])));
    assert_eq!(finished.status, 1, "{finished:?}");
    assert!(finished.printed.contains("still run: job-1 job-2. Cancel them?"), "{finished:?}");
    assert!(finished.said.contains("it stays, since its jobs run"), "{finished:?}");
    assert!(emr.asked().iter().all(|asked| asked.starts_with("GET")), "{:?}", emr.asked());
}

/// EMR has to get into the namespace to leave it: whoever deletes that sooner leaves a virtual
/// cluster behind for good.
#[test]
fn it_waits_until_emr_has_left_the_namespace_and_says_where_it_cannot() {
    let account = Account::open();
    for (last, status) in [("TERMINATED", 0), ("ARRESTED", 1)] {
        let states = AtomicUsize::new(0);
        let emr = StandIn::open(move |request| match request {
            "GET /virtualclusters" => Some(json!({ "virtualClusters":
                [{ "id": "vc", "tags": { "emberscope.dev/walkthrough": "emberscope" } }] })),
            "GET /virtualclusters/vc" => {
                let first = states.fetch_add(1, Ordering::Relaxed) == 0;
                let state = if first { "TERMINATING" } else { last };
                Some(json!({ "virtualCluster": { "state": state } }))
            }
            "GET /virtualclusters/vc/jobruns" => Some(json!({ "jobRuns": [{ "id": "1" }] })),
            _ => request.starts_with("DELETE ").then(|| json!({ "id": "1" })),
        });
        let mut command = script(CLEANUP, &account.endpoint);
        command.env("AWS_ENDPOINT_URL_EMR_CONTAINERS", &emr.endpoint);
        command.args(["--yes", "--cancel-jobs"]);
        let others = ["pod-identity", "grafana", "prometheus", "role", "log-group", "bucket"];
        let finished = Finished::run(command.args(others.iter().flat_map(|kind| ["--keep", kind])));
        assert_eq!(finished.status, status, "{finished:?}");
        let changes: Vec<String> =
            emr.asked().into_iter().filter(|asked| !asked.starts_with("GET")).collect();
        let expected = ["DELETE /virtualclusters/vc/jobruns/1", "DELETE /virtualclusters/vc"];
        assert_eq!(changes, expected);
        assert!(finished.printed.contains("TERMINATING, which takes some minutes"), "{finished:?}");
        assert_eq!(finished.said.contains("EMR may not leave"), status == 1, "{finished:?}");
    }
}

/// Nothing is asked of eight services where nobody is signed in, or nowhere.
#[test]
fn without_credentials_or_a_region_it_says_so_once() {
    let nobody = StandIn::open(|_| None);
    let finished = Finished::run(script(CLEANUP, &nobody.endpoint).arg("--yes"));
    assert_eq!(finished.status, 2, "{finished:?}");
    assert!(finished.said.contains("AWS does not know you (above); sign in"), "{finished:?}");
    assert_eq!(nobody.asked().len(), 1, "{:?}", nobody.asked());
    let mut without_region = script(CLEANUP, &nobody.endpoint);
    let finished = Finished::run(without_region.env_remove("AWS_DEFAULT_REGION").arg("--yes"));
    assert_eq!(finished.status, 2, "{finished:?}");
    assert!(finished.said.contains("give --region, or set AWS_REGION"), "{finished:?}");
}

#[test]
fn a_wrong_argument_is_named_with_a_remedy() {
    for (arguments, said) in [
        (
            ["--keep", "disks"].as_slice(),
            "there is no kind 'disks' to keep; the kinds are: virtual-cluster",
        ),
        (["--name"].as_slice(), "--name needs a value"),
        (["--name", "X"].as_slice(), "see its variable `name`"),
        (["--force"].as_slice(), "there is no option '--force'; --help lists them"),
    ] {
        let finished = Finished::run(script(CLEANUP, "http://127.0.0.1:1").args(arguments));
        assert_eq!(finished.status, 2, "{finished:?}");
        assert!(finished.said.contains(said), "{finished:?}");
    }
}

/// Every kind of thing that Terraform makes and that costs or grants something can be removed.
#[test]
fn it_knows_every_kind_of_thing_that_terraform_makes() {
    let text = read(CLEANUP);
    for (resource, kind) in [
        ("aws_emrcontainers_virtual_cluster", "virtual-cluster"),
        ("aws_eks_pod_identity_association", "pod-identity"),
        ("aws_grafana_workspace", "grafana"),
        ("aws_prometheus_workspace", "prometheus"),
        ("aws_cloudwatch_metric_alarm", "alarm"),
        ("aws_sns_topic", "topic"),
        ("aws_iam_role", "role"),
        ("aws_cloudwatch_log_group", "log-group"),
        ("aws_s3_bucket", "bucket"),
    ] {
        assert!(text.contains(&format!("remove_{kind}()")), "{kind}");
        assert!(terraform::resources().contains(resource), "{resource}");
    }
    // These are parts of a role, of a topic and of a workspace, and go with them.
    let parts = [
        "aws_iam_role_policy",
        "aws_sns_topic_policy",
        "aws_prometheus_workspace_configuration",
        "aws_prometheus_rule_group_namespace",
        "aws_prometheus_alert_manager_definition",
    ];
    assert_eq!(terraform::resources().len(), 9 + parts.len());
    assert!(parts.iter().all(|part| terraform::resources().contains(*part)));
}
