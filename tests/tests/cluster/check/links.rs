//! The installation and the API server's call to it, link by link.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emberscope_certs::authority;
use emberscope_tests::cluster::fake_webhook::{Behaviour, FakeWebhook};
use emberscope_tests::ports;
use serde_json::{Value, json};

use super::chain::{Chain, ENABLED, as_new, assert_golden, label};

const CONFIGURATION: [&str; 2] = ["mutatingwebhookconfiguration", "emberscope"];

/// Takes an object of the webhook's namespace away; returns it as it can be created again.
fn take_away(chain: &Chain, kind: &str) -> Value {
    let object = [kind, "emberscope", "-n", "emberscope"];
    let kubectl = chain.kubectl();
    let found = kubectl.run(["get"].iter().chain(&object).chain(&["-o", "json"])).unwrap();
    kubectl.run(["delete"].iter().chain(&object)).unwrap();
    as_new(found.json().unwrap())
}

fn put_back(chain: &Chain, object: &Value) {
    chain.kubectl().run_on(["create", "-f", "-"], object).unwrap();
}

#[test]
fn a_broken_installation_is_named_link_by_link() {
    let chain = Chain::whole();
    chain.assert_well("as installed");

    chain.ready_replicas(0);
    chain.assert_only_fails("deployment", "kubectl describe pods -n emberscope");
    chain.ready_replicas(2);

    chain.ready_endpoints(0);
    chain.assert_only_fails("endpoints", "kubectl get pods,endpointslices");
    chain.ready_endpoints(2);

    // With a Service its slices go; one break is one failure.
    let service = take_away(&chain, "service");
    let slice = ["delete", "endpointslice", "emberscope-1", "-n", "emberscope"];
    chain.kubectl().run(slice).unwrap();
    let sentence = chain.assert_only_fails("service", "kubectl apply -k manifests/base");
    assert_eq!(sentence, "there is no Service");
    let checked = chain.check(&["-o", "json"]);
    assert!(checked.sentence("skip", "endpoints").ends_with("because of service, above"));
    put_back(&chain, &service);
    chain.ready_endpoints(2);

    let map = take_away(&chain, "configmap");
    let mut bad = map.clone();
    bad["data"]["config.yaml"] = json!("sidecar:\n  prot: 9814\n");
    put_back(&chain, &bad);
    let sentence = chain.assert_only_fails("configuration", "kubectl edit configmap emberscope");
    assert!(sentence.contains("prot"), "{sentence}");
    take_away(&chain, "configmap");
    chain.assert_only_fails("configuration", "kubectl apply -k manifests/base");
    put_back(&chain, &map);

    for (kind, check) in
        [("networkpolicy", "network_policy"), ("poddisruptionbudget", "disruption_budget")]
    {
        let object = take_away(&chain, kind);
        let checked = chain.check(&["-o", "json"]);
        put_back(&chain, &object);
        assert_eq!(checked.code, Some(0), "{}", checked.stdout);
        assert!(checked.sentence("warn", check).starts_with("there is no"), "{}", checked.stdout);
    }
    chain.assert_well("after all that");
    let elsewhere = chain.check(&["-o", "json", "--namespace", "elsewhere"]);
    assert_eq!(elsewhere.code, Some(1));
    assert!(elsewhere.sentence("fail", "namespace").contains("elsewhere"));
}

#[test]
fn a_webhook_configuration_that_does_not_work_is_named_by_what_is_wrong_with_it() {
    let chain = Chain::whole();
    let (kubectl, installation) = (chain.kubectl(), &chain.fixture.installation);
    let get = ["get"].iter().chain(&CONFIGURATION).chain(&["-o", "json"]);
    let whole = as_new(kubectl.run(get).unwrap().json().unwrap());
    let set = |field: &str, value: &Value| {
        let path = format!("/webhooks/0/{field}");
        let operation = json!([{"op": "add", "path": path, "value": value}]);
        installation.patch_configuration(&chain.fixture.cluster, &operation).unwrap();
    };

    kubectl.run(["delete"].iter().chain(&CONFIGURATION)).unwrap();
    chain.assert_only_fails("webhook", "kubectl apply -k manifests/base");
    kubectl.run_on(["create", "-f", "-"], &whole).unwrap();

    set("failurePolicy", &json!("Fail"));
    chain.assert_only_fails("failure_policy", r#""path":"/webhooks/0/failurePolicy""#);
    set("failurePolicy", &json!("Ignore"));

    let selector = &whole["webhooks"][0]["namespaceSelector"];
    set("namespaceSelector", &json!({"matchLabels": {"emberscope.dev/inject": "true"}}));
    chain.assert_only_fails("selectors", "kubectl apply -k manifests/base");
    set("namespaceSelector", selector);

    let mut rules = whole["webhooks"][0]["rules"].clone();
    rules[0]["operations"] = json!(["UPDATE"]);
    set("rules", &rules);
    chain.assert_only_fails("selectors", "kubectl apply -k manifests/base");
    set("rules", &whole["webhooks"][0]["rules"]);

    let bundle = &whole["webhooks"][0]["clientConfig"]["caBundle"];
    let day = Duration::from_hours(24);
    let of = |born| authority::generate(born).unwrap().certificate;
    set("clientConfig/caBundle", &json!(STANDARD.encode(of(SystemTime::now()))));
    let sentence = chain.assert_only_fails("stored_certificate", "kubectl logs -n emberscope");
    assert!(sentence.contains("does not vouch"), "{sentence}");
    // What would fail only because of it is not reported as another failure.
    let report = chain.check(&[]).stdout;
    let of_link = report.split("The API server's call to it\n").nth(1).unwrap();
    let of_link = of_link.split("Namespaces\n").next().unwrap();
    let from_here = of_link.find("  FAIL").unwrap();
    assert_golden("foreign-authority", &of_link[from_here..]);
    set("clientConfig/caBundle", &json!(STANDARD.encode(of(SystemTime::now() - 400 * day))));
    chain.assert_only_fails("ca_bundle", "kubectl logs -n emberscope");
    set("clientConfig/caBundle", &json!(""));
    chain.assert_only_fails("ca_bundle", "kubectl logs -n emberscope");
    set("clientConfig/caBundle", bundle);
    chain.assert_well("after all that");
}

#[test]
fn a_certificate_that_expired_or_is_not_served_is_told_from_a_server_that_talks_nonsense() {
    let chain = Chain::whole();
    let (kubectl, fixture) = (chain.kubectl(), &chain.fixture);
    let ours = fixture.installation.authority(&fixture.cluster).unwrap();
    let secret = ["secret", "emberscope-tls", "-n", "emberscope"];
    let get = ["get"].iter().chain(&secret).chain(&["-o", "jsonpath={.data.tls\\.crt}"]);
    let leaf = kubectl.run(get).unwrap().stdout;
    let store = |leaf: &str| {
        let patch = json!({"data": {"tls.crt": leaf}}).to_string();
        let patch = ["--type=merge", "-p", &patch];
        kubectl.run(["patch"].iter().chain(&secret).chain(&patch)).unwrap();
    };
    let names = ["emberscope.emberscope.svc".to_owned(), "localhost".to_owned()];
    let long_ago = SystemTime::now() - Duration::from_hours(24 * 40);
    store(&STANDARD.encode(authority::issue(&ours, &names, long_ago).unwrap().certificate));
    let sentence = chain.assert_only_fails("stored_certificate", "kubectl logs -n emberscope");
    assert!(sentence.contains("expired 10 days ago"), "{sentence}");
    store(&leaf);

    let call = |port: u16| fixture.installation.point_at(&fixture.cluster, port).unwrap();
    call(ports::any().unwrap());
    let sentence = chain.assert_only_fails("served_certificate", "kubectl logs -n emberscope");
    assert!(sentence.contains("refused"), "{sentence}");

    let stranger = FakeWebhook::start(|_| Behaviour::Patch(json!([]))).unwrap();
    call(stranger.port());
    let sentence = chain.assert_only_fails("served_certificate", "kubectl logs -n emberscope");
    assert!(sentence.contains("UnknownIssuer"), "{sentence}");

    // Trusted, reached, and of no use: only the API server's own call shows that.
    let nonsense = FakeWebhook::start_under(ours, |_| Behaviour::Says("{}")).unwrap();
    call(nonsense.port());
    chain.assert_only_fails("dry_run", "apiserver_admission_webhook_fail_open_count");
    assert!(nonsense.asked() > 0);
    call(fixture.installation.service.port());
    chain.assert_well("after all that");
}

#[test]
fn namespaces_that_did_not_opt_in_or_only_seem_to_are_named() {
    let chain = Chain::whole();
    let kubectl = chain.kubectl();
    label(&kubectl, &chain.namespace, "emberscope.dev/inject-");
    let command = "kubectl label namespace NAME emberscope.dev/inject=enabled";
    chain.assert_only_fails("labelled", command);
    label(&kubectl, &chain.namespace, ENABLED);

    let other = chain.fixture.not_opted_in();
    label(&kubectl, &other, "emberscope.dev/inject=true");
    let command = format!("kubectl label namespace {other} emberscope.dev/inject=enabled");
    chain.assert_only_fails("mistyped", &command);
    label(&kubectl, &other, "emberscope.dev/inject-");
    kubectl.run(["annotate", "namespace", &other, ENABLED]).unwrap();
    let sentence = chain.assert_only_fails("mistyped", &command);
    assert!(sentence.contains("as an annotation"), "{sentence}");
    kubectl.run(["annotate", "namespace", &other, "emberscope.dev/inject-"]).unwrap();
    chain.assert_well("after all that");
}
