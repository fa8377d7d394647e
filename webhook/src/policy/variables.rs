//! What is worked out from the pod, step by step: the webhook's `decide`, `overrides`, `resources`,
//! `sidecar` and `submit_opts` in CEL. A variable is evaluated when it is first needed, and may use
//! those in front of it.

mod overrides;
mod sidecar;
mod submit_opts;

use super::cel;
use crate::decide::{Role, SIDECAR};
use crate::settings::Settings;

/// One of `variables`.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) why: &'static str,
    pub(super) expression: String,
}

fn variable(name: &'static str, why: &'static str, expression: impl Into<String>) -> Variable {
    Variable { name, why, expression: expression.into() }
}

/// All variables, in their order.
pub(super) fn all(settings: &Settings) -> Vec<Variable> {
    let mut variables = pod();
    variables.extend(overrides::overrides(&settings.config.sidecar));
    variables.extend(decision(settings));
    variables.extend(submit_opts::submit_options(settings));
    variables.extend(sidecar::users(&settings.config.users));
    variables.extend(sidecar::resources());
    variables.extend(sidecar::arguments(settings));
    variables
}

/// What the pod is.
fn pod() -> Vec<Variable> {
    let index = |role: Role| {
        let by_name = role.container_names().iter().rev().fold(
            "size(variables.names) == 1 ? 0 : -1".to_owned(),
            |otherwise, name| {
                let name = cel::string(name);
                format!(
                    "{name} in variables.names ? variables.names.indexOf({name}) : ({otherwise})"
                )
            },
        );
        format!("({by_name})")
    };
    vec![
        variable("role", "", "object.metadata.labels['spark-role']"),
        variable("annotations", "", "object.metadata.?annotations.orValue({})"),
        variable(
            "everyContainer",
            "",
            "object.spec.containers + object.spec.?initContainers.orValue([])",
        ),
        variable("names", "", "object.spec.containers.map(c, c.name)"),
        variable(
            "index",
            "Spark's container: by name, else the only one; -1 if there is none.",
            format!(
                "variables.role == {}\n? {}\n: {}",
                cel::string(Role::Driver.as_str()),
                index(Role::Driver),
                index(Role::Executor)
            ),
        ),
        variable("spark", "", "object.spec.containers[variables.index]"),
    ]
}

/// Whether the pod gets the sidecar.
fn decision(settings: &Settings) -> Vec<Variable> {
    let ours = cel::string(SIDECAR);
    vec![
        variable(
            "stripped",
            "A sidecar that is there already and has lost its restart policy: without it the pod would
wait for ever. -1 if there is none.",
            format!(
                "object.spec.?initContainers.orValue([]).map(c, c.name == {ours} && c.?restartPolicy.orValue('') != 'Always').indexOf(true)"
            ),
        ),
        variable(
            "present",
            "",
            format!("variables.everyContainer.exists(c, c.name == {ours})"),
        ),
        variable(
            "pushPort",
            "Where Spark is told to push its figures.",
            format!(
                "variables.role == {} ? {} : {}",
                cel::string(Role::Driver.as_str()),
                settings.push_port(Role::Driver),
                settings.push_port(Role::Executor)
            ),
        ),
        variable(
            "portInUse",
            "The containers of a pod share one network.",
            "variables.everyContainer.exists(c, c.?ports.orValue([]).exists(p,
  p.?protocol.orValue('TCP') == 'TCP'
  && (p.containerPort == variables.port || p.containerPort == variables.pushPort)))"
            .to_owned(),
        ),
        variable(
            "inject",
            "",
            "!variables.present && !variables.portInUse && variables.index >= 0",
        ),
        variable(
            "annotationsAreTheirs",
            "Scrape annotations that point at Spark's own pages are pointed at the sidecar, which serves
those pages too; others are the user's and stay.",
            "['prometheus.io/scrape', 'prometheus.io/port', 'prometheus.io/path'].exists(k, k in variables.annotations)
&& !(variables.annotations[?'prometheus.io/scrape'].orValue('') == 'true'
  && variables.annotations[?'prometheus.io/port'].orValue('') == '4040'
  && variables.annotations[?'prometheus.io/path'].orValue('').matches(
    '^/metrics(/executors|/driver)?/prometheus/*$'))",
        ),
    ]
}
