//! `manifests/aws/rules.yaml` and `alert-manager.yaml`: the same rules as one namespace of Amazon Managed
//! Prometheus, and the same routes for its alert manager. Written from the plain files, never by hand.

use std::fmt::Write as _;
use std::{env, fs};

use emberscope_tests::rules::{FILES, FOLDER};
use serde_json::{Value, json};

use super::operator::groups;
use super::{output, promtool, read, root};

const RULES: &str = "manifests/aws/rules.yaml";
const ALERT_MANAGER: &str = "manifests/aws/alert-manager.yaml";
const ROUTES: &str = "manifests/monitoring/alertmanager/alertmanager.yml";

const RULES_HEAD: &str = "\
# Written from manifests/monitoring/rules by `make golden`; do not edit. One namespace of rules for Amazon Managed
# Prometheus, what is recorded before what asks for it:
#
#   aws amp create-rule-groups-namespace --workspace-id WORKSPACE --name emberscope \\
#     --data fileb://manifests/aws/rules.yaml
#
# (put-rule-groups-namespace from the second time on.) Rules are evaluated there or by a Prometheus in the cluster,
# never by both: what both record has the same labels, and each alert comes twice.
groups:
";

const ALERT_MANAGER_HEAD: &str = "\
# Written from manifests/monitoring/alertmanager by `make golden`; do not edit. The definition of the alert manager of
# Amazon Managed Prometheus, which sends to SNS. Terraform (manifests/aws/terraform, `alerts`) fills the topics in; so
# does `envsubst` with the variables region, page, tickets, tuning and heartbeat:
#
#   envsubst < manifests/aws/alert-manager.yaml > definition.yaml
#   aws amp create-alert-manager-definition --workspace-id WORKSPACE --data fileb://definition.yaml
alertmanager_config: |
";

/// The routes and inhibitions word for word, and receivers with a topic each.
fn definition() -> String {
    let plain = read(ROUTES);
    let from = plain.find("\nroute:\n").unwrap() + 1;
    let (kept, _) = plain[from..].split_once("# No receiver sends anything yet").unwrap();
    let mut text = kept.trim_end().to_owned() + "\n\nreceivers:\n";
    let routes: Value = serde_saphyr::from_str(&plain).unwrap();
    for receiver in routes["receivers"].as_array().unwrap() {
        let name = receiver["name"].as_str().unwrap();
        write!(
            text,
            "  - name: {name}\n    sns_configs:\n      - topic_arn: ${{{name}}}\n        \
             send_resolved: true\n        sigv4:\n          region: ${{region}}\n        \
             subject: Emberscope, {name}\n"
        )
        .unwrap();
    }
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("  {line}\n"),
    });
    ALERT_MANAGER_HEAD.to_owned() + &lines.collect::<String>()
}

fn check(path: &str, fresh: &str) {
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(path), fresh).unwrap();
    }
    assert!(read(path) == fresh, "{path} is not what the files say; `make golden` writes it");
}

#[test]
fn the_managed_namespace_has_all_groups_in_their_order_and_prometheus_takes_it() {
    check(RULES, &(RULES_HEAD.to_owned() + &groups("")));
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", RULES]);
    let shipped: Value = serde_saphyr::from_str(&read(RULES)).unwrap();
    let groups: Vec<Value> = FILES
        .iter()
        .flat_map(|file| {
            let plain: Value = serde_saphyr::from_str(&read(&format!("{FOLDER}/{file}"))).unwrap();
            plain["groups"].as_array().unwrap().clone()
        })
        .collect();
    assert_eq!(shipped, json!({ "groups": groups }));
    // The quota of a definition is a megabyte.
    assert!(read(RULES).len() < 1 << 20);
}

#[test]
fn the_managed_alert_manager_has_the_same_routes_and_a_topic_for_each_receiver() {
    check(ALERT_MANAGER, &definition());
    let filled = ["page", "tickets", "tuning", "heartbeat"].iter().fold(
        read(ALERT_MANAGER).replace("${region}", "eu-west-1"),
        |text, name| {
            text.replace(&format!("${{{name}}}"), &format!("arn:aws:sns:eu-west-1:1:e-{name}"))
        },
    );
    assert!(!filled.contains("${"), "{filled}");
    let definition: Value = serde_saphyr::from_str(&filled).unwrap();
    let config = definition["alertmanager_config"].as_str().unwrap();
    let parsed: Value = serde_saphyr::from_str(config).unwrap();
    let shipped: Value = serde_saphyr::from_str(&read(ROUTES)).unwrap();
    for part in ["route", "inhibit_rules"] {
        assert_eq!(parsed[part], shipped[part], "{part}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alertmanager.yml");
    fs::write(&path, config).unwrap();
    output(std::path::Path::new("amtool"), &["check-config", path.to_str().unwrap()]);
}
