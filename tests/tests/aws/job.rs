//! `manifests/samples/start-job-run.sh`.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::account::Account;
use crate::script::{Finished, program, script, with_environment};
use crate::stand_in::StandIn;
use crate::{read, root};

const START: &str = "manifests/samples/start-job-run.sh";
const ROLE: &str = "arn:aws:iam::111122223333:role/emberscope-emr-data-team-a";

/// What stands in a request or a script only if somebody sets metrics up by hand.
const OF_METRICS: [&str; 8] = [
    "spark.metrics",
    "prometheus",
    "appStatusSource",
    "processTree",
    "metricsEnabled",
    "javaagent",
    "annotation",
    "emberscope",
];

fn says_nothing_about_metrics(text: &str) {
    for word in OF_METRICS {
        assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{word}: {text}");
    }
}

#[test]
fn the_request_says_nothing_about_metrics() {
    let text = read("manifests/samples/start-job-run.json");
    says_nothing_about_metrics(&text);
    let request: Value = serde_json::from_str(&text).unwrap();
    let driver = &request["jobDriver"]["sparkSubmitJobDriver"];
    assert!(driver["sparkSubmitParameters"].as_str().unwrap().contains("--class"));
}

#[test]
fn it_submits_the_job_to_the_virtual_cluster_of_a_namespace_and_reports_how_it_ended() {
    let account = Account::open();
    let filled = account.fill();
    let arguments =
        ["--namespace", "ours", "--execution-role-arn", ROLE, "--log-group", "/emberscope/ours"];

    let submitted =
        Finished::run(script(START, &account.endpoint).args(arguments).arg("--no-wait"));
    assert_eq!(submitted.status, 0, "{submitted:?}");
    let shown = account.show();
    let run = &shown["runs"][0];
    assert_eq!(shown["runs"].as_array().unwrap().len(), 1);
    assert_eq!(run["virtualClusterId"], filled["clusters"]["ours"]);
    assert_eq!(run["executionRoleArn"], ROLE);
    assert_eq!(run["releaseLabel"], "emr-7.9.0-latest");
    let request: Value =
        serde_json::from_str(&read("manifests/samples/start-job-run.json")).unwrap();
    assert_eq!(run["jobDriver"], request["jobDriver"]);
    says_nothing_about_metrics(&run["jobDriver"].to_string());
    let monitoring = &run["configurationOverrides"]["monitoringConfiguration"];
    assert_eq!(monitoring["cloudWatchMonitoringConfiguration"]["logGroupName"], "/emberscope/ours");
    assert!(run["configurationOverrides"]["applicationConfiguration"].is_null(), "{run}");

    // Moto's jobs run until somebody cancels them.
    let patient = Finished::run(script(START, &account.endpoint).args(arguments).args([
        "--poll-seconds",
        "0",
        "--timeout-seconds",
        "0",
    ]));
    assert_eq!(patient.status, 4, "{patient:?}");
    assert!(patient.said.contains("is still RUNNING after 0 s"), "{patient:?}");
    assert!(patient.printed.contains("RUNNING"), "{patient:?}");
}

/// States in turn, as EMR gives them.
fn emr(states: &'static [&'static str]) -> StandIn {
    let next = AtomicUsize::new(0);
    StandIn::open(move |request| {
        if request.starts_with("POST ") {
            return Some(json!({ "id": "000000031abcdefghij", "virtualClusterId": "vc" }));
        }
        let state = states[next.fetch_add(1, Ordering::Relaxed).min(states.len() - 1)];
        let reason = "USER_ERROR";
        Some(
            json!({ "jobRun": { "state": state, "failureReason": reason, "stateDetails": "exit code 13" } }),
        )
    })
}

fn waits(states: &'static [&'static str]) -> Finished {
    let emr = emr(states);
    let arguments =
        ["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE, "--poll-seconds", "0"];
    Finished::run(script(START, &emr.endpoint).args(arguments))
}

#[test]
fn it_shows_each_state_once_and_ends_well_with_the_job() {
    let finished = waits(&["SUBMITTED", "RUNNING", "RUNNING", "COMPLETED"]);
    assert_eq!(finished.status, 0, "{finished:?}");
    for state in ["SUBMITTED", "RUNNING", "COMPLETED"] {
        assert_eq!(finished.printed.matches(state).count(), 1, "{finished:?}");
    }
}

#[test]
fn it_fails_with_the_job_and_says_why_and_where_its_logs_are() {
    let emr = emr(&["FAILED"]);
    let arguments = ["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE];
    let finished =
        Finished::run(script(START, &emr.endpoint).args(arguments).args(["--log-group", "/jobs"]));
    assert_eq!(finished.status, 1, "{finished:?}");
    assert!(finished.said.contains("ended as FAILED: USER_ERROR exit code 13"), "{finished:?}");
    let logs = "--log-group-name /jobs --log-stream-name-prefix spark/vc/jobs/000000031abcdefghij ";
    assert!(finished.said.contains(logs), "{finished:?}");
}

/// As Ctrl-C does; the job is EMR's by then.
#[test]
fn an_interruption_while_it_waits_says_that_the_job_goes_on_and_how_to_end_it() {
    let emr = emr(&["RUNNING"]);
    let arguments =
        ["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE, "--poll-seconds", "0"];
    let mut command = script(START, &emr.endpoint);
    command.args(arguments).stdout(std::process::Stdio::piped());
    let waiting = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let describe = "GET /virtualclusters/vc/jobruns/000000031abcdefghij";
    while !emr.asked().iter().any(|asked| asked == describe) {
        thread::sleep(Duration::from_millis(20));
    }
    // Not the signal of Ctrl-C, which has the same handler: tests that run in the background of a shell
    // inherit that it is ignored, and a shell cannot take that back.
    let kill = Command::new("kill").args(["-TERM", &waiting.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let finished = Finished::of(waiting.wait_with_output().unwrap());
    assert_eq!(finished.status, 130, "{finished:?}");
    assert!(finished.said.contains("000000031abcdefghij goes on"), "{finished:?}");
    assert!(finished.said.contains("cancel-job-run --virtual-cluster-id vc --id "), "{finished:?}");
}

#[test]
fn a_virtual_cluster_on_a_later_page_is_found() {
    let page = AtomicUsize::new(0);
    let cluster = |id: &str, namespace: &str| {
        json!({ "id": id, "containerProvider":
            { "type": "EKS", "id": "spark", "info": { "eksInfo": { "namespace": namespace } } } })
    };
    let emr = StandIn::open(move |request| match request {
        "GET /virtualclusters" if page.fetch_add(1, Ordering::Relaxed) == 0 => {
            Some(json!({ "virtualClusters": [cluster("other", "b")], "nextToken": "more" }))
        }
        "GET /virtualclusters" => Some(json!({ "virtualClusters": [cluster("vc", "a")] })),
        "POST /virtualclusters/vc/jobruns" => Some(json!({ "id": "1", "virtualClusterId": "vc" })),
        _ => None,
    });
    let arguments = ["--namespace", "a", "--execution-role-arn", ROLE, "--no-wait"];
    let finished = Finished::run(script(START, &emr.endpoint).args(arguments));
    assert_eq!(finished.status, 0, "{finished:?}");
}

/// The AWS CLI would take `--log-group`'s overrides in place of the request's.
#[test]
fn a_log_group_never_takes_the_place_of_what_a_request_configures() {
    let folder = tempfile::tempdir().unwrap();
    let mut request: Value =
        serde_json::from_str(&read("manifests/samples/start-job-run.json")).unwrap();
    request["configurationOverrides"] = json!({ "applicationConfiguration":
        [{ "classification": "spark-defaults", "properties": { "spark.sql.shuffle.partitions": "7" } }] });
    let file = folder.path().join("my job.json");
    fs::write(&file, request.to_string()).unwrap();
    let emr = emr(&["COMPLETED"]);
    let job = ["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE, "--job"];
    let mut command = script(START, &emr.endpoint);
    let refused = Finished::run(command.args(job).arg(&file).args(["--log-group", "/jobs"]));
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.said.contains("cloudWatchMonitoringConfiguration"), "{refused:?}");
    assert!(emr.asked().is_empty());

    let finished = Finished::run(script(START, &emr.endpoint).args(job).arg(&file));
    assert_eq!(finished.status, 0, "{finished:?}");
    let sent = &emr.sent("POST /virtualclusters/vc/jobruns")[0];
    assert_eq!(sent["configurationOverrides"], request["configurationOverrides"]);
}

#[test]
fn what_aws_says_about_a_refusal_is_shown_with_a_remedy() {
    let nothing = StandIn::open(|_| None);
    let arguments = ["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE];
    let finished = Finished::run(script(START, &nothing.endpoint).args(arguments));
    assert_eq!(finished.status, 3, "{finished:?}");
    for said in
        ["there is no such thing", "AWS refused `aws emr-containers start-job-run`", "check that"]
    {
        assert!(finished.said.contains(said), "{said}: {finished:?}");
    }
}

#[test]
fn what_is_missing_is_named_with_its_remedy_before_aws_is_asked() {
    let nothing = StandIn::open(|_| None);
    for (arguments, said) in [
        (["--virtual-cluster-id", "vc"].as_slice(), "terraform output job_role_arns"),
        (["--execution-role-arn", ROLE].as_slice(), "terraform output virtual_cluster_ids"),
        (["--execution-role-arn"].as_slice(), "needs a value"),
        (["--job", "/none.json"].as_slice(), "there is no file /none.json"),
        (["--job", "/tmp"].as_slice(), "there is no file /tmp"),
        (
            ["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE, "--log-group", "my group"]
                .as_slice(),
            "'my group' is no name of a log group",
        ),
        (["--fast"].as_slice(), "there is no option '--fast'"),
        (
            ["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE, "--release-label", "7.9"]
                .as_slice(),
            "they look like emr-7.9.0-latest",
        ),
    ] {
        let finished = Finished::run(script(START, &nothing.endpoint).args(arguments));
        assert_eq!(finished.status, 2, "{finished:?}");
        assert!(finished.said.contains(said), "{said}: {finished:?}");
    }
    let mut without_region = script(START, &nothing.endpoint);
    let finished = Finished::run(without_region.env_remove("AWS_DEFAULT_REGION"));
    assert_eq!(finished.status, 2, "{finished:?}");
    assert!(finished.said.contains("give --region, or set AWS_REGION"), "{finished:?}");
    assert!(nothing.asked().is_empty(), "{:?}", nothing.asked());
}

/// The AWS CLI's own model of the call knows every field of the request.
#[test]
fn the_aws_cli_knows_every_field_of_the_request() {
    let emr = emr(&["COMPLETED"]);
    let mut aws = std::process::Command::new(program("aws"));
    let request = root().join("manifests/samples/start-job-run.json");
    with_environment(&mut aws, &emr.endpoint).args(["emr-containers", "start-job-run"]);
    aws.args(["--virtual-cluster-id", "vc", "--execution-role-arn", ROLE]);
    aws.arg("--cli-input-json").arg(format!("file://{}", request.display()));
    let finished = Finished::run(&mut aws);
    assert_eq!(finished.status, 0, "{finished:?}");
}
