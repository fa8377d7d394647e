use serde_json::{Value, json};

use super::super::resources::allow;
use super::*;
use crate::config::SidecarResources;

/// The sidecar beside a Spark container, under a quota.
fn beside(spec: &Value, quota: Value) -> Result<Allowance, String> {
    let mut object = quota;
    object["metadata"] = json!({"name": "quota"});
    let quota = Quota::of(&serde_json::from_value(object).unwrap());
    let known = NamespaceState { quotas: vec![quota], ..NamespaceState::default() };
    let spec = spec.to_string();
    let spec: PodSpec<'_> = serde_json::from_str(&spec).unwrap();
    allow(&spec, &SidecarResources::default(), &known).map_err(|misfit| misfit.to_string())
}

fn spec(resources: &Value) -> Value {
    json!({"containers": [{"name": "spark", "resources": resources}]})
}

fn left(resource: &str, hard: &str, used: &str) -> Value {
    json!({"status": {"hard": {resource: hard}, "used": {resource: used}}})
}

#[test]
fn only_what_the_sidecar_adds_to_is_asked_whether_it_has_room() {
    let burstable =
        spec(&json!({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}}));
    for (resource, hard, used, fits) in [
        ("limits.memory", "2Gi", "992Mi", true),
        ("limits.memory", "2Gi", "993Mi", false),
        ("limits.memory", "0", "0", false),
        ("limits.cpu", "3", "950m", true),
        ("limits.cpu", "3", "1", false),
        // The pod asks for what it asked for, and is refused or not as it would have been.
        ("requests.cpu", "1", "1", true),
        ("memory", "0", "0", true),
        ("pods", "0", "0", true),
    ] {
        let got = beside(&burstable, left(resource, hard, used));
        assert_eq!(got.is_ok(), fits, "{resource} {hard} {used}: {got:?}");
    }
    let refused = beside(&burstable, left("limits.memory", "2Gi", "1500Mi")).unwrap_err();
    assert_eq!(refused, "ResourceQuota quota: 1500Mi of 2Gi limits.memory are used");
    let guaranteed = spec(&json!({"limits": {"cpu": "1", "memory": "1Gi"}}));
    assert!(beside(&guaranteed, left("cpu", "2", "1")).is_err());
    assert!(beside(&guaranteed, left("cpu", "2", "995m")).is_ok());
}

#[test]
fn the_runtimes_overhead_counts() {
    let mut pod = spec(&json!({"limits": {"memory": "1Gi"}}));
    assert!(beside(&pod, left("limits.memory", "1056Mi", "0")).is_ok());
    pod["overhead"] = json!({"memory": "1Mi"});
    assert!(beside(&pod, left("limits.memory", "1056Mi", "0")).is_err());
}

#[test]
fn a_quota_is_for_the_pods_of_its_scopes() {
    let mut pod = spec(&json!({"limits": {"memory": "1Gi"}}));
    pod["priorityClassName"] = json!("high");
    let class = |operator: &str| {
        json!({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": operator, "values": ["high"]},
        ]}})
    };
    for (scopes, is_for) in [
        (json!({"scopes": ["NotTerminating", "NotBestEffort"]}), true),
        (json!({"scopes": ["NotTerminating", "BestEffort"]}), false),
        (json!({"scopes": ["Terminating"]}), false),
        (class("In"), true),
        (class("NotIn"), false),
        (class("Exists"), true),
        (class("DoesNotExist"), false),
        (json!({"scopes": ["ScopeOfTheFuture"]}), true),
    ] {
        let mut quota = left("limits.memory", "1Gi", "0");
        quota["spec"] = scopes.clone();
        assert_eq!(beside(&pod, quota).is_err(), is_for, "{scopes}");
    }
}

/// `must specify limits.cpu for: emberscope-sidecar` is what the API server says otherwise.
#[test]
fn what_a_quota_demands_of_each_container_is_said() {
    let zero = json!({"requests": {"cpu": "1"}, "limits": {"cpu": "0", "memory": "1Gi"}});
    let allowance = beside(&spec(&zero), left("limits.cpu", "1", "0")).unwrap();
    assert_eq!(allowance.cpu.limit.unwrap().as_str(), "50m");
    let best_effort = spec(&json!({"requests": {"cpu": "0"}}));
    let allowance = beside(&best_effort, left("cpu", "1", "0")).unwrap();
    assert_eq!((allowance.cpu.request.unwrap().is_zero(), allowance.cpu.limit), (true, None));
    assert_eq!(allowance.memory.request, None);
}
