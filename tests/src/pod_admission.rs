//! What LimitRanger and the quota plug-in of an API server do to a pod that is created: the oracle for
//! the promise that no pod is refused because of its sidecar.
//!
//! After Kubernetes 1.36: `plugin/pkg/admission/limitranger/admission.go`, `SetDefaults_LimitRangeItem`
//! and `SetDefaults_Pod` in `pkg/apis/core/v1/defaults.go`, and `CheckRequest` of
//! `apiserver/pkg/admission/plugin/resourcequota` with `pkg/quota/v1/evaluator/core/pods.go`. CPU and
//! memory alone; no pod with resources of its own as a whole.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::quality_of_service::{Amounts, Class, amounts, class};

/// A LimitRange as the API server stores it: with what it leaves out.
pub fn stored(range: &mut Value) {
    for item in range["spec"]["limits"].as_array_mut().into_iter().flatten() {
        if item["type"] != "Container" {
            continue;
        }
        for (from, to) in
            [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")]
        {
            for (name, amount) in item[from].as_object().cloned().unwrap_or_default() {
                if item[to][&name].is_null() {
                    item[to][&name] = amount;
                }
            }
        }
    }
}

/// A pod as it is once the API server has filled in what its containers leave out.
pub fn filled_in(pod: &mut Value, ranges: &[Value]) {
    each_container(pod, |resources| fill(resources, "requests", &resources["limits"].clone()));
    for range in ranges {
        for item in range["spec"]["limits"].as_array().into_iter().flatten() {
            if item["type"] == "Container" {
                each_container(pod, |resources| {
                    fill(resources, "limits", &item["default"]);
                    fill(resources, "requests", &item["defaultRequest"]);
                });
            }
        }
    }
}

fn each_container(pod: &mut Value, change: impl Fn(&mut Value)) {
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            if !container["resources"].is_object() {
                container["resources"] = json!({});
            }
            change(&mut container["resources"]);
        }
    }
}

fn fill(resources: &mut Value, list: &str, from: &Value) {
    for (name, amount) in from.as_object().into_iter().flatten() {
        if resources[list][name].is_null() {
            resources[list][name] = amount.clone();
        }
    }
}

/// Whether no container of a pod that is filled in asks for more than it may use: else it is no pod.
pub fn is_valid(pod: &Value) -> Result<bool> {
    for container in containers(pod) {
        let limits = amounts(&container["resources"]["limits"])?;
        for (name, request) in amounts(&container["resources"]["requests"])? {
            if limits.get(&name).is_some_and(|limit| request > *limit) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether LimitRanger lets a pod pass that is filled in; else why not.
pub fn within(pod: &Value, ranges: &[Value]) -> Result<()> {
    for range in ranges {
        for item in range["spec"]["limits"].as_array().into_iter().flatten() {
            if item["type"] == "Container" {
                for container in containers(pod) {
                    let resources = &container["resources"];
                    let [requests, limits] =
                        [&resources["requests"], &resources["limits"]].map(amounts);
                    bounded(item, &requests?, &limits?)?;
                }
            } else if item["type"] == "Pod" {
                bounded(item, &usage(pod, "requests")?, &usage(pod, "limits")?)?;
            }
        }
    }
    Ok(())
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["containers", "initContainers"].map(|list| pod["spec"][list].as_array());
    lists.into_iter().flatten().flatten()
}

#[allow(clippy::cast_precision_loss)]
fn bounded(item: &Value, requests: &Amounts, limits: &Amounts) -> Result<()> {
    for (name, min) in amounts(&item["min"])? {
        let request = requests.get(&name).copied();
        ensure!(request.is_some(), "min {name}: no request");
        ensure!(request >= Some(min), "min {name}: request {request:?}");
        ensure!(limits.get(&name).is_none_or(|limit| *limit >= min), "min {name}: limit");
    }
    for (name, max) in amounts(&item["max"])? {
        ensure!(limits.get(&name).is_some_and(|limit| *limit <= max), "max {name}: limit");
        ensure!(requests.get(&name).is_none_or(|request| *request <= max), "max {name}: request");
    }
    for (name, ratio) in amounts(&item["maxLimitRequestRatio"])? {
        let [request, limit] = [requests, limits].map(|one| one.get(&name).copied().unwrap_or(0));
        ensure!(request > 0 && limit > 0, "ratio {name}: no request or limit");
        ensure!(limit as f64 / request as f64 * 1000.0 <= ratio as f64, "ratio {name}");
    }
    Ok(())
}

/// What all containers of a pod say together, of `requests` or `limits`; what nobody says is left out.
pub fn usage(pod: &Value, list: &str) -> Result<Amounts> {
    let (mut running, mut sidecars, mut starting) = Default::default();
    let of = |name: &str| pod["spec"][name].as_array().into_iter().flatten();
    for container in of("containers") {
        add(&mut running, &amounts(&container["resources"][list])?);
    }
    for container in of("initContainers") {
        let own = amounts(&container["resources"][list])?;
        let mut now: Amounts = Clone::clone(&sidecars);
        add(&mut now, &own);
        if container["restartPolicy"] == "Always" {
            add(&mut running, &own);
            sidecars = now.clone();
        }
        most(&mut starting, &now);
    }
    most(&mut running, &starting);
    Ok(running)
}

fn add(total: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        *total.entry(name.clone()).or_default() += amount;
    }
}

fn most(total: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let now = total.entry(name.clone()).or_default();
        *now = (*now).max(*amount);
    }
}

/// Whether the quota plug-in lets a pod pass that is filled in; else why not.
pub fn within_quotas(pod: &Value, quotas: &[Value]) -> Result<()> {
    for quota in quotas {
        if !is_for(quota, pod)? {
            continue;
        }
        for (name, hard) in quota["status"]["hard"].as_object().into_iter().flatten() {
            let (list, resource) = match name.split_once('.') {
                Some((list, resource)) => (list, resource),
                None => ("requests", name.as_str()),
            };
            for container in containers(pod) {
                let said = !container["resources"][list][resource].is_null();
                ensure!(said, "must specify {name}");
            }
            let one = |amount: &Value| Ok(amounts(&json!({ resource: amount }))?[resource]);
            let (hard, used): (Result<_>, Result<_>) =
                (one(hard), one(&quota["status"]["used"][name]));
            let (used, asked) = (used?, usage(pod, list)?.remove(resource).unwrap_or(0));
            ensure!(asked == 0 || used + asked <= hard?, "exceeded {name}");
        }
    }
    Ok(())
}

fn is_for(quota: &Value, pod: &Value) -> Result<bool> {
    let spec = &pod["spec"];
    let (class, priority) = (class(pod)?, spec["priorityClassName"].as_str());
    let scopes = quota["spec"]["scopes"].as_array().into_iter().flatten();
    for scope in scopes {
        let holds = match scope.as_str() {
            Some("Terminating") => spec["activeDeadlineSeconds"].is_i64(),
            Some("NotTerminating") => !spec["activeDeadlineSeconds"].is_i64(),
            Some("BestEffort") => class == Class::BestEffort,
            Some("NotBestEffort") => class != Class::BestEffort,
            Some("PriorityClass") => priority.is_some(),
            other => bail!("{other:?} is a scope that no test has"),
        };
        if !holds {
            return Ok(false);
        }
    }
    let expressions = quota["spec"]["scopeSelector"]["matchExpressions"].as_array();
    let mut chosen = expressions.into_iter().flatten().map(|expression| {
        let values = expression["values"].as_array().into_iter().flatten();
        let named = values.filter_map(Value::as_str).any(|name| Some(name) == priority);
        match expression["operator"].as_str() {
            Some("In") => named,
            Some("NotIn") => !named,
            Some("Exists") => priority.is_some(),
            _ => priority.is_none(),
        }
    });
    Ok(chosen.all(|it| it))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages are of a real API server's for the same objects.
    #[test]
    fn a_request_of_0_is_below_every_minimum_and_none_to_a_ratio() {
        let pod = |resources: Value| json!({"spec": {"containers": [{"resources": resources}]}});
        let range = |item: Value| {
            let mut range = json!({"spec": {"limits": [item]}});
            range["spec"]["limits"][0]["type"] = json!("Container");
            stored(&mut range);
            [range]
        };
        let zero = pod(json!({"requests": {"cpu": "0"}, "limits": {"cpu": "50m"}}));
        for (item, refused) in [
            (json!({"min": {"cpu": "1m"}}), true),
            (json!({"max": {"cpu": "49m"}}), true),
            (json!({"max": {"cpu": "50m"}}), false),
            (json!({"maxLimitRequestRatio": {"cpu": "100"}}), true),
            (json!({"max": {"memory": "1Gi"}}), false),
        ] {
            let (ranges, mut pod) = (range(item), zero.clone());
            filled_in(&mut pod, &ranges);
            assert_eq!(within(&pod, &ranges).is_err(), refused, "{ranges:?}");
        }
        let mut bare = pod(json!({}));
        filled_in(&mut bare, &range(json!({"max": {"memory": "1Gi"}})));
        assert_eq!(bare["spec"]["containers"][0]["resources"]["requests"]["memory"], "1Gi");
    }
}
