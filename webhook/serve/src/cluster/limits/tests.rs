use serde_json::{Value, json};

use super::*;

fn quota(name: &str, used: &str) -> ResourceQuota {
    let object = json!({
        "metadata": {"name": name, "namespace": "a"},
        "status": {"hard": {"limits.cpu": "2"}, "used": {"limits.cpu": used, "pods": used}},
    });
    serde_json::from_value(object).unwrap()
}

fn names(namespaces: &Namespaces) -> Vec<&str> {
    namespaces.of("a").quotas.iter().map(|quota| &*quota.name).collect()
}

#[test]
fn a_new_list_replaces_what_was_known_of_its_kind_and_leaves_the_other() {
    let mut before = Namespaces::default();
    for namespace in ["a", "gone"] {
        before.learn(namespace, |state| state.quotas.push(quota("old", "1").of()));
    }
    before.learn("a", |state| {
        let range: Value = json!({"metadata": {"name": "range"}});
        let range: LimitRangeObject = serde_json::from_value(range).unwrap();
        state.limit_ranges.push(range.of());
    });
    let all = HashMap::from([("a".to_owned(), vec![quota("new", "1").of()])]);
    let after = replaced::<ResourceQuota>(&before, &all);
    assert_eq!(names(&after), ["new"]);
    assert_eq!(after.of("a").limit_ranges.len(), 1);
    assert_eq!(after.names().collect::<Vec<_>>(), ["a"]);
}
