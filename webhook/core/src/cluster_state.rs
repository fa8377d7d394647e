//! What is known of the cluster that pods are created in: a value that is handed in, so that deciding
//! stays a function.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use crate::config::{Image, ImagePullPolicy};
use crate::contract::WEBHOOK_CONTAINER;
use crate::native_sidecars::NativeSidecars;
use crate::origin::Origin;

/// What is known of a cluster, besides its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    /// What its kubelets know.
    pub native_sidecars: NativeSidecars,
    /// The image that holds the sidecar beside this program.
    pub own_image: OwnImage,
}

/// The image that is injected where nobody names another: the one that this program runs from. Nodes
/// could pull it, or the webhook would not have started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnImage {
    /// It is known.
    Known {
        /// The image.
        image: Image,
        /// When the kubelet pulls it.
        pull_policy: ImagePullPolicy,
        /// Who said so.
        by: Origin,
    },
    /// The webhook could not read its own pod yet. A guess would have pods wait for an image.
    Unread,
    /// Nobody runs the program in a pod: the released name stands in.
    Released,
}

impl ClusterState {
    /// Where there is no cluster to ask: today's kubelets know native sidecars.
    #[must_use]
    pub const fn offline() -> Self {
        Self { native_sidecars: NativeSidecars::Everywhere, own_image: OwnImage::Released }
    }
}

impl OwnImage {
    /// That of the webhook's container in a pod; else what is wrong.
    pub fn of(pod: PodSpec) -> Result<Self, String> {
        let is_ours = |container: &Container| container.name == WEBHOOK_CONTAINER;
        // Others may have been put beside it, in front or behind.
        let only = pod.containers.len() == 1;
        let mut containers = pod.containers.into_iter();
        let own = containers.find(|container| only || is_ours(container));
        let own = own.ok_or_else(|| format!("no container is called {WEBHOOK_CONTAINER}"))?;
        let policy = own.image_pull_policy.as_deref();
        let policy = ImagePullPolicy::ALL.iter().copied().find(|one| Some(one.as_str()) == policy);
        Ok(Self::Known {
            image: Image::try_from(own.image.unwrap_or_default())?,
            pull_policy: policy.unwrap_or(ImagePullPolicy::IfNotPresent),
            by: Origin::Program("the webhook's own container"),
        })
    }

    /// The one that a command line names, pulled where it is missing.
    #[must_use]
    pub fn said(image: Option<Image>) -> Self {
        image.map_or(Self::Released, |image| Self::Known {
            image,
            pull_policy: ImagePullPolicy::IfNotPresent,
            by: Origin::Program("--image"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{AllSettings, Config};

    fn of(containers: &Value) -> Result<(String, &'static str), String> {
        match OwnImage::of(serde_json::from_value(json!({"containers": containers})).unwrap())? {
            OwnImage::Known { image, pull_policy, .. } => {
                Ok((image.to_string(), pull_policy.as_str()))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn image_and_pull_policy_are_those_of_the_webhooks_container() {
        let digest = format!("mirror.example.com:8443/emberscope@sha256:{}", "0".repeat(64));
        let webhook = json!({"name": "webhook", "image": digest, "imagePullPolicy": "Always"});
        let proxy = json!({"name": "istio-proxy", "image": "proxy:1"});
        assert_eq!(of(&json!([proxy, webhook])).unwrap(), (digest, "Always"));
        let renamed = json!([{"name": "renamed", "image": "emberscope:2"}]);
        assert_eq!(of(&renamed).unwrap(), ("emberscope:2".to_owned(), "IfNotPresent"));
    }

    #[test]
    fn what_is_no_image_of_the_webhooks_is_refused() {
        let two = json!([{"name": "a", "image": "a"}, {"name": "b", "image": "b"}]);
        assert!(of(&two).unwrap_err().contains("webhook"));
        assert!(of(&json!([{"name": "webhook"}])).unwrap_err().contains("no reference"));
        assert!(of(&json!([{"name": "webhook", "image": "A B"}])).is_err());
    }

    /// With a pull policy of its own, a configuration keeps it; with an image of its own, the webhook's
    /// pull policy is none of its business.
    #[test]
    fn what_the_configuration_says_comes_before_what_the_webhook_runs() {
        let own = OwnImage::Known {
            image: Image::try_from("r.io/emberscope:9".to_owned()).unwrap(),
            pull_policy: ImagePullPolicy::Always,
            by: Origin::Program("the webhook's own container"),
        };
        for (yaml, image, policy) in [
            ("", "r.io/emberscope:9", "Always"),
            ("sidecar: {imagePullPolicy: Never}", "r.io/emberscope:9", "Never"),
            ("sidecar: {image: other}", "other", "IfNotPresent"),
        ] {
            let cluster = ClusterState { own_image: own.clone(), ..ClusterState::offline() };
            let all = AllSettings::new(Config::parse(yaml, None).unwrap(), cluster);
            let sidecar = &all.default().config.sidecar;
            assert_eq!(sidecar.image.as_str(), image, "{yaml}");
            assert_eq!(sidecar.image_pull_policy.as_str(), policy, "{yaml}");
        }
    }
}
