//! Over thousands of generated pods, LimitRanges and quotas: a pod that its namespace admits is admitted
//! with the sidecar too, or left alone; and it is left alone only where nothing would have helped.

use emberscope_core::namespace_state::{LimitRange, NamespaceState, Quota};
use emberscope_core::{AllSettings, Config, Namespaces, admission};
use emberscope_tests::effective_requests::effective_requests;
use emberscope_tests::pod_admission::{filled_in, is_valid, stored, within, within_quotas};
use emberscope_tests::quality_of_service::{Class, class};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::promises;

const CPU: [&str; 7] = ["0", "1m", "5m", "30m", "50m", "1", "2"];
const MEMORY: [&str; 7] = ["0", "1Mi", "16Mi", "32Mi", "33Mi", "1Gi", "2Gi"];
const RATIOS: [&str; 6] = ["1", "2", "3", "4", "10", "50"];

fn one_of(amounts: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![2 => Just(None), 3 => prop::sample::select(amounts).prop_map(Some)]
}

/// Amounts of both resources, most of them left out.
fn both(
    cpu: &'static [&'static str],
    memory: &'static [&'static str],
) -> impl Strategy<Value = Value> {
    (one_of(cpu), one_of(memory)).prop_map(|(cpu, memory)| {
        let named = [("cpu", cpu), ("memory", memory)].into_iter();
        let named = named.filter_map(|(name, amount)| Some((name.to_owned(), amount?.into())));
        Value::Object(named.collect::<Map<String, Value>>())
    })
}

/// A LimitRange as the API server admits it: nothing in it contradicts the rest.
fn range() -> impl Strategy<Value = Value> {
    let bounds = (
        prop::sample::select(vec!["Container", "Container", "Pod"]),
        both(&CPU[1..4], &MEMORY[1..5]),
        both(&CPU[3..], &MEMORY[2..]),
        prop_oneof![2 => Just(json!({})), 1 => both(&RATIOS, &RATIOS)],
    );
    let item = bounds.prop_map(|(of, min, max, ratio)| {
        json!({"type": of, "min": min, "max": max, "maxLimitRequestRatio": ratio})
    });
    prop::collection::vec(item, 1..3).prop_map(|limits| {
        let mut range = json!({"metadata": {"name": "range"}, "spec": {"limits": limits}});
        stored(&mut range);
        range
    })
}

fn quota() -> impl Strategy<Value = Value> {
    let names =
        vec!["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
    let tracked = prop::sample::subsequence(names, 1..4);
    let scopes = prop::sample::subsequence(
        vec!["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass"],
        0..2,
    );
    let classes = prop::option::of(prop::sample::select(vec!["In", "NotIn", "Exists"]));
    (tracked, scopes, classes, 0..5_usize, 0..7_usize).prop_map(
        |(names, scopes, classes, used, hard)| {
            let amounts = |index: usize| {
                let of =
                    |name: &str| if name.ends_with("cpu") { CPU[index] } else { MEMORY[index] };
                let all = names.iter().map(|name| ((*name).to_owned(), json!(of(name))));
                all.collect::<Map<String, Value>>()
            };
            let mut spec = json!({"scopes": scopes});
            if let Some(operator) = classes {
                let mut expression = json!({"scopeName": "PriorityClass", "operator": operator});
                if operator != "Exists" {
                    expression["values"] = json!(["high"]);
                }
                spec["scopeSelector"] = json!({"matchExpressions": [expression]});
            }
            json!({
                "metadata": {"name": "quota"}, "spec": spec,
                "status": {"hard": amounts(hard), "used": amounts(used)},
            })
        },
    )
}

fn container(name: &'static str) -> impl Strategy<Value = Value> {
    // Of the small amounts too: as small a container as ours is what a LimitRange may be made for.
    let pairs = (both(&CPU, &MEMORY), both(&CPU[3..], &MEMORY[3..]));
    let loose =
        pairs.prop_map(|(requests, limits)| json!({"requests": requests, "limits": limits}));
    let equal = (prop::sample::select(&CPU[4..]), prop::sample::select(&MEMORY[4..]));
    let equal = equal.prop_map(|(cpu, memory)| {
        let both = json!({"cpu": cpu, "memory": memory});
        json!({"requests": both, "limits": both})
    });
    prop_oneof![3 => loose, 2 => equal]
        .prop_map(move |resources| json!({"name": name, "resources": resources}))
}

fn pod() -> impl Strategy<Value = Value> {
    let init = prop::option::of((container("init"), any::<bool>()));
    let more = prop::option::weighted(0.3, container("other"));
    (
        container("spark-kubernetes-driver"),
        more,
        init,
        any::<bool>(),
        prop::option::of(prop::sample::select(vec!["high", "low"])),
    )
        .prop_map(|(spark, more, init, ends, priority)| {
            let mut spec = json!({"containers": [spark]});
            spec["containers"].as_array_mut().unwrap().extend(more);
            if let Some((mut init, stays)) = init {
                if stays {
                    init["restartPolicy"] = json!("Always");
                }
                spec["initContainers"] = json!([init]);
            }
            if ends {
                spec["activeDeadlineSeconds"] = json!(60);
            }
            if let Some(priority) = priority {
                spec["priorityClassName"] = json!(priority);
            }
            json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"labels": {"spark-role": "driver"}, "annotations": {}}, "spec": spec,
            })
        })
}

fn known(ranges: &[Value], quotas: &[Value]) -> Namespaces {
    let object = |value: &Value| serde_json::from_value(value.clone()).unwrap();
    let mut namespaces = Namespaces::default();
    namespaces.learn("a", |state: &mut NamespaceState| {
        state.limit_ranges = ranges.iter().map(|range| LimitRange::of(&object(range))).collect();
        let object = |value: &Value| serde_json::from_value(value.clone()).unwrap();
        state.quotas = quotas.iter().map(|quota| Quota::of(&object(quota))).collect();
    });
    namespaces
}

/// What the webhook does to a pod: the pod as it then is, or the code of the reason.
fn decided(pod: &Value, known: &Namespaces) -> Result<Value, String> {
    let settings = AllSettings::offline(Config::default());
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "1", "operation": "CREATE", "namespace": "a", "object": pod},
    });
    let admission = admission::answer(review.to_string().as_bytes(), &settings, known);
    let answer = serde_json::from_slice(&admission.body).unwrap();
    let Some(patch) = promises::patch_of(&answer).unwrap() else {
        return Err(admission.outcome.code().to_owned());
    };
    let mut patched = pod.clone();
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    json_patch::patch(&mut patched, &patch).unwrap();
    Ok(patched)
}

/// Whether some sidecar would be admitted that leaves the pod its class and has enough to live, of those
/// with amounts of the lists; and with no more than it has anyway or a `min` asks for, since nobody wants
/// one with two cores so that a ratio holds.
fn something_fits(pod: &Value, ranges: &[Value]) -> bool {
    ["cpu", "memory"].into_iter().all(|resource| {
        let ranges = only_of(ranges, resource);
        candidates(resource, class(pod).unwrap(), &ranges).into_iter().any(|(request, limit)| {
            let amounts = |amount: Option<&str>| amount.map(|amount| json!({ resource: amount }));
            let sidecar = json!({
                "name": "sidecar", "restartPolicy": "Always",
                "resources": {"requests": amounts(request), "limits": amounts(limit)},
            });
            let mut pod = pod.clone();
            let mut inits = pod["spec"]["initContainers"].as_array().cloned().unwrap_or_default();
            inits.push(sidecar);
            pod["spec"]["initContainers"] = json!(inits);
            filled_in(&mut pod, &ranges);
            within(&pod, &ranges).is_ok()
        })
    })
}

/// Requests and limits of one resource.
fn candidates(
    resource: &str,
    class: Class,
    ranges: &[Value],
) -> Vec<(Option<&'static str>, Option<&'static str>)> {
    let (amounts, least, usual) =
        if resource == "cpu" { (CPU, "5m", "50m") } else { (MEMORY, "32Mi", "32Mi") };
    let place = |amount: &str| amounts.iter().position(|one| *one == amount).unwrap();
    let items = ranges.iter().flat_map(|range| range["spec"]["limits"].as_array().unwrap());
    let mins = items.filter_map(|item| item["min"][resource].as_str().map(place));
    let (least, most) = (place(least), mins.chain([place(usual)]).max().unwrap());
    let amounts = &amounts[..=most];
    match class {
        Class::BestEffort => vec![(None, None)],
        Class::Guaranteed => amounts[least..].iter().map(|one| (Some(*one), Some(*one))).collect(),
        Class::Burstable => (least..amounts.len())
            .flat_map(|limit| (0..=limit).map(move |request| (request, limit)))
            .map(|(request, limit)| (Some(amounts[request]), Some(amounts[limit])))
            .collect(),
    }
}

/// What LimitRanges say of one resource.
fn only_of(ranges: &[Value], resource: &str) -> Vec<Value> {
    let mut ranges = ranges.to_vec();
    for range in &mut ranges {
        for item in range["spec"]["limits"].as_array_mut().unwrap() {
            for list in item.as_object_mut().unwrap().values_mut() {
                if let Value::Object(list) = list {
                    list.retain(|name, _| name == resource);
                }
            }
        }
    }
    ranges
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, max_global_rejects: 2_000_000, ..ProptestConfig::default() })]

    #[test]
    fn a_limit_range_refuses_no_pod_because_of_the_sidecar(
        pod in pod(), ranges in prop::collection::vec(range(), 1..3),
    ) {
        let mut pod = pod;
        filled_in(&mut pod, &ranges);
        prop_assume!(is_valid(&pod).unwrap() && within(&pod, &ranges).is_ok());
        match decided(&pod, &known(&ranges, &[])) {
            Ok(mut patched) => {
                prop_assert_eq!(class(&pod).unwrap(), class(&patched).unwrap());
                filled_in(&mut patched, &ranges);
                prop_assert!(is_valid(&patched).unwrap(), "{patched}");
                let refused = within(&patched, &ranges);
                prop_assert!(refused.is_ok(), "{refused:?}\n{ranges:?}\n{patched}");
            }
            Err(code) => {
                prop_assert_eq!(code, "limit_range");
                prop_assert!(!something_fits(&pod, &ranges), "{ranges:?}\n{pod}");
            }
        }
    }

    #[test]
    fn a_quota_refuses_no_pod_because_of_the_sidecar(
        pod in pod(),
        ranges in prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(range(), 1..2)],
        quotas in prop::collection::vec(quota(), 1..3),
    ) {
        let mut pod = pod;
        filled_in(&mut pod, &ranges);
        prop_assume!(is_valid(&pod).unwrap() && within(&pod, &ranges).is_ok());
        prop_assume!(within_quotas(&pod, &quotas).is_ok());
        match decided(&pod, &known(&ranges, &quotas)) {
            Ok(mut patched) => {
                prop_assert_eq!(class(&pod).unwrap(), class(&patched).unwrap());
                filled_in(&mut patched, &ranges);
                let refused = within_quotas(&patched, &quotas);
                prop_assert!(refused.is_ok(), "{refused:?}\n{quotas:?}\n{patched}");
            }
            Err(code) if code == "quota_full" => {
                // Without the quotas it would have got one, and what that adds is what does not fit.
                let mut patched = decided(&pod, &known(&ranges, &[])).unwrap();
                filled_in(&mut patched, &ranges);
                prop_assert!(within_quotas(&patched, &quotas).is_err(), "{quotas:?}\n{pod}");
            }
            Err(code) => prop_assert_eq!(code, "limit_range"),
        }
    }

    /// Where nobody says otherwise, a pod asks for what it asked for; and for no more than it takes.
    #[test]
    fn without_a_limit_range_no_quota_makes_a_pod_ask_for_more(
        pod in pod(), quotas in prop::collection::vec(quota(), 1..3),
    ) {
        let mut pod = pod;
        filled_in(&mut pod, &[]);
        prop_assume!(is_valid(&pod).unwrap());
        let before = class(&pod).unwrap();
        if let Ok(patched) = decided(&pod, &known(&[], &quotas)) {
            prop_assert_eq!(before, class(&patched).unwrap());
            if before != Class::Guaranteed {
                let (before, after) = (effective_requests(&pod), effective_requests(&patched));
                prop_assert_eq!(before.unwrap(), after.unwrap());
            }
        }
    }
}
