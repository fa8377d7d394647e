//! The component that takes certificates from cert-manager, on top of the base.

use std::iter;

use clap::Parser as _;
use emberscope::cli::Args;
use serde_json::{Value, json};

use super::{base, find, rendered};

fn overlay() -> Vec<Value> {
    rendered("manifests/overlays/cert-manager")
}

/// The one object of a kind and name.
fn named<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    let mut found = objects
        .iter()
        .filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.next().unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

#[test]
fn the_webhook_reads_its_certificate_from_the_secret_that_cert_manager_writes() {
    let objects = overlay();
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let arguments = container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let arguments: Vec<_> = arguments.collect();
    assert!(arguments.contains(&"--cert-dir=/certs"), "{arguments:?}");
    let parsed = Args::try_parse_from(iter::once("emberscope").chain(arguments));
    assert!(parsed.is_ok(), "{parsed:?}");
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| mount["mountPath"] == "/certs").unwrap();
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
    let certificate = named(&objects, "Certificate", "emberscope");
    assert_eq!(volume["secret"]["secretName"], certificate["spec"]["secretName"]);
    // The API server asks for this name.
    assert_eq!(certificate["spec"]["dnsNames"], json!(["emberscope.emberscope.svc"]));
}

#[test]
fn the_authority_that_is_injected_is_the_one_that_signs() {
    let objects = overlay();
    let webhook = find(&objects, "MutatingWebhookConfiguration");
    // cert-manager takes ca.crt from this certificate's Secret.
    let from = &webhook["metadata"]["annotations"]["cert-manager.io/inject-ca-from"];
    assert_eq!(from, "emberscope/emberscope");
    let leaf = named(&objects, "Certificate", "emberscope");
    let issuer = named(&objects, "Issuer", leaf["spec"]["issuerRef"]["name"].as_str().unwrap());
    let authority = named(&objects, "Certificate", "emberscope-ca");
    assert_eq!(issuer["spec"]["ca"]["secretName"], authority["spec"]["secretName"]);
    assert_eq!(authority["spec"]["isCA"], true);
}

/// What it may do besides is for what it does besides, and a right that the base gets is one here.
#[test]
fn the_webhook_may_do_what_it_may_but_touch_a_secret_or_a_webhook_configuration() {
    let (objects, base) = (overlay(), base());
    for kind in ["Role", "ClusterRole"] {
        let rules = |objects| find(objects, kind)["rules"].as_array().unwrap().clone();
        let mut expected = rules(&base);
        let before = expected.len();
        expected.retain(|rule| {
            let resources = &rule["resources"];
            *resources != json!(["secrets"])
                && *resources != json!(["mutatingwebhookconfigurations"])
        });
        assert!(expected.len() < before, "{kind}");
        assert_eq!(rules(&objects), expected, "{kind}");
    }
}

/// Everything else is the base's.
#[test]
fn no_other_object_differs_from_the_base() {
    let (objects, base) = (overlay(), base());
    let changed = ["Deployment", "MutatingWebhookConfiguration", "ClusterRole", "Role"];
    for object in &base {
        let kind = object["kind"].as_str().unwrap();
        if !changed.contains(&kind) {
            assert!(objects.contains(object), "{kind}");
        }
    }
    let webhooks = |objects| find(objects, "MutatingWebhookConfiguration")["webhooks"].clone();
    assert_eq!(webhooks(&objects), webhooks(&base));
}
