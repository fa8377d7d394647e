//! One Secret with the authority and the certificate; of replicas that race, one wins and all agree.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow};
use emberscope_certs::Material;
use emberscope_certs::renewal::{self, Renewal};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use tracing::{info, warn};

use super::{Keeper, RACE, RACES};

impl Keeper {
    /// What the Secret holds, renewed if due; of replicas that race, one wins and all agree.
    ///
    /// A Secret that was deleted or spoilt gets back what is served: the cluster trusts it.
    pub(super) async fn material(
        &self,
        names: &[String],
        served: Option<&Material>,
        now: SystemTime,
    ) -> Result<Material> {
        for _ in 0..RACES {
            let found = self.secrets.get_opt(&self.secret).await.with_context(|| {
                format!("cannot read the Secret {}/{}", self.namespace, self.secret)
            })?;
            let stored = found.as_ref().and_then(|secret| self.read(secret));
            let lost = stored.is_none();
            let (material, change) = match renewal::renew(stored.or(served.cloned()), names, now)? {
                Renewal::Current(material) if !lost => return Ok(material),
                Renewal::Current(material) => (material, None),
                Renewal::Changed { material, change } => (material, Some(change)),
            };
            let written = match found {
                // With its resourceVersion: refused if someone was faster.
                Some(secret) => {
                    let secret = Secret { data: Some(data(&material)), ..secret };
                    self.secrets.replace(&self.secret, &PostParams::default(), &secret).await
                }
                None => {
                    self.secrets.create(&PostParams::default(), &self.new_secret(&material)).await
                }
            };
            match written {
                Ok(_) => {
                    info!(?change, lost, secret = self.secret, "wrote the Secret");
                    return Ok(material);
                }
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    tokio::time::sleep(RACE).await;
                }
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!("cannot write the Secret {}/{}", self.namespace, self.secret)
                    });
                }
            }
        }
        Err(anyhow!("the Secret {}/{} changes all the time", self.namespace, self.secret))
    }

    /// The material in a Secret; one that was emptied or spoilt is as good as none.
    fn read(&self, secret: &Secret) -> Option<Material> {
        let data = secret.data.iter().flatten();
        let data = data.map(|(key, value)| (key.clone(), value.0.clone())).collect();
        Material::from_data(&data)
            .inspect_err(|error| warn!(%error, secret = self.secret, "the Secret is made anew"))
            .ok()
    }

    fn new_secret(&self, material: &Material) -> Secret {
        let labels = [
            ("app.kubernetes.io/name", "emberscope"),
            ("app.kubernetes.io/managed-by", "emberscope"),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(self.secret.clone()),
                namespace: Some(self.namespace.clone()),
                labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            data: Some(data(material)),
            ..Secret::default()
        }
    }
}

fn data(material: &Material) -> BTreeMap<String, ByteString> {
    material.to_data().into_iter().map(|(key, value)| (key, ByteString(value))).collect()
}
