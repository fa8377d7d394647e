//! What is worked out from the pod, step by step: `emberscope_core::plan` in CEL. A variable is evaluated when it is first needed, and may use
//! those in front of it.

mod overrides;
mod pod;
mod sidecar;
mod submit_opts;

use emberscope_core::Settings;
use emberscope_core::contract::{
    PREFIX, SCRAPE, SCRAPE_PATH, SCRAPE_PORT, SIDECAR, SPARK_PAGES, SPARK_UI_PORT,
};
use emberscope_core::plan::gang;

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
    let mut variables = pod::pod(settings);
    variables.extend(overrides::overrides(&settings.config.sidecar));
    variables.extend(sidecar::resources());
    variables.extend(decision());
    variables.extend(pod::process_namespace(settings));
    variables.extend(submit_opts::submit_options(settings));
    variables.extend(sidecar::users(&settings.config.users));
    variables.extend(sidecar::arguments(settings));
    variables
}

/// Whether the pod gets the sidecar.
fn decision() -> Vec<Variable> {
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
            "asks",
            "The pod asks for more with the sidecar than without.",
            "!variables.ownBudget && !variables.bestEffort
&& (variables.guaranteed
  || quantity(string(variables.cpuRequest)).isGreaterThan(quantity('0'))
  || quantity(string(variables.memoryRequest)).isGreaterThan(quantity('0')))",
        ),
        variable(
            "inject",
            "",
            "!variables.present && !variables.portInUse && variables.index >= 0
&& !(variables.gang && variables.asks)",
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
