//! `manifests/aws/rules.yaml` as a namespace of a workspace, by the AWS CLI; moto stands in for the service, and takes
//! any text: that these are rules, promtool has said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::account::Account;
use crate::read;
use crate::script::{Finished, program, with_environment};

fn aws(account: &Account, arguments: &[&str]) -> Value {
    let mut command = std::process::Command::new(program("aws"));
    with_environment(&mut command, &account.endpoint)
        .current_dir(crate::root())
        .args(arguments)
        .args(["--output", "json"]);
    let finished = Finished::run(&mut command);
    assert_eq!(finished.status, 0, "{finished:?}");
    serde_json::from_str(&finished.printed).unwrap_or_default()
}

#[test]
fn the_rules_are_one_namespace_of_the_workspace_and_can_be_put_again() {
    let account = Account::open();
    let workspace = aws(&account, &["amp", "create-workspace", "--alias", "emberscope"]);
    let workspace = workspace["workspaceId"].as_str().unwrap();
    // As the file's own head says.
    for verb in ["create-rule-groups-namespace", "put-rule-groups-namespace"] {
        assert!(read("manifests/aws/rules.yaml").contains(verb), "{verb}");
        let data = "fileb://manifests/aws/rules.yaml";
        let arguments = ["--workspace-id", workspace, "--name", "emberscope", "--data", data];
        aws(&account, &[&["amp", verb][..], &arguments[..]].concat());
        let of = ["--workspace-id", workspace, "--name", "emberscope"];
        let there =
            aws(&account, &[&["amp", "describe-rule-groups-namespace"][..], &of[..]].concat());
        let data = there["ruleGroupsNamespace"]["data"].as_str().unwrap();
        let data = String::from_utf8(STANDARD.decode(data).unwrap()).unwrap();
        assert_eq!(data, read("manifests/aws/rules.yaml"));
    }
}
