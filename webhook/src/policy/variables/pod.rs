//! What the pod is, and which of its containers is Spark's: `plan::spark_container` and
//! `plan::process_namespace` in CEL.

use emberscope_core::config::SharedProcesses;
use emberscope_core::contract::{
    INIT_PROGRAMS, INITS, SKIP_CONTAINERS, SPARK_CLASS, SPARK_ENTRYPOINT, SPARK_PROGRAMS,
    SPARK_ROLE, SPARK_VARIABLES,
};
use emberscope_core::plan::spark_container::STARTS_SPARK;
use emberscope_core::{Role, Settings};

use super::{Variable, said, variable};
use crate::policy::cel;

/// What the pod is.
pub(super) fn pod(settings: &Settings) -> Vec<Variable> {
    let labels = settings.config.roles.labels(Role::Driver).iter().map(String::as_str);
    let [driver, executor] = Role::ALL.map(|role| cel::string(role.as_str()));
    vec![
        variable(
            "role",
            "",
            format!(
                "object.metadata.labels[{}] in {} ? {driver} : {executor}",
                cel::string(SPARK_ROLE),
                cel::strings(labels)
            ),
        ),
        variable(
            "pushPort",
            "Where Spark is told to push its figures.",
            format!(
                "variables.role == {driver} ? {} : {}",
                settings.push_port(Role::Driver),
                settings.push_port(Role::Executor)
            ),
        ),
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
        variable("saidContainer", "", said("container")),
        variable(
            "signs",
            "What Spark's backend for Kubernetes puts into its container: variables, and a command line
that starts Spark, which counts for some of them.",
            signs(),
        ),
        variable(
            "knownNames",
            "What Spark and the operators call it, best first.",
            format!(
                "(variables.role == {driver} ? {} : {}).filter(n, n in variables.names)",
                cel::strings(Role::Driver.container_names().iter().copied()),
                cel::strings(Role::Executor.container_names().iter().copied()),
            ),
        ),
        variable(
            "index",
            "Spark's container: by annotation, by name, by the most signs, else the only one; -1 if there
is none.",
            "variables.saidContainer in variables.names
? variables.names.indexOf(variables.saidContainer)
: size(variables.knownNames) > 0
? variables.names.indexOf(variables.knownNames[0])
: variables.signs.max() > 0 && size(variables.signs.filter(n, n == variables.signs.max())) == 1
? variables.signs.indexOf(variables.signs.max())
: size(variables.names) == 1 ? 0 : -1",
        ),
        variable("spark", "", "object.spec.containers[variables.index]"),
    ]
}

/// How many signs of Spark each container has.
fn signs() -> String {
    let program = either(SPARK_PROGRAMS);
    let class = escaped(SPARK_CLASS);
    let entrypoint = escaped(SPARK_ENTRYPOINT);
    format!(
        "object.spec.containers.map(c,
  size({}.filter(n, c.?env.orValue([]).exists(e, e.name == n)))
  + (c.?args[?0].orValue('') == variables.role || {COMMAND_LINE}.matches(
    {} + variables.role + {})
    ? {STARTS_SPARK} : 0))",
        cel::strings(SPARK_VARIABLES),
        cel::string(&format!(r"(^|[\s/])({program})(\s|$)|(^|\s){class}|(^|[\s/]){entrypoint}\s+")),
        cel::string(r"(\s|$)"),
    )
}

/// The command line of the container `c`, as far as the pod says it.
const COMMAND_LINE: &str = "(c.?command.orValue([]) + c.?args.orValue([])).join(' ')";

/// Whether the pod's containers are made to share a process namespace.
pub(super) fn process_namespace(settings: &Settings) -> Vec<Variable> {
    let words = SharedProcesses::ALL.iter().map(|one| one.as_str());
    vec![
        variable("saidShared", "", said("share-process-namespace")),
        variable(
            "shared",
            "",
            format!(
                "variables.saidShared in {} ? variables.saidShared : {}",
                cel::strings(words),
                cel::string(settings.config.sidecar.share_process_namespace.as_str())
            ),
        ),
        variable(
            "needsPid1",
            "An init that has to be process 1 would end at once in a shared process namespace.",
            format!(
                "variables.everyContainer.exists(c, {COMMAND_LINE}.matches(
  {}))",
                cel::string(&format!(
                    r"(^|\s)({})(\s|$)|(^|[\s/])({})(\s|$)",
                    either(INITS),
                    either(INIT_PROGRAMS)
                ))
            ),
        ),
        variable(
            "share",
            "",
            format!(
                "!has(object.spec.shareProcessNamespace) && !object.spec.?hostPID.orValue(false)
&& variables.shared == {} && !variables.needsPid1",
                cel::string(SharedProcesses::Auto.as_str())
            ),
        ),
    ]
}

/// Words as alternatives of a regular expression.
fn either<const N: usize>(words: [&str; N]) -> String {
    words.map(escaped).join("|")
}

/// A word in a regular expression: of what may stand in one, ours have dots only.
fn escaped(word: &str) -> String {
    word.replace('.', r"\.")
}
