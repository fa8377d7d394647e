//! The operations: the webhook's `patch`, with the container that the webhook would add.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use emberscope_core::config::{ScrapeAnnotations, SecretName};
use emberscope_core::contract::{
    INJECTED, METRICS_PATH, NO_TOKEN, SCRAPE, SCRAPE_PATH, SCRAPE_PORT, SIDECAR, SKIP_CONTAINERS,
    SPARK_ROLE, SUBMIT_OPTS,
};
use emberscope_core::{Decision, NamespaceState, Plan, Pod, Role, Settings, container, outcome_by};
use serde_json::{Value, json};

use super::cel;

/// One expression that evaluates to the list of operations.
///
/// A list that is missing is added empty, then appended to. Never with its element: a list of
/// objects as `value` makes kube-apiserver 1.36 panic (cel-go's `baseList.ConvertToNative`), the pod
/// is refused, and no `failurePolicy` helps.
pub(super) fn expression(settings: &Settings) -> Result<String> {
    let sidecar = sidecar(settings, "Object.spec.initContainers")?;
    let name = cel::string(SUBMIT_OPTS);
    let no_token = cel::string(NO_TOKEN);
    Ok(format!(
        "variables.stripped >= 0
? [JSONPatch{{
    op: 'add', path: '/spec/initContainers/' + string(variables.stripped) + '/restartPolicy', value: 'Always'
  }}]
: !variables.inject
? []
: (has(object.metadata.annotations)
  ? [] : [JSONPatch{{op: 'add', path: '/metadata/annotations', value: Object.metadata.annotations{{}}}}])
+ [JSONPatch{{
    op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey({injected_key}), value: {injected}
  }}]
+ (variables.skipped.split(',').exists(n, n.trim() == {sidecar_name}) ? [] : [JSONPatch{{
    op: 'add', path: '/metadata/annotations/{skip_containers}',
    value: variables.skipped + (variables.skipped.trim() == '' ? '' : ',') + {sidecar_name}
  }}])
{scrape_annotations}+ (!variables.share
  ? [] : [JSONPatch{{op: 'add', path: '/spec/shareProcessNamespace', value: true}}])
+ (!variables.addOptions
  ? []
  : variables.optionsAt >= 0
  ? [JSONPatch{{
      op: 'add',
      path: '/spec/containers/' + string(variables.index) + '/env/' + string(variables.optionsAt) + '/value',
      value: variables.optionsThere == ''
        ? variables.options : variables.options + ' ' + variables.optionsThere
    }}]
  : (has(variables.spark.env)
    ? [] : [JSONPatch{{op: 'add', path: '/spec/containers/' + string(variables.index) + '/env', value: []}}])
  + [JSONPatch{{
      op: 'add', path: '/spec/containers/' + string(variables.index) + '/env/-',
      value: Object.spec.containers.env{{name: {name}, value: variables.options}}
    }}])
+ (!object.spec.?automountServiceAccountToken.orValue(true)
  || object.spec.?volumes.orValue([]).exists(v, v.name == {no_token})
  ? []
  : (has(object.spec.volumes) ? [] : [JSONPatch{{op: 'add', path: '/spec/volumes', value: []}}])
  + [JSONPatch{{
      op: 'add', path: '/spec/volumes/-',
      value: Object.spec.volumes{{name: {no_token}, emptyDir: Object.spec.volumes.emptyDir{{}}}}
    }}])
{secrets}+ (has(object.spec.initContainers)
  ? [] : [JSONPatch{{op: 'add', path: '/spec/initContainers', value: []}}])
+ [JSONPatch{{
    op: 'add', path: '/spec/initContainers/-',
    value: {sidecar}
  }}]",
        secrets = secrets(settings),
        injected_key = cel::string(INJECTED),
        injected = cel::string(&settings.injected),
        sidecar_name = cel::string(SIDECAR),
        skip_containers = escaped(SKIP_CONTAINERS),
        scrape_annotations = scrape_annotations(settings),
    ))
}

/// The annotations that lead to the sidecar, unless the configuration wants none.
fn scrape_annotations(settings: &Settings) -> String {
    if *settings.config.sidecar.scrape_annotations == ScrapeAnnotations::Never {
        return String::new();
    }
    format!(
        "+ (variables.annotationsAreTheirs ? [] : [
  JSONPatch{{op: 'add', path: '/metadata/annotations/{scrape}', value: 'true'}},
  JSONPatch{{op: 'add', path: '/metadata/annotations/{scrape_port}', value: string(variables.port)}},
  JSONPatch{{op: 'add', path: '/metadata/annotations/{scrape_path}', value: '{METRICS_PATH}'}}
])
",
        scrape = escaped(SCRAPE),
        scrape_port = escaped(SCRAPE_PORT),
        scrape_path = escaped(SCRAPE_PATH),
    )
}

/// The configured Secrets that the pod does not name.
fn secrets(settings: &Settings) -> String {
    let names = &settings.config.sidecar.image_pull_secrets;
    if names.is_empty() {
        return String::new();
    }
    format!(
        "+ (has(object.spec.imagePullSecrets)
  ? [] : [JSONPatch{{op: 'add', path: '/spec/imagePullSecrets', value: []}}])
+ {}.filter(n, !object.spec.?imagePullSecrets.orValue([]).exists(s, s.?name.orValue('') == n))
  .map(n, JSONPatch{{
    op: 'add', path: '/spec/imagePullSecrets/-', value: Object.spec.imagePullSecrets{{name: n}}
  }})
",
        cel::strings(names.iter().map(SecretName::as_str))
    )
}

/// A key in a JSON Pointer.
fn escaped(key: &str) -> String {
    key.replace('/', "~1")
}

/// The container of [`container`], with expressions for what depends on the pod.
fn sidecar(settings: &Settings, path: &str) -> Result<String> {
    let plan = plain(settings)?;
    let mut value = json!(container(&plan));
    let at = |field: &str| format!("{path}.{field}");
    let mut expressions: BTreeMap<String, String> = [
        ("image", "variables.image".to_owned()),
        ("args", "variables.arguments".to_owned()),
        ("ports.containerPort", "variables.port".to_owned()),
        ("securityContext.runAsUser", "?variables.user".to_owned()),
        ("securityContext.runAsGroup", "?variables.group".to_owned()),
        ("securityContext.runAsNonRoot", "variables.user.orValue(1) != 0".to_owned()),
        ("resources", format!("?{}", resources(&at("resources")))),
    ]
    .map(|(field, expression)| (at(field), expression))
    .into();
    // Fields that a plain pod's sidecar has not, and another's may have.
    for (pointer, field) in
        [("/securityContext", "runAsUser"), ("/securityContext", "runAsGroup"), ("", "resources")]
    {
        let parent = value.pointer_mut(pointer).and_then(Value::as_object_mut);
        let parent = parent.with_context(|| format!("the sidecar has no {pointer}"))?;
        parent.entry(field).or_insert(Value::Null);
    }
    expressions.insert(at("volumeMounts"), mounts(&plan, &at("volumeMounts")));
    Ok(cel::object(&value, path, &expressions, 4))
}

/// The plan for a pod about which nothing is special.
fn plain(settings: &Settings) -> Result<Plan> {
    let role = Role::Driver;
    let pod = json!({
        "metadata": {"labels": {SPARK_ROLE: settings.config.roles.labels(role)[0]}},
        "spec": {"containers": [{"name": role.container_names()[0]}]},
    });
    let pod = pod.to_string();
    let pod: Pod<'_> = serde_json::from_str(&pod)?;
    match outcome_by(&pod, settings, &NamespaceState::default()).decision {
        Decision::Inject(plan) => Ok(*plan),
        other => bail!("a plain driver is not injected: {other:?}"),
    }
}

/// The core's `resources::allow`.
fn resources(path: &str) -> String {
    format!(
        "variables.ownBudget || variables.bestEffort
      ? optional.none()
      : variables.guaranteed
      ? optional.of({path}{{
          requests: {{'cpu': variables.guaranteedCpu, 'memory': variables.memoryLimit}},
          limits: {{'cpu': variables.guaranteedCpu, 'memory': variables.memoryLimit}}
        }})
      : optional.of({path}{{
          requests: {{'cpu': variables.cpuRequest, 'memory': variables.memoryRequest}},
          limits: variables.cpuLimited
            ? {{'cpu': variables.cpuLimit, 'memory': variables.memoryLimit}}
            : {{'memory': variables.memoryLimit}}
        }})"
    )
}

/// The empty volume over the token, where the pod has a token.
fn mounts(plan: &Plan, path: &str) -> String {
    let mounts = json!(container(plan).volume_mounts.unwrap_or_default());
    let token = cel::object(&mounts, path, &BTreeMap::new(), 6);
    format!("(object.spec.?automountServiceAccountToken.orValue(true) ? {token} : [])")
}
