//! What is worked out from the pod, step by step: the webhook's `decide`, `overrides`, `resources`,
//! `sidecar` and `submit_opts` in CEL. A variable is evaluated when it is first needed, and may use
//! those in front of it.

use super::cel;
use crate::config::{LEAST_MEMORY, LogLevel, Port, Sidecar, UserRule};
use crate::decide::{Role, SIDECAR};
use crate::overrides::PREFIX;
use crate::settings::{Placement, Settings};
use crate::submit_opts;

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
    variables.extend(overrides(&settings.config.sidecar));
    variables.extend(decision(&settings.config.sidecar));
    variables.extend(submit_options(settings));
    variables.extend(users(&settings.config.users));
    variables.extend(resources());
    variables.extend(arguments(settings));
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

/// What the pod's annotations say over the configuration. A bad value counts as none.
fn overrides(sidecar: &Sidecar) -> Vec<Variable> {
    let said = |name: &str| {
        format!(
            "variables.annotations[?{}].orValue('').trim()",
            cel::string(&format!("{PREFIX}{name}"))
        )
    };
    let Sidecar { image, port, push_port, linger_seconds, log_level, resources, .. } = sidecar;
    let levels = LogLevel::ALL.map(LogLevel::as_str);
    let ranges = Port::SPARKS.map(|range| {
        format!(
            "\n    || (int(variables.saidPort) >= {} && int(variables.saidPort) <= {})",
            range.start(),
            range.end()
        )
    });
    vec![
        variable("saidImage", "What the pod's annotations say; a bad value counts as none.", said("image")),
        variable(
            "image",
            "",
            format!("variables.saidImage.matches('^[^\\\\s\\\\pC]+$') ? variables.saidImage : {}", cel::string(image)),
        ),
        variable("saidPort", "", said("port")),
        variable(
            "port",
            "",
            format!(
                "variables.saidPort.matches('^[0-9]{{1,5}}$')
&& int(variables.saidPort) >= 1024 && int(variables.saidPort) <= 65535
&& int(variables.saidPort) != {}
&& !(false{})
? int(variables.saidPort) : {}",
                push_port.get(),
                ranges.concat(),
                port.get()
            ),
        ),
        variable("saidLinger", "", said("linger-seconds")),
        variable(
            "linger",
            "Room is left in the grace period for the sidecar to end by itself.",
            format!(
                "[
  variables.saidLinger.matches('^[0-9]{{1,5}}$') && int(variables.saidLinger) <= 65535
  ? int(variables.saidLinger) : {linger_seconds},
  [object.spec.?terminationGracePeriodSeconds.orValue(30) - 5, 0].max()
].min()"
            ),
        ),
        variable("saidLogLevel", "", said("log-level")),
        variable(
            "logLevel",
            "",
            format!(
                "variables.saidLogLevel in {} ? variables.saidLogLevel : {}",
                cel::strings(levels),
                cel::string(log_level.as_str())
            ),
        ),
        variable("saidCpuRequest", "", said("cpu-request")),
        variable(
            "cpuRequest",
            "",
            format!(
                "isQuantity(variables.saidCpuRequest) && quantity(variables.saidCpuRequest).isGreaterThan(quantity('0'))
? variables.saidCpuRequest : {}",
                cel::string(resources.cpu_request.as_str())
            ),
        ),
        variable(
            "cpuLimit",
            "",
            format!(
                "quantity(variables.cpuRequest).isGreaterThan(quantity({0}))
? variables.cpuRequest : {0}",
                cel::string(resources.cpu_limit.as_str())
            ),
        ),
        variable("saidMemoryLimit", "", said("memory-limit")),
        variable(
            "memoryLimit",
            "",
            format!(
                "isQuantity(variables.saidMemoryLimit) && !quantity(variables.saidMemoryLimit).isLessThan(quantity('{LEAST_MEMORY}Mi'))
? variables.saidMemoryLimit : {}",
                cel::string(resources.memory_limit.as_str())
            ),
        ),
        variable(
            "memoryRequest",
            "",
            format!(
                "quantity({0}).isGreaterThan(quantity(variables.memoryLimit))
? variables.memoryLimit : {0}",
                cel::string(resources.memory_request.as_str())
            ),
        ),
    ]
}

/// Whether the pod gets the sidecar.
fn decision(sidecar: &Sidecar) -> Vec<Variable> {
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
            format!(
                "variables.everyContainer.exists(c, c.?ports.orValue([]).exists(p,
  p.?protocol.orValue('TCP') == 'TCP'
  && (p.containerPort == variables.port
      || (variables.role == {} && p.containerPort == {}))))",
                cel::string(Role::Executor.as_str()),
                sidecar.push_port.get()
            ),
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

/// `SPARK_SUBMIT_OPTS`.
fn submit_options(settings: &Settings) -> Vec<Variable> {
    vec![
        variable(
            "options",
            "Spark's settings for drivers. Executors inherit them.",
            cel::string(&settings.options),
        ),
        variable(
            "optionsAt",
            "Of variables with one name the kubelet uses the last.",
            format!(
                "variables.spark.?env.orValue([]).map(e, e.name).lastIndexOf({})",
                cel::string(submit_opts::NAME)
            ),
        ),
        variable(
            "optionsThere",
            "",
            "variables.optionsAt < 0 ? '' : variables.spark.env[variables.optionsAt].?value.orValue('')",
        ),
        variable(
            "addOptions",
            "Not where they come, or may come, from a ConfigMap or Secret: ours would hide them.",
            format!(
                "variables.role == {}
&& variables.options != ''
&& variables.annotations[?{}].orValue('').trim() != 'false'
&& (variables.optionsAt < 0
  ? size(variables.spark.?envFrom.orValue([])) == 0
  : !has(variables.spark.env[variables.optionsAt].valueFrom)
    && !variables.optionsThere.startsWith(variables.options))",
                cel::string(Role::Driver.as_str()),
                cel::string(&format!("{PREFIX}spark-confs"))
            ),
        ),
    ]
}

/// The uid and gid of Spark's container: with them the sidecar may read that container's cgroup.
fn users(rules: &[UserRule]) -> Vec<Variable> {
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
        variable(
            "user",
            "The container's own, the pod's, else the configuration's.",
            format!("variables.saidUser.or({})", rule(|rule| Some(rule.run_as_user))),
        ),
        variable(
            "group",
            "",
            format!(
                "variables.saidUser.hasValue() ? {0}\n: {0}.or({1})",
                said("runAsGroup"),
                rule(|rule| rule.run_as_group)
            ),
        ),
    ]
}

/// What the sidecar may use: the pod keeps its quality of service class.
fn resources() -> Vec<Variable> {
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
            "Every container has both limits, and requests that equal them.",
            format!(
                "variables.everyContainer.all(c, ['cpu', 'memory'].all(r,
  {limit}.isGreaterThan(quantity('0'))
  && ({request}.compareTo(quantity('0')) == 0
    || {request}.compareTo({limit}) == 0)))"
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
fn arguments(settings: &Settings) -> Vec<Variable> {
    let sidecar = &settings.config.sidecar;
    let driver = cel::string(Role::Driver.as_str());
    let labels = sidecar.metric_labels.iter().map(|(name, key)| {
        let key = cel::string(key);
        format!(
            "\n+ ({key} in object.metadata.labels ? [{} + object.metadata.labels[{key}]] : [])",
            cel::string(&format!("--metric-label={}=", name.as_str()))
        )
    });
    let labels: String = labels.collect();
    let (life, heartbeat) = match settings.placement {
        Placement::Native => ("native", String::new()),
        Placement::Classic => (
            "classic",
            "\n+ (size(variables.heartbeatMount) > 0 ? ['--heartbeat-file=' + variables.heartbeatFile] : [])".to_owned(),
        ),
    };
    let mut variables = vec![];
    if settings.placement == Placement::Classic {
        variables.extend([
            variable(
                "heartbeatFile",
                "The file that EMR's Spark container touches while it runs.",
                "(variables.spark.?env.orValue([]).filter(e, e.name == 'SIDECAR_SIGNAL_FILE').map(e, e.?value.orValue(''))
  .filter(v, v != '') + [''])[0]",
            ),
            variable(
                "heartbeatMounts",
                "",
                "variables.spark.?volumeMounts.orValue([]).filter(m,
  !has(m.subPath) && variables.heartbeatFile.startsWith(m.mountPath + (m.mountPath.endsWith('/') ? '' : '/')))",
            ),
            variable(
                "heartbeatMount",
                "The innermost of them.",
                "variables.heartbeatMounts.filter(m,
  variables.heartbeatMounts.all(n, size(n.mountPath) <= size(m.mountPath)))",
            ),
        ]);
    }
    variables.extend([
        variable(
            "uiPort",
            "",
            "(variables.spark.?ports.orValue([])
  .filter(p, p.?name.orValue('') == 'spark-ui' && p.containerPort >= 1 && p.containerPort <= 65535)
  .map(p, int(p.containerPort)) + [4040])[0]",
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
  '--log-level=' + variables.logLevel,
  '--life={life}',
  variables.role == {driver}
  ? '--spark-ui-port=' + string(variables.uiPort)
  : '--push-port={}'
]{labels}
+ ('spark-app-selector' in object.metadata.labels
  ? ['--application-id=' + object.metadata.labels['spark-app-selector']] : []){heartbeat}",
                sidecar.push_port.get()
            ),
        ),
    ]);
    variables
}
