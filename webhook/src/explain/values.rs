//! What a pod's sidecar, and a driver, gets: each value of the plan with its origin.

use std::fmt::Display;

use emberscope_core::contract::SUBMIT_OPTS;
use emberscope_core::origin::{Origin, Sourced};
use emberscope_core::plan::resources::{Fitted, Qos};
use emberscope_core::plan::sidecar::{Sidecar, TO_END};
use emberscope_core::plan::submit_opts;
use emberscope_core::pod::PodSpec;
use emberscope_core::{Plan, Pod, Quantity, Settings};
use serde::Serialize;

/// One value.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// The value; empty for none.
    pub value: String,
    /// Where it comes from.
    pub from: Origin,
    /// What else has a say in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Everything that the plan adds, and why it is what it is.
pub(super) fn rows(pod: &Pod<'_>, plan: &Plan, settings: &Settings) -> Vec<Row> {
    let containers = pod.spec.as_ref().map(PodSpec::containers).unwrap_or_default();
    let spark = &containers[*plan.spark_container];
    let mut rows = vec![row("Spark's container", &plan.spark_container.map(|_| &*spark.name))];
    rows.extend(sidecar(&plan.sidecar));
    rows.extend(resources(&plan.sidecar));
    rows.extend(user(&plan.sidecar, settings));
    if plan.submit_opts.is_some() {
        rows.extend(settings.spark_confs.iter().map(|(key, value)| {
            let theirs = submit_opts::has_its_own(spark, key);
            let note = theirs.then(|| format!("the pod's own {SUBMIT_OPTS} has it too, and wins"));
            Row { note, ..row(key, value) }
        }));
    }
    rows
}

fn row(name: &str, value: &Sourced<impl Display>) -> Row {
    let Sourced { value, origin } = value;
    Row { name: name.to_owned(), value: value.to_string(), from: origin.clone(), note: None }
}

fn sidecar(sidecar: &Sidecar) -> Vec<Row> {
    let capped = |grace| format!("at most the pod's grace period of {grace} s less {TO_END} s");
    let config = &sidecar.config;
    let mut rows = vec![
        row("image", &config.image),
        row("image pull policy", &config.image_pull_policy.map(|policy| policy.as_str())),
        row("port", &config.port.map(|port| port.get())),
        Row {
            note: sidecar.linger.capped_by.map(capped),
            ..row("linger seconds", &sidecar.linger.seconds)
        },
        row("scrapers", &config.scrapers),
        row("log level", &config.log_level.map(|level| level.as_str())),
        row("profile", &config.profile.map(|profile| profile.as_str())),
        row("compat", &config.compat.map(|compat| compat.as_str())),
        row("max series", &config.max_series),
        row("pss interval seconds", &config.pss_interval_seconds),
        row("share processes", &config.share_process_namespace.map(|shared| shared.as_str())),
        row("scrape annotations", &config.scrape_annotations.map(|wanted| wanted.as_str())),
    ];
    rows.extend(sidecar.metric_labels.iter().map(|label| {
        let value = label.key.map(|_| label.value.as_deref().unwrap_or_default());
        let missing = || format!("the pod has no label {}", *label.key);
        Row {
            note: label.value.is_none().then(missing),
            ..row(&format!("metric label {}", label.name), &value)
        }
    }));
    rows
}

fn resources(sidecar: &Sidecar) -> Vec<Row> {
    let allowance = &sidecar.allowance;
    let fitted = match allowance.fitted {
        Fitted::Budget => Some("the pod has a budget as a whole, which rules"),
        Fitted::Class(Qos::Guaranteed) => {
            Some("limits equal requests, so that the pod stays Guaranteed")
        }
        Fitted::Class(Qos::BestEffort) => Some("none, so that the pod stays BestEffort"),
        Fitted::Class(Qos::Burstable) => None,
    };
    let unchanged = "so that the pod asks for no more than without";
    let none = fitted.unwrap_or("none: not every container of the pod has one");
    let amount = |name: &str, amount: &Option<Sourced<Quantity>>| {
        amount.as_ref().map_or_else(
            || row(name, &Sourced { value: "", origin: Origin::Pod(none) }),
            |amount| {
                let why = fitted.or(amount.is_zero().then_some(unchanged));
                Row { note: why.map(str::to_owned), ..row(name, amount) }
            },
        )
    };
    vec![
        amount("CPU request", &allowance.cpu.request),
        amount("CPU limit", &allowance.cpu.limit),
        amount("memory request", &allowance.memory.request),
        amount("memory limit", &allowance.memory.limit),
    ]
}

fn user(sidecar: &Sidecar, settings: &Settings) -> [Row; 2] {
    let user = &sidecar.user;
    let rule = user.rule.and_then(|index| {
        let label = settings.config.users[index].label.as_ref()?;
        Some(format!("users[{index}], by the pod's label {label}"))
    });
    let id = |name: &str, id: &Sourced<Option<i64>>| {
        // The rules are not what says what the pod says.
        let note = rule.clone().filter(|_| !matches!(id.origin, Origin::Pod(_)));
        let text = id.map(|id| id.map(|id| id.to_string()).unwrap_or_default());
        Row { note, ..row(name, &text) }
    };
    [id("uid", &user.uid), id("gid", &user.gid)]
}
