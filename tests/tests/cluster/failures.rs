//! Whatever becomes of the webhook, pods are created.

use emberscope_tests::cluster::fake_webhook::{Behaviour, FakeWebhook};
use emberscope_tests::cluster::metrics::fail_opens;
use emberscope_tests::ports;

use crate::fixture::{Alone, alone};
use crate::pods::{assert_injected, assert_left_alone, driver};

/// A pod is created, as it is, and the API server counts that it went on without the webhook.
fn assert_fails_open(fixture: &Alone, namespace: &str, name: &str) {
    let before = fail_opens(&fixture.cluster).unwrap();
    assert_left_alone(&fixture.cluster.kubectl().create(&driver(name, namespace)).unwrap());
    assert_eq!(fail_opens(&fixture.cluster).unwrap(), before + 1, "{name}");
}

#[test]
fn without_an_answer_that_makes_sense_pods_are_created_as_they_are() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    let before = driver("before", &namespace);
    assert_injected(&fixture.cluster.kubectl().create(&before).unwrap());

    let call = |port: u16| fixture.installation.point_at(&fixture.cluster, port).unwrap();
    let authority = fixture.installation.authority(&fixture.cluster).unwrap();
    let fake = |behaviour: Behaviour| {
        FakeWebhook::start_under(authority.clone(), move |_| behaviour.clone()).unwrap()
    };

    // Nobody listens.
    call(ports::any().unwrap());
    eventually_fails_open(&fixture, &namespace, "down", || true);
    assert_fails_open(&fixture, &namespace, "still-down");

    // Somebody listens whom the API server does not trust; in between all is well, so that what
    // fails is this.
    call(fixture.installation.service.port());
    eventually_injected(&fixture, &namespace, "between");
    let foreign = FakeWebhook::start(|_| Behaviour::Patch(serde_json::json!([]))).unwrap();
    call(foreign.port());
    eventually_fails_open(&fixture, &namespace, "untrusted", || true);
    assert_eq!(foreign.asked(), 0);

    let nonsense = [
        ("silent", Behaviour::Silence),
        ("garbage", Behaviour::Says("garbage")),
        ("empty", Behaviour::Says("{}")),
        (
            "another-uid",
            Behaviour::Says(
                r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"another","allowed":false}}"#,
            ),
        ),
    ];
    for (name, behaviour) in nonsense {
        let fake = fake(behaviour);
        call(fake.port());
        eventually_fails_open(&fixture, &namespace, name, || fake.asked() > 0);
    }

    call(fixture.installation.service.port());
    eventually_injected(&fixture, &namespace, "after");
}

/// The API server notices a changed configuration within a moment; until then the old one counts,
/// and `is_asked` tells when it is no longer that.
fn eventually_fails_open(
    fixture: &Alone,
    namespace: &str,
    name: &str,
    is_asked: impl Fn() -> bool,
) {
    for attempt in 0..50 {
        let name = format!("{name}-{attempt}");
        let before = fail_opens(&fixture.cluster).unwrap();
        let created = fixture.cluster.kubectl().create(&driver(&name, namespace)).unwrap();
        if is_asked() && fail_opens(&fixture.cluster).unwrap() > before {
            assert_left_alone(&created);
            return;
        }
    }
    panic!("{name}: the API server never failed open");
}

fn eventually_injected(fixture: &Alone, namespace: &str, name: &str) {
    for attempt in 0..50 {
        let pod = driver(&format!("{name}-{attempt}"), namespace);
        let created = fixture.cluster.kubectl().create(&pod).unwrap();
        if !crate::pods::sidecars(&created).is_empty() {
            assert_injected(&created);
            return;
        }
    }
    panic!("the webhook is back and is not asked");
}
