//! Only a word that means yes, or none, is consent.

use emberscope_core::{AllSettings, Config, Namespaces, admission};
use emberscope_tests::consent::{Becomes, CASES, saying};
use serde_json::{Value, json};

#[test]
fn what_a_pod_says_about_the_sidecar_is_read_by_the_table() {
    let settings = AllSettings::offline(Config::default());
    for (annotation, label, becomes) in CASES {
        let pod = json!({
            "metadata": {"labels": {"spark-role": "driver"}},
            "spec": {"containers": [{"name": "spark-kubernetes-driver"}]},
        });
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": "1", "operation": "CREATE", "object": saying(pod, annotation, label)},
        });
        let admission =
            admission::answer(review.to_string().as_bytes(), &settings, &Namespaces::default());
        let expected = match becomes {
            Becomes::Injected => "injected",
            Becomes::LeftAlone => "opted_out",
            Becomes::LeftAloneWithAWarning => "unclear_consent",
        };
        assert_eq!(admission.outcome.code(), expected, "{annotation:?} {label:?}");
        let answer: Value = serde_json::from_slice(&admission.body).unwrap();
        let warnings = answer["response"]["warnings"].to_string();
        if becomes == Becomes::LeftAloneWithAWarning {
            assert!(warnings.contains("unclear_consent"), "{warnings}");
        }
    }
}
