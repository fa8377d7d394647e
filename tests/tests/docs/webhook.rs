//! `docs/webhook.md`: annotations, reasons, configuration, flags.

use std::fs;

use emberscope::explain;
use emberscope::policy;
use emberscope_core::AllSettings;
use emberscope_core::Config;
use emberscope_core::config::DEFAULT_YAML;
use emberscope_core::contract::PREFIX;
use emberscope_core::plan::overrides::ANNOTATIONS;
use emberscope_core::{PARTIALS, SKIPS};
use serde_json::Value;

use crate::generated::{check, fenced, root, table};

#[test]
fn the_page_about_the_webhook_says_what_the_code_says() {
    let annotations = ANNOTATIONS.iter().map(|annotation| {
        let name = format!("`{PREFIX}{}`", annotation.name);
        [name, annotation.value.to_owned(), annotation.help.to_owned()]
    });
    let skips = SKIPS.iter().map(|skip| [format!("`{}`", skip.code()), skip.sentence().to_owned()]);
    let partials = PARTIALS
        .iter()
        .map(|partial| [format!("`{}`", partial.code()), partial.sentence().to_owned()]);
    let help: Vec<String> = ["serve", "inject", "explain", "policy"]
        .map(|verb| fenced("text", &emberscope::cli::help(verb)))
        .into();
    check(
        "docs/webhook.md",
        &[
            ("annotations", table(["annotation", "value", "what it does"], annotations)),
            ("skips", table(["code", "what it means"], skips)),
            ("partials", table(["code", "what it means"], partials)),
            ("explanation", fenced("text", &explanation())),
            ("configuration", fenced("yaml", DEFAULT_YAML)),
            ("command line", help.join("\n")),
        ],
    );
}

fn explanation() -> String {
    let sample = fs::read_to_string(root().join("manifests/samples/emr-driver.yaml")).unwrap();
    let pod: Value = serde_saphyr::from_str(&sample).unwrap();
    let settings = AllSettings::offline(Config::default());
    let explained = explain::explain(&pod, "emr-data-team-a", &settings).unwrap();
    format!("$ emberscope explain -f manifests/samples/emr-driver.yaml\n{explained}")
}

#[test]
fn the_page_about_the_policy_shows_what_is_printed() {
    let settings = AllSettings::offline(Config::default());
    let yaml = policy::documents(&settings).unwrap();
    let (_, index) = yaml.split_once("    - name: index\n").unwrap();
    let (index, _) = index.split_once("    - name: spark\n").unwrap();
    let shown = fenced("yaml", &format!("    - name: index\n{index}"));
    check("docs/policy.md", &[("variable", shown)]);
}
