//! `manifests/aws/terraform`: its parts fit together, and the scripts and papers fit them. Where
//! `terraform` is installed, it looks at the files itself. Plans need a provider, which these tests
//! have not: what AWS makes of the resources is not tested here.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Block, BlockLabel, Body};
use hcl_edit::visit::{Visit, visit_traversal};
use serde_json::Value;

use crate::{read, root};

const FOLDER: &str = "manifests/aws/terraform";

/// All files as one body.
fn module() -> Body {
    let mut text = String::new();
    for file in fs::read_dir(root().join(FOLDER)).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tf") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    parse_body(&text).unwrap()
}

fn labels(block: &Block) -> Vec<&str> {
    block.labels.iter().map(BlockLabel::as_str).collect()
}

/// The labels of all blocks of a kind, joined as references name them.
fn declared(module: &Body, kind: &str) -> BTreeSet<String> {
    module.get_blocks(kind).map(|block| labels(block).join(".")).collect()
}

fn named<'a>(module: &'a Body, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Body)> {
    module.get_blocks(kind).map(|block| (labels(block)[0], &block.body))
}

fn text<'a>(body: &'a Body, key: &str) -> Option<&'a str> {
    body.get_attribute(key).and_then(|attribute| attribute.value.as_str())
}

/// The types of the resources.
pub(crate) fn resources() -> BTreeSet<String> {
    let module = module();
    module.get_blocks("resource").map(|block| labels(block)[0].to_owned()).collect()
}

/// What a module refers to: `var.region`, `local.issuer`, `data.aws_partition.this`, `aws_iam_role.job`.
#[derive(Default)]
struct References(BTreeSet<String>);

impl Visit for References {
    fn visit_traversal(&mut self, node: &Traversal) {
        if let Expression::Variable(start) = &node.expr {
            let start = start.as_str();
            let length = if start == "data" { 2 } else { 1 };
            let attributes = node.operators.iter().map_while(|operator| match operator.value() {
                TraversalOperator::GetAttr(name) => Some(name.as_str()),
                _ => None,
            });
            let path: Vec<&str> = [start].into_iter().chain(attributes.take(length)).collect();
            self.0.insert(path.join("."));
        }
        visit_traversal(self, node);
    }
}

fn references(module: &Body) -> BTreeSet<String> {
    let mut references = References::default();
    references.visit_body(module);
    references.0
}

#[test]
fn every_reference_leads_to_something_and_everything_declared_is_used() {
    let module = module();
    let prefixed = |prefix: &str, names: BTreeSet<String>| -> BTreeSet<String> {
        names.into_iter().map(|name| format!("{prefix}{name}")).collect()
    };
    let locals = module.get_blocks("locals").flat_map(|block| block.body.attributes());
    let locals = locals.map(|attribute| attribute.key.as_str().to_owned()).collect();
    let mut known = prefixed("var.", declared(&module, "variable"));
    known.extend(prefixed("local.", locals));
    known.extend(prefixed("data.", declared(&module, "data")));
    let must_be_used = known.clone();
    known.extend(declared(&module, "resource"));

    let references = references(&module);
    let ours = |name: &&String| {
        ["var.", "local.", "data.", "aws_"].iter().any(|start| name.starts_with(start))
    };
    let used: BTreeSet<String> = references.iter().filter(ours).cloned().collect();
    assert!(used.len() > 30, "{used:?}");
    let unknown: Vec<&String> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let unused: Vec<&String> = must_be_used.difference(&used).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_variable_is_described_typed_and_checked() {
    let module = module();
    for (name, body) in named(&module, "variable") {
        assert!(text(body, "description").is_some_and(|help| help.ends_with('.')), "{name}");
        let of_type = &body.get_attribute("type").unwrap_or_else(|| panic!("{name}")).value;
        // A truth value can hardly be wrong.
        let boolean = of_type.as_variable().is_some_and(|of_type| of_type.as_str() == "bool");
        assert!(boolean || body.has_blocks("validation"), "{name}");
        for validation in body.get_blocks("validation") {
            assert!(validation.body.has_attribute("condition"), "{name}");
            assert!(validation.body.has_attribute("error_message"), "{name}");
        }
    }
}

#[test]
fn the_overlays_and_scripts_get_what_they_need_from_outputs() {
    let module = module();
    let outputs = declared(&module, "output");
    for (name, body) in named(&module, "output") {
        assert!(text(body, "description").is_some_and(|help| help.ends_with('.')), "{name}");
    }
    for needed in ["amp_env", "remote_write_url", "region", "ingest_role_arn", "query_role_arn"] {
        assert!(outputs.contains(needed), "{needed}");
    }
    for script in ["manifests/samples/start-job-run.sh", "manifests/aws/grafana.sh"] {
        let named = named_after("terraform output ", script);
        assert!(named.len() >= 3, "{named:?}");
        for output in named {
            assert!(outputs.contains(output), "{script} names {output}");
        }
    }
}

/// The words that follow `before` in a file.
fn named_after(before: &str, path: &str) -> Vec<&'static str> {
    let text: &'static str = read(path).leak();
    let words = text.split(before).skip(1);
    words
        .map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap())
        .collect()
}

#[test]
fn versions_are_pinned_and_everything_carries_the_tag_that_cleanup_goes_by() {
    let module = module();
    let terraform = &module.get_blocks("terraform").next().unwrap().body;
    assert!(text(terraform, "required_version").unwrap().starts_with("~> "));
    let providers = &terraform.get_blocks("required_providers").next().unwrap().body;
    for provider in providers.attributes() {
        let provider = provider.value.to_string();
        assert!(provider.contains(r#"version = "~> "#), "{provider}");
    }
    let locals = module.get_blocks("locals").find_map(|block| block.body.get_attribute("tags"));
    let tags = locals.unwrap().value.to_string();
    // These are parts of a role, of a topic and of a workspace.
    let parts = [
        "aws_iam_role_policy",
        "aws_sns_topic_policy",
        "aws_prometheus_workspace_configuration",
        "aws_prometheus_rule_group_namespace",
        "aws_prometheus_alert_manager_definition",
    ];
    for resource in module.get_blocks("resource").filter(|block| !parts.contains(&labels(block)[0]))
    {
        let tags = resource.body.get_attribute("tags").map(|tags| tags.value.to_string());
        assert_eq!(tags.as_deref().map(str::trim), Some("local.tags"), "{:?}", labels(resource));
    }
    let cleanup = read("manifests/aws/cleanup.sh");
    let (_, tag) = cleanup.split_once("readonly tag=").unwrap();
    let tag = tag.lines().next().unwrap();
    assert!(tags.contains(&format!(r#""{tag}" = var.name"#)), "{tag}: {tags}");
}

/// A provider block would tie it to one region and one account, and keep it from being called twice.
#[test]
fn it_is_a_module_and_the_example_calls_it_twice() {
    let module = module();
    assert_eq!(module.get_blocks("provider").count(), 0);
    let example = read(&format!("{FOLDER}/examples/two-clusters/main.tf"));
    let example = parse_body(&example).unwrap();
    assert_eq!(example.get_blocks("provider").count(), 1);
    let variables = declared(&module, "variable");
    let required: Vec<&str> = named(&module, "variable")
        .filter(|(_, body)| !body.has_attribute("default"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(required, ["cluster_name"]);
    let mut names = BTreeSet::new();
    for call in example.get_blocks("module") {
        assert_eq!(text(&call.body, "source"), Some("../.."));
        names.insert(text(&call.body, "name").unwrap());
        let given: Vec<&str> = call.body.attributes().map(|given| given.key.as_str()).collect();
        assert!(required.iter().all(|name| given.contains(name)), "{given:?}");
        for name in given.into_iter().filter(|name| *name != "source") {
            assert!(variables.contains(name), "the module has no variable {name}");
        }
    }
    assert_eq!(names.len(), 2, "two calls of one name are in each other's way");
}

/// Terraform's default and the kustomization name the same namespaces, and those are labelled.
#[test]
fn the_virtual_clusters_lie_on_the_labelled_namespaces() {
    let module = module();
    let (_, variable) = named(&module, "variable").find(|(name, _)| *name == "namespaces").unwrap();
    let default = variable.get_attribute("default").unwrap().value.as_array().unwrap();
    let expected: Vec<&str> = default.iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(expected, ["emr-data-team-a", "emr-data-team-b"]);
    let yaml = read("manifests/aws/namespaces/namespaces.yaml");
    let namespaces: Vec<Value> = serde_saphyr::from_multiple(&yaml).unwrap();
    let names: Vec<&Value> = namespaces.iter().map(|object| &object["metadata"]["name"]).collect();
    assert_eq!(names, expected);
    for namespace in &namespaces {
        assert_eq!(namespace["kind"], "Namespace");
        assert_eq!(namespace["metadata"]["labels"]["emberscope.dev/inject"], "enabled");
    }
}

#[test]
fn the_readme_lists_every_variable_and_output_as_it_is_described() {
    let module = module();
    let readme = read(&format!("{FOLDER}/README.md"));
    let mut rows = 0;
    for kind in ["variable", "output"] {
        for (name, body) in named(&module, kind) {
            let row = format!("| `{name}` | {} |", text(body, "description").unwrap());
            assert!(readme.contains(&row), "{FOLDER}/README.md lacks this row:\n{row}");
            rows += 1;
        }
    }
    let listed = readme.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(listed, rows, "{FOLDER}/README.md lists something that is not there");
}

/// Terraform fills in exactly what the definition leaves open, and makes a topic for each receiver.
#[test]
fn the_alert_manager_gets_a_topic_for_each_receiver_that_it_names() {
    let alerts = read(&format!("{FOLDER}/alerts.tf"));
    let (_, names) = alerts.split_once("toset(var.alerts ? [").unwrap();
    let (names, _) = names.split_once(']').unwrap();
    let mut names: Vec<_> =
        names.split(", ").map(|name| name.trim_matches('"').to_owned()).collect();
    let definition = read("manifests/aws/alert-manager.yaml");
    let (_, config) = definition.split_once("alertmanager_config: |").unwrap();
    let open: BTreeSet<_> =
        config.split("${").skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
    names.push("region".to_owned());
    assert_eq!(open, names.into_iter().collect::<BTreeSet<_>>());
    for file in ["rules.yaml", "alert-manager.yaml"] {
        assert!(alerts.contains(&format!("${{path.module}}/../{file}")), "{file}");
        // Nothing else in them is Terraform's.
        let text = read(&format!("manifests/aws/{file}"));
        assert!(!text.contains("%{") || file == "rules.yaml", "{file}");
    }
}

/// The walkthrough puts the output in the file's place.
#[test]
fn the_output_for_the_overlay_has_the_keys_of_its_file() {
    let outputs = read(&format!("{FOLDER}/outputs.tf"));
    let (_, text) = outputs.split_once("<<-ENV\n").unwrap();
    let (text, _) = text.split_once("ENV\n").unwrap();
    let keys = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| line.trim().split_once('=').unwrap().0.to_owned()).collect()
    };
    assert_eq!(keys(text), keys(&read("manifests/overlays/amp/amp.env")));
}

/// Where Terraform has the provider (`terraform init` was run here, or the CLI's configuration
/// overrides it), it checks every argument, block and attribute against the provider's schema.
#[test]
fn terraform_finds_its_files_valid_if_it_has_the_provider() {
    let terraform = Command::new("terraform")
        .args(["validate", "-no-color"])
        .current_dir(root().join(FOLDER))
        .output();
    let Ok(finished) = terraform else {
        println!("terraform is not installed: the files were not validated");
        return;
    };
    let said = String::from_utf8_lossy(&finished.stderr);
    if ["Missing required provider", "terraform init"].iter().any(|hint| said.contains(hint)) {
        println!("the provider is not here: the files were not validated");
        return;
    }
    assert!(finished.status.success(), "{said}");
}

/// The formatter is Terraform's own; a machine without it leaves this to one that has it.
#[test]
fn terraform_finds_its_files_formatted_if_it_is_here() {
    let terraform = Command::new("terraform")
        .args(["fmt", "-check", "-diff"])
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .current_dir(root().join(FOLDER))
        .output();
    let Ok(finished) = terraform else {
        println!("terraform is not installed: the format was not looked at");
        return;
    };
    assert!(finished.status.success(), "{}", String::from_utf8_lossy(&finished.stdout));
}
