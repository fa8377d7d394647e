//! `docs/metrics.md`: every metric, from the tables that the programs themselves write with.

use std::collections::BTreeSet;

use emberscope_core::config::{SidecarConfig, TAKEN};
use emberscope_serve::Metrics;
use emberscope_sidecar::args::{Args, Role};
use emberscope_sidecar::exposition::Page;
use emberscope_sidecar::self_metrics;
use emberscope_sidecar::sources::spark::catalog::metrics;
use emberscope_sidecar::sources::{cgroup, processes, spark};
use emberscope_sidecar::{container_exit, node, served};

use crate::generated::{check, table};

#[test]
fn the_page_about_metrics_lists_what_the_programs_can_serve() {
    check(
        "docs/metrics.md",
        &[
            ("driver", catalog(Role::Driver)),
            ("executors", families(&spark::executors_page::documented())),
            ("status api", families(&spark::status_api::documented())),
            ("executor push", catalog(Role::Executor)),
            ("container", families(&cgroup::documented())),
            ("last state", families(&container_exit::documented())),
            ("processes", families(&processes::documented())),
            ("node", families(&node::documented())),
            ("sidecar", itself()),
            ("webhook", webhook()),
        ],
    );
}

/// One of these as a pod's label would be a label twice, or hide the scrape target's.
#[test]
fn no_metric_label_can_be_called_like_one_of_the_sidecars() {
    let targets = ["cluster", "endpoint", "instance", "job", "namespace", "node", "pod", "service"];
    let expected = served::label_names().into_iter().chain(targets.map(str::to_owned));
    let expected: BTreeSet<String> = expected.collect();
    assert_eq!(TAKEN.map(str::to_owned).into_iter().collect::<BTreeSet<_>>(), expected);
}

/// The webhook tells a sidecar nothing that it does unasked.
#[test]
fn the_two_programs_agree_on_what_is_served_unasked() {
    let line = ["emberscope-sidecar", "--role=driver"].map(std::ffi::OsString::from);
    let (sidecar, left_out) = Args::understood(line);
    assert!(left_out.is_empty());
    let webhook = SidecarConfig::default();
    assert_eq!(webhook.arguments(), Vec::<String>::new());
    assert_eq!(sidecar.max_series, *webhook.max_series);
    assert_eq!(sidecar.pss_interval_seconds, *webhook.pss_interval_seconds);
    let words = [format!("{:?}", sidecar.profile), format!("{:?}", sidecar.compat)];
    assert_eq!(
        words.map(|word| word.to_lowercase()),
        [webhook.profile.as_str(), webhook.compat.as_str()]
    );
}

/// What the catalog has of one of Spark's processes.
fn catalog(of: Role) -> String {
    let of_role = metrics().filter(|metric| metric.of.contains(&of) && !metric.older_name);
    let rows = of_role.map(|metric| {
        let label = metric.label.map(|label| format!("`{}`", label.name())).unwrap_or_default();
        let name = format!("`{}`", metric.name(of));
        [
            name,
            metric.kind.as_str().to_owned(),
            label,
            metric.since.to_owned(),
            escaped(metric.help),
        ]
    });
    table(["name", "type", "label", "Spark", "what it is"], rows)
}

fn families(page: &Page) -> String {
    let rows = page.families().iter().map(|family| {
        [format!("`{}`", family.name), family.kind.as_str().to_owned(), escaped(&family.help)]
    });
    table(["name", "type", "what it is"], rows)
}

fn itself() -> String {
    let rows = self_metrics::TABLE.iter().map(|metric| {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let name = format!("`{}`", metric.name);
        [name, metric.kind.as_str().to_owned(), labels.join(", "), escaped(metric.help)]
    });
    table(["name", "type", "labels", "what it is"], rows)
}

/// What the webhook has registered.
fn webhook() -> String {
    let described = Metrics::new().unwrap().described();
    let rows = described.into_iter().map(|(name, help)| [format!("`{name}`"), escaped(&help)]);
    table(["name", "what it is"], rows)
}

/// Text for a cell: Markdown would take `<pid>` for a tag.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('|', "\\|")
}
