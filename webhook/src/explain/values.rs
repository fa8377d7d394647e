//! What a pod's sidecar, and a driver, gets: each value with its origin.

use serde::Serialize;

use super::origin::{Layers, Origin};
use crate::config::Sidecar;
use crate::decide::{Plan, Role};
use crate::overrides;
use crate::pod::{Container, Pod, Spec};
use crate::quantity::Quantity;
use crate::resources::{self, Qos};
use crate::settings::{AllSettings, Settings};
use crate::submit_opts;

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
pub(super) fn rows(pod: &Pod<'_>, plan: &Plan, all: &AllSettings, own: &Settings) -> Vec<Row> {
    let layers = Layers::of(all, own);
    let Some(spec) = &pod.spec else {
        return Vec::new();
    };
    let mut rows = sidecar(pod, spec, plan, own, &layers);
    rows.extend(resources_of(pod, spec, plan, &layers));
    rows.extend(user(pod, spec, plan, own, &layers));
    if plan.role == Role::Driver {
        rows.extend(spark_confs(spec, plan, own, &layers));
    }
    rows
}

fn row(name: &str, value: impl Into<String>, from: Origin) -> Row {
    Row { name: name.to_owned(), value: value.into(), from, note: None }
}

/// The origin of a value that an annotation may set: the annotation, if it counted.
fn origin<T: PartialEq>(
    pod: &Pod<'_>,
    annotation: &'static str,
    layers: &Layers<'_>,
    value: impl Fn(&Sidecar) -> T,
) -> Origin {
    let key = format!("{}{annotation}", overrides::PREFIX);
    // One that was ignored is named among what is missing.
    let ignored = overrides::read(pod, layers.config()).ignored;
    let ignored = ignored.iter().any(|text| text.starts_with(&format!("{key}:")));
    if pod.annotation(&key).is_some() && !ignored {
        return Origin::Annotation(annotation);
    }
    layers.origin(|settings| value(&settings.config.sidecar))
}

fn sidecar(
    pod: &Pod<'_>,
    spec: &Spec<'_>,
    plan: &Plan,
    own: &Settings,
    layers: &Layers<'_>,
) -> Vec<Row> {
    let wanted = overrides::read(pod, &own.config).sidecar;
    let argument = |name: &str| {
        let prefix = format!("--{name}=");
        let found = plan.sidecar.args.iter().find_map(|argument| argument.strip_prefix(&prefix));
        found.unwrap_or_default().to_owned()
    };
    let linger = argument("linger-seconds");
    let clamped = linger != wanted.linger_seconds.to_string();
    let grace = spec.termination_grace_period_seconds.unwrap_or(30);
    let spark = &*spec.containers()[plan.spark_container].name;
    let known = plan.role.container_names().contains(&spark);
    let by = if known { "its name" } else { "the pod's only container" };
    let mut rows = vec![
        row("Spark's container", spark, Origin::Pod(by.to_owned())),
        row("image", plan.sidecar.image.clone(), origin(pod, "image", layers, |s| s.image.clone())),
        row("port", plan.sidecar.port.to_string(), origin(pod, "port", layers, |s| s.port)),
        Row {
            note: clamped.then(|| format!("at most the pod's grace period of {grace} s less 5 s")),
            ..row(
                "linger seconds",
                linger,
                origin(pod, "linger-seconds", layers, |s| s.linger_seconds),
            )
        },
        row("log level", argument("log-level"), origin(pod, "log-level", layers, |s| s.log_level)),
        row("profile", wanted.profile.as_str(), layers.origin(|s| s.config.sidecar.profile)),
        row("compat", wanted.compat.as_str(), layers.origin(|s| s.config.sidecar.compat)),
        row(
            "max series",
            wanted.max_series.to_string(),
            layers.origin(|s| s.config.sidecar.max_series),
        ),
        row(
            "pss interval seconds",
            wanted.pss_interval_seconds.to_string(),
            layers.origin(|s| s.config.sidecar.pss_interval_seconds),
        ),
    ];
    for (name, key) in &wanted.metric_labels {
        let name_of = name.clone();
        rows.push(Row {
            note: pod.label(key).is_none().then(|| format!("the pod has no label {key}")),
            ..row(
                &format!("metric label {}", name.as_str()),
                pod.label(key).unwrap_or_default(),
                layers.origin(|s| s.config.sidecar.metric_labels.get(&name_of).cloned()),
            )
        });
    }
    rows
}

fn resources_of(pod: &Pod<'_>, spec: &Spec<'_>, plan: &Plan, layers: &Layers<'_>) -> Vec<Row> {
    let budget = spec.resources.as_ref();
    let note = if budget.is_some_and(|pod| pod.requests.is_some() || pod.limits.is_some()) {
        Some("the pod has a budget as a whole, which rules")
    } else {
        match resources::qos(spec) {
            Qos::Guaranteed => Some("limits equal requests, so that the pod stays Guaranteed"),
            Qos::BestEffort => Some("none, so that the pod stays BestEffort"),
            Qos::Burstable => None,
        }
    };
    let allowance = &plan.sidecar.allowance;
    let text =
        |amount: &Option<Quantity>| amount.as_ref().map(Quantity::to_string).unwrap_or_default();
    let from = |annotation, value: fn(&Sidecar) -> Quantity| origin(pod, annotation, layers, value);
    let wanted = overrides::read(pod, layers.config()).sidecar;
    // One that an annotation for the other side of it has moved along.
    let with = |annotation, value: fn(&Sidecar) -> Quantity| {
        let moved = value(&wanted) != value(&layers.config().sidecar);
        if moved {
            Origin::Annotation(annotation)
        } else {
            layers.origin(|s| value(&s.config.sidecar))
        }
    };
    [
        (
            "CPU request",
            &allowance.cpu_request,
            from("cpu-request", |s| s.resources.cpu_request.clone()),
        ),
        ("CPU limit", &allowance.cpu_limit, with("cpu-request", |s| s.resources.cpu_limit.clone())),
        (
            "memory request",
            &allowance.memory_request,
            with("memory-limit", |s| s.resources.memory_request.clone()),
        ),
        (
            "memory limit",
            &allowance.memory_limit,
            from("memory-limit", |s| s.resources.memory_limit.clone()),
        ),
    ]
    .into_iter()
    .map(|(name, amount, from)| {
        let note = note.map(str::to_owned).or_else(|| {
            amount.is_none().then(|| "none: not every container of the pod has one".to_owned())
        });
        Row { note, ..row(name, text(amount), from) }
    })
    .collect()
}

fn user(
    pod: &Pod<'_>,
    spec: &Spec<'_>,
    plan: &Plan,
    own: &Settings,
    layers: &Layers<'_>,
) -> Vec<Row> {
    let container = spec.containers()[plan.spark_container].security_context.unwrap_or_default();
    let pods = spec.security_context.unwrap_or_default();
    let rules = &own.config.users;
    let rule = rules
        .iter()
        .position(|rule| rule.label.as_ref().is_none_or(|label| pod.label(label).is_some()));
    let note = rule.and_then(|index| {
        let label = rules[index].label.as_ref()?;
        Some(format!("users[{index}], by the pod's label {label}"))
    });
    // Whoever names the user says all that there is to say: the rules are for pods that do not.
    let said = container.run_as_user.or(pods.run_as_user).is_some();
    let origin = |container: Option<i64>, pods: Option<i64>| match (container, pods) {
        (Some(_), _) => (Origin::Pod("securityContext of Spark's container".to_owned()), None),
        (None, Some(_)) => (Origin::Pod("securityContext of the pod".to_owned()), None),
        (None, None) if said => (Origin::Pod("the image: nobody says".to_owned()), None),
        (None, None) => (layers.origin(|settings| settings.config.users.clone()), note.clone()),
    };
    [
        ("uid", plan.sidecar.run_as_user, origin(container.run_as_user, pods.run_as_user)),
        ("gid", plan.sidecar.run_as_group, origin(container.run_as_group, pods.run_as_group)),
    ]
    .into_iter()
    .map(|(name, id, (from, note))| {
        let value = id.map(|id| id.to_string()).unwrap_or_default();
        Row { note, ..row(name, value, from) }
    })
    .collect()
}

/// Spark's settings for a driver; with what the job says of them itself in the same place.
fn spark_confs(spec: &Spec<'_>, plan: &Plan, own: &Settings, layers: &Layers<'_>) -> Vec<Row> {
    if plan.submit_opts.is_none() {
        return Vec::new();
    }
    let spark: &Container<'_> = &spec.containers()[plan.spark_container];
    let theirs = spark.env(submit_opts::NAME).unwrap_or_default();
    let rows = own.spark_confs().into_iter().map(|(key, value)| {
        let said = theirs.contains(&format!("-D{key}="));
        Row {
            note: said.then(|| format!("the pod's own {} has it too, and wins", submit_opts::NAME)),
            ..row(&key, value, layers.origin(|settings| settings.spark_confs().remove(&key)))
        }
    });
    rows.collect()
}
