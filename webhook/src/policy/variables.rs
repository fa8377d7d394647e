//! What is worked out from the pod, step by step: `emberscope_core::plan` in CEL. A variable is evaluated when it is first needed, and may use
//! those in front of it.

mod overrides;
mod sidecar;
mod submit_opts;

use emberscope_core::contract::{
    PREFIX, SCRAPE, SCRAPE_PATH, SCRAPE_PORT, SIDECAR, SKIP_CONTAINERS, SPARK_PAGES, SPARK_ROLE,
    SPARK_UI_PORT,
};
use emberscope_core::plan::gang;
use emberscope_core::{Role, Settings};

use super::cel;

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

/// What the pod's annotation of this name says; nothing where there is none.
pub(super) fn said(annotation: &str) -> String {
    let key = cel::string(&format!("{PREFIX}{annotation}"));
    format!("object.metadata.?annotations[?{key}].orValue('').trim()")
}

/// All variables, in their order.
pub(super) fn all(settings: &Settings) -> Vec<Variable> {
    let mut variables = pod();
    variables.extend(overrides::overrides(&settings.config.sidecar));
    variables.extend(sidecar::resources());
    variables.extend(decision(settings));
    variables.extend(submit_opts::submit_options(settings));
    variables.extend(sidecar::users(&settings.config.users));
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
        variable("role", "", format!("object.metadata.labels[{}]", cel::string(SPARK_ROLE))),
        variable("annotations", "", "object.metadata.?annotations.orValue({})"),
        variable(
            "skipped",
            "Containers that EKS's webhook gives no AWS token.",
            format!("variables.annotations[?{}].orValue('')", cel::string(SKIP_CONTAINERS)),
        ),
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
  && (p.containerPort == variables.port || p.containerPort == variables.pushPort)))",
        ),
        variable(
            "gang",
            "A scheduler was told what the pod asks for before it is there.",
            format!(
                "{}.exists(k, k in variables.annotations) || {}.exists(k, k in object.metadata.labels)",
                cel::strings(gang::ANNOTATIONS.iter().copied()),
                cel::strings(gang::LABELS.iter().copied()),
            ),
        ),
        variable(
            "inject",
            "",
            "!variables.present && !variables.portInUse && variables.index >= 0
&& !(variables.gang && variables.guaranteed)",
        ),
        variable(
            "annotationsAreTheirs",
            "Scrape annotations that point at Spark's own pages are pointed at the sidecar, which serves
those pages too; others are the user's and stay.",
            format!(
                "{}.exists(k, k in variables.annotations)
&& !(variables.annotations[?{}].orValue('') == 'true'
  && variables.annotations[?{}].orValue('') == '{SPARK_UI_PORT}'
  && variables.annotations[?{}].orValue('').matches({}))",
                cel::strings([SCRAPE, SCRAPE_PORT, SCRAPE_PATH]),
                cel::string(SCRAPE),
                cel::string(SCRAPE_PORT),
                cel::string(SCRAPE_PATH),
                // Letters and slashes: nothing to escape.
                cel::string(&format!("^({})/*$", SPARK_PAGES.join("|"))),
            ),
        ),
    ]
}
