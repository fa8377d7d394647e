//! One Secret with the authority and the certificate; of replicas that race, one wins and all agree.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use emberscope_certs::Material;
use emberscope_certs::material::{self, Data};
use emberscope_certs::renewal::Change;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use tokio::sync::Notify;

use super::watch;

/// Whoever sets this annotation, to anything, asks for another authority.
const ROTATE: &str = "emberscope.dev/rotate";

/// Where the Secret is.
pub(super) struct CertificateSecret {
    api: Api<Secret>,
    metadata: Api<PartialObjectMeta<Secret>>,
    namespace: String,
    name: String,
}

impl CertificateSecret {
    pub(super) fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client.clone(), namespace),
            metadata: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Tells of every change.
    pub(super) async fn watch(&self, changed: &Notify) {
        watch::object(self.metadata.clone(), &self.name, changed).await;
    }

    /// The Secret, if there is one.
    pub(super) async fn get(&self) -> Result<Option<Secret>> {
        let found = self.api.get_opt(&self.name).await;
        found.with_context(|| format!("cannot read the Secret {}/{}", self.namespace, self.name))
    }

    /// Stores the material in place of what was found; nothing if somebody else was faster.
    pub(super) async fn put(
        &self,
        found: Option<Secret>,
        material: &Material,
        change: Change,
    ) -> Result<Option<Secret>> {
        let written = match found {
            // With its resourceVersion: refused if someone was faster.
            Some(mut secret) => {
                let data = secret.data.get_or_insert_default();
                data.retain(|name, _| !material::is_entry(name));
                data.extend(encoded(material));
                if change == Change::RotationBegun {
                    secret.metadata.annotations.as_mut().map(|all| all.remove(ROTATE));
                }
                self.api.replace(&self.name, &PostParams::default(), &secret).await
            }
            None => self.api.create(&PostParams::default(), &self.first(material)).await,
        };
        match written {
            Ok(secret) => Ok(Some(secret)),
            // With 404 it was deleted in between.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(None),
            Err(error) => Err(error).with_context(|| {
                format!("cannot write the Secret {}/{}", self.namespace, self.name)
            }),
        }
    }

    fn first(&self, material: &Material) -> Secret {
        let labels = [
            ("app.kubernetes.io/name", "emberscope"),
            ("app.kubernetes.io/managed-by", "emberscope"),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            data: Some(encoded(material)),
            ..Secret::default()
        }
    }
}

/// The data of a Secret.
pub(super) fn data(secret: &Secret) -> Data {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), value.0.clone())).collect()
}

/// Whether another authority is asked for.
pub(super) fn asks_for_rotation(secret: &Secret) -> bool {
    let annotations = secret.metadata.annotations.as_ref();
    annotations.is_some_and(|annotations| annotations.contains_key(ROTATE))
}

fn encoded(material: &Material) -> BTreeMap<String, ByteString> {
    material.to_data().into_iter().map(|(key, value)| (key, ByteString(value))).collect()
}
