use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::resources::allow;
use super::*;
use crate::namespace_state::NamespaceState;

/// The sidecar beside a Spark container, under LimitRanges of these items as the API server stores them:
/// CPU request and limit, memory request and limit.
fn beside(spark: &Value, items: &Value) -> Result<[String; 4], String> {
    let object = json!({"metadata": {"name": "range"}, "spec": {"limits": items}});
    let range = LimitRange::of(&serde_json::from_value(object).unwrap());
    let known = NamespaceState { limit_ranges: vec![range], ..NamespaceState::default() };
    let spec = json!({"containers": [{"name": "spark", "resources": spark}]}).to_string();
    let spec: PodSpec<'_> = serde_json::from_str(&spec).unwrap();
    let allowance = allow(&spec, &SidecarResources::default(), &known);
    let Allowance { cpu, memory, .. } = allowance.map_err(|misfit| misfit.to_string())?;
    Ok([cpu.request, cpu.limit, memory.request, memory.limit]
        .map(|amount| amount.map_or_else(String::new, |amount| amount.to_string())))
}

fn burstable() -> Value {
    json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}})
}

fn guaranteed() -> Value {
    json!({"limits": {"cpu": "1", "memory": "1Gi"}})
}

#[test]
fn as_little_is_changed_as_satisfies_it() {
    let item = |bounds: &[(&str, Value)]| {
        let mut item: BTreeMap<&str, Value> = bounds.iter().cloned().collect();
        item.insert("type", json!("Container"));
        json!([item])
    };
    for (spark, bounds, expected) in [
        (burstable(), vec![], ["0", "50m", "0", "32Mi"]),
        (burstable(), vec![("min", json!({"cpu": "10m"}))], ["10m", "50m", "0", "32Mi"]),
        (burstable(), vec![("min", json!({"memory": "64Mi"}))], ["0", "50m", "64Mi", "64Mi"]),
        (burstable(), vec![("max", json!({"cpu": "20m"}))], ["0", "20m", "0", "32Mi"]),
        (
            burstable(),
            vec![("maxLimitRequestRatio", json!({"cpu": "4", "memory": "3"}))],
            ["13m", "50m", "11Mi", "32Mi"],
        ),
        (guaranteed(), vec![("min", json!({"cpu": "10m"}))], ["10m", "10m", "32Mi", "32Mi"]),
        (
            guaranteed(),
            vec![("maxLimitRequestRatio", json!({"cpu": "1", "memory": "1"}))],
            ["5m", "5m", "32Mi", "32Mi"],
        ),
    ] {
        assert_eq!(beside(&spark, &item(&bounds)).unwrap(), expected, "{bounds:?}");
    }
    // What is left out would be the default.
    let default =
        json!([{"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}]);
    let no_limit = json!({"requests": {"cpu": "1"}});
    assert_eq!(beside(&no_limit, &default).unwrap(), ["0", "50m", "0", "32Mi"]);
    let min =
        json!([{"type": "Container", "min": {"cpu": "10m"}, "defaultRequest": {"cpu": "10m"}}]);
    assert_eq!(beside(&no_limit, &min).unwrap(), ["10m", "", "0", "32Mi"]);
}

#[test]
fn what_the_pod_leaves_of_its_bounds_is_shared() {
    let of_pod = |bounds: Value| json!([{"type": "Pod", "max": bounds}]);
    let ok = |bounds| beside(&burstable(), &of_pod(bounds));
    assert_eq!(ok(json!({"cpu": "3"})).unwrap()[1], "50m");
    assert_eq!(ok(json!({"cpu": "2020m"})).unwrap()[1], "20m");
    let refused = ok(json!({"memory": "2Gi"})).unwrap_err();
    assert_eq!(refused, "LimitRange range: max of memory per pod is 2Gi");
    let ratio = json!([{"type": "Pod", "maxLimitRequestRatio": {"cpu": "2"}}]);
    assert_eq!(beside(&burstable(), &ratio).unwrap()[0], "25m");
}

#[test]
fn what_nothing_satisfies_is_named() {
    let of = |bounds: Value| beside(&burstable(), &json!([bounds])).unwrap_err();
    let max = json!({"type": "Container", "max": {"memory": "31Mi"}});
    assert_eq!(of(max), "LimitRange range: max of memory per container is 31Mi");
    let storage = json!({"type": "Container", "maxLimitRequestRatio": {"ephemeral-storage": "2"}});
    assert!(of(storage).contains("maxLimitRequestRatio of ephemeral-storage per container is 2"));
}

/// What is no part of the budget would be the LimitRange's default, and could exceed it.
#[test]
fn in_a_pod_with_a_budget_the_sidecar_asks_for_nothing_or_is_not_there() {
    let allowed = |item: Value| {
        let object = json!({"spec": {"limits": [item]}});
        let range = LimitRange::of(&serde_json::from_value(object).unwrap());
        let known = NamespaceState { limit_ranges: vec![range], ..NamespaceState::default() };
        let budget = json!({"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}});
        let spec = json!({"containers": [{"name": "spark"}], "resources": budget}).to_string();
        let spec: PodSpec<'_> = serde_json::from_str(&spec).unwrap();
        allow(&spec, &SidecarResources::default(), &known)
    };
    let default = json!({"type": "Container", "default": {"memory": "2Gi"}});
    let memory = allowed(default).unwrap().memory;
    assert!(memory.request.unwrap().is_zero());
    assert_eq!(memory.limit.unwrap().as_str(), "32Mi");
    let min = allowed(json!({"type": "Container", "min": {"memory": "16Mi"}})).unwrap_err();
    assert_eq!(*min, Misfit::Budget { resource: "memory" });
}
