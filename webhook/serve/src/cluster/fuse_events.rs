//! A fuse that blew, as an Event of the pod that waits and of the webhook's own pod.

use emberscope_core::fuse::{Failure, FuseKey};
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client};
use tracing::warn;

use super::own_image::OwnPod;

/// Publishes Events; one that cannot be published is logged and lost.
#[derive(Clone)]
pub(super) struct FuseEvents {
    client: Client,
    recorder: Recorder,
    own: Option<OwnPod>,
}

impl FuseEvents {
    /// As this replica: by the name of its pod.
    pub(super) fn new(client: Client, own: Option<OwnPod>) -> Self {
        let instance = own.as_ref().map(|own| own.pod.clone());
        let reporter = Reporter { controller: "emberscope.dev/webhook".into(), instance };
        Self { recorder: Recorder::new(client.clone(), reporter), client, own }
    }

    /// The fuse blew, because of a pod with this name and uid.
    pub(super) async fn blown(
        &self,
        key: &FuseKey,
        failure: Failure,
        (name, uid): (String, String),
    ) {
        let FuseKey { namespace, image, .. } = key;
        let note = format!(
            "The sidecar emberscope-sidecar of {namespace}/{name} does not start ({}, image {image}). New \
             pods of this namespace start without it, until one runs or the image or the configuration \
             changes. `emberscope check` says what helps those that wait.",
            failure.as_str()
        );
        let waits = reference(namespace, &name, Some(uid));
        self.publish(waits, &note).await;
        let Some(OwnPod { namespace, pod }) = &self.own else {
            return;
        };
        // `kubectl describe` looks for Events by the uid.
        let own = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let uid = own.get_metadata(pod).await.ok().and_then(|pod| pod.metadata.uid);
        self.publish(reference(namespace, pod, uid), &note).await;
    }

    async fn publish(&self, of: ObjectReference, note: &str) {
        let event = Event {
            type_: EventType::Warning,
            reason: "SidecarDoesNotStart".to_owned(),
            note: Some(note.chars().take(1000).collect()),
            action: "LeaveAlone".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &of).await {
            warn!(why = %error, namespace = of.namespace, "the Event could not be published");
        }
    }
}

fn reference(namespace: &str, name: &str, uid: Option<String>) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        uid,
        ..ObjectReference::default()
    }
}
