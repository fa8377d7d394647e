//! What was mended, as Events of the Secret: `kubectl describe secret` shows them.

use emberscope_certs::renewal::Change;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource as _};
use tracing::warn;

/// The longest note that the API server takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Publishes Events; one that cannot be published is logged and lost.
pub(super) struct Events(Recorder);

impl Events {
    /// As this replica: by the name of its pod, which is what a container's host name is.
    pub(super) fn new(client: Client) -> Self {
        let instance = std::env::var("HOSTNAME").ok();
        Self(Recorder::new(
            client,
            Reporter { controller: "emberscope.dev/webhook".into(), instance },
        ))
    }

    /// The Secret was gone.
    pub(super) async fn secret_restored(&self, secret: &Secret) {
        let note = "The Secret was deleted; what is served is stored again. To replace the \
                    authority, annotate the Secret with emberscope.dev/rotate.";
        self.publish(secret, EventType::Warning, "SecretRestored", note.to_owned()).await;
    }

    /// The Secret was spoilt.
    pub(super) async fn secret_repaired(&self, secret: &Secret, change: Change, faults: &str) {
        let did = match change {
            Change::Restored => "what is served is stored again",
            Change::Created => "everything in it is new",
            _ => "what was spoilt is new",
        };
        let note = format!("Somebody changed the Secret ({faults}); {did}.");
        self.publish(secret, EventType::Warning, "SecretRepaired", note).await;
    }

    /// API servers did not trust what is served.
    pub(super) async fn ca_bundle_restored(&self, secret: &Secret) {
        let note = "The caBundle of the webhook configuration did not vouch for the certificate that \
                    is served; it was written again.";
        self.publish(secret, EventType::Warning, "CaBundleRestored", note.to_owned()).await;
    }

    /// A rotation began or ended.
    pub(super) async fn rotation(&self, secret: &Secret, change: Change) {
        let (reason, note) = match change {
            Change::RotationBegun => {
                ("RotationBegun", "A new authority is published; it signs in a minute.")
            }
            _ => ("RotationEnded", "No authority from before the rotation is trusted any more."),
        };
        self.publish(secret, EventType::Normal, reason, note.to_owned()).await;
    }

    async fn publish(&self, of: &Secret, type_: EventType, reason: &str, mut note: String) {
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        let action = match type_ {
            EventType::Normal => "Rotate",
            EventType::Warning => "Mend",
        };
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note),
            action: action.to_owned(),
            secondary: None,
        };
        if let Err(error) = self.0.publish(&event, &of.object_ref(&())).await {
            warn!(why = %error, reason, "the Event could not be published");
        }
    }
}
