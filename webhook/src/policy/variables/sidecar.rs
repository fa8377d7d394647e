//! What the sidecar gets: `plan::sidecar`, `plan::user` and `plan::resources` in CEL.

use emberscope_core::config::UserRule;
use emberscope_core::contract::{SPARK_APPLICATION, SPARK_UI, SPARK_UI_PORT};
use emberscope_core::{Role, Settings};

use super::{Variable, variable};
use crate::policy::cel;

/// The uid and gid of Spark's container: with them the sidecar may read that container's cgroup.
pub(super) fn users(rules: &[UserRule]) -> Vec<Variable> {
    let rule = |of: fn(&UserRule) -> Option<i64>| {
        rules.iter().rev().fold("optional.none()".to_owned(), |otherwise, rule| {
            let id =
                of(rule).map_or("optional.none()".to_owned(), |id| format!("optional.of({id})"));
            match &rule.label {
                None => id,
                Some(label) => {
                    format!(
                        "{} in object.metadata.labels ? {id} : ({otherwise})",
                        cel::string(label)
                    )
                }
            }
        })
    };
    let said = |field: &str| {
        format!(
            "variables.spark.?securityContext.?{field}.or(object.spec.?securityContext.?{field})"
        )
    };
    vec![
        variable("saidUser", "", said("runAsUser")),
        variable("saidGroup", "", said("runAsGroup")),
        variable(
            "user",
            "The container's own, the pod's, else the configuration's.",
            format!("variables.saidUser.or({})", rule(|rule| Some(rule.run_as_user))),
        ),
        variable(
            "group",
            "Of a user without a group, what a rule says that knows the user.",
            format!(
                "variables.saidGroup.or(variables.saidUser.hasValue() ? {}
: {})",
                group_of_user(rules),
                rule(|rule| rule.run_as_group)
            ),
        ),
    ]
}

/// The group of the rule that knows the user: one for pods of this kind, else any.
fn group_of_user(rules: &[UserRule]) -> String {
    let knowing = rules.iter().filter_map(|rule| {
        let group = rule.run_as_group?;
        Some((format!("variables.saidUser.value() == {}", rule.run_as_user), &rule.label, group))
    });
    let of_this_kind = knowing.clone().map(|(knows, label, group)| match label {
        None => (knows, group),
        Some(label) => {
            (format!("{knows} && {} in object.metadata.labels", cel::string(label)), group)
        }
    });
    let any = knowing.map(|(knows, _, group)| (knows, group));
    let all: Vec<_> = of_this_kind.chain(any).collect();
    all.iter().rev().fold("optional.none()".to_owned(), |otherwise, (knows, group)| {
        format!("({knows} ? optional.of({group}) : {otherwise})")
    })
}

/// What the sidecar may use: the pod keeps its quality of service class.
pub(super) fn resources() -> Vec<Variable> {
    let amount = |kind: &str| format!("quantity(string(c.?resources.?{kind}[?r].orValue('0')))");
    let (request, limit) = (amount("requests"), amount("limits"));
    vec![
        variable(
            "bestEffort",
            "No container asks for anything.",
            format!(
                "!variables.everyContainer.exists(c, ['cpu', 'memory'].exists(r,
  {limit}.isGreaterThan(quantity('0'))
  || {request}.isGreaterThan(quantity('0'))))"
            ),
        ),
        variable(
            "guaranteed",
            "Every container has both limits, and requests that equal them or are left out.",
            format!(
                "variables.everyContainer.all(c, ['cpu', 'memory'].all(r,
  {limit}.isGreaterThan(quantity('0'))
  && (!c.?resources.?requests[?r].hasValue() || {request}.compareTo({limit}) == 0)))"
            ),
        ),
        variable(
            "cpuLimited",
            "A quota on limits.cpu refuses pods of which one container has no CPU limit.",
            format!(
                "object.spec.containers.all(c, ['cpu'].all(r,
  {limit}.isGreaterThan(quantity('0'))))"
            ),
        ),
        variable(
            "ownBudget",
            "The pod has a budget as a whole, which rules.",
            "has(object.spec.resources)
&& (has(object.spec.resources.requests) || has(object.spec.resources.limits))",
        ),
    ]
}

/// The sidecar's arguments.
pub(super) fn arguments(settings: &Settings) -> Vec<Variable> {
    let sidecar = &settings.config.sidecar;
    let driver = cel::string(Role::Driver.as_str());
    let application = cel::string(SPARK_APPLICATION);
    let labels = sidecar.metric_labels.iter().map(|(name, key)| {
        let key = cel::string(key);
        format!(
            "\n+ ({key} in object.metadata.labels ? [{} + object.metadata.labels[{key}]] : [])",
            cel::string(&format!("--metric-label={}=", name.as_str()))
        )
    });
    let labels: String = labels.collect();
    let more: Vec<String> =
        sidecar.arguments().into_iter().map(|argument| cel::string(&argument)).collect();
    let more = more.join(", ");
    let [period_of_driver, period_of_executor] = Role::ALL.map(|role| {
        let period = settings.push_period_seconds(role);
        let period = period.map(|seconds| format!("--push-period-seconds={seconds}"));
        cel::strings(period.as_deref())
    });
    vec![
        variable(
            "uiPort",
            "",
            format!(
                "(variables.spark.?ports.orValue([])
  .filter(p, p.?name.orValue('') == {} && p.containerPort >= 1 && p.containerPort <= 65535)
  .map(p, int(p.containerPort)) + [{SPARK_UI_PORT}])[0]",
                cel::string(SPARK_UI)
            ),
        ),
        variable(
            "arguments",
            "",
            format!(
                "[
  '--role=' + variables.role,
  '--port=' + string(variables.port),
  '--container=' + variables.spark.name,
  '--linger-seconds=' + string(variables.linger),
  '--log-level=' + variables.logLevel
]
+ (variables.role == {driver} ? ['--spark-ui-port=' + string(variables.uiPort)] : [])
+ ['--push-port=' + string(variables.pushPort)]
+ (variables.role == {driver} ? {period_of_driver} : {period_of_executor})
+ [{more}]{labels}
+ ({application} in object.metadata.labels
  ? ['--application-id=' + object.metadata.labels[{application}]] : [])"
            ),
        ),
    ]
}
