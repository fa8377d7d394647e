//! The certificate that is served, from memory or from files. From a Secret: [`crate::cluster`].

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use emberscope_certs::renewal::{self, Change, Renewal, Wanted};
use emberscope_certs::{Identity, Material, directory};
use tracing::{info, warn};

use crate::Shared;

/// Serves `identity` from now on.
pub(super) fn serve(identity: &Identity, shared: &Shared) -> Result<()> {
    shared.certificate.swap(identity)?;
    shared.metrics.certificate(identity.validity()?.not_after);
    Ok(())
}

/// A certificate of nobody else's knowledge, renewed when due. Returns only with an error.
pub(super) async fn in_memory(
    names: &[String],
    ca_out: Option<&Path>,
    shared: &Shared,
) -> Result<()> {
    let wanted = Wanted { names, rotation_overlap: shared.intervals.rotation_overlap };
    let mut stored: Option<Material> = None;
    loop {
        let now = SystemTime::now();
        let renewal = match stored.take() {
            Some(material) => renewal::renew(material, wanted, now)?,
            None => Renewal::Changed {
                material: renewal::create(wanted, Vec::new(), now)?,
                change: Change::Created,
            },
        };
        stored = Some(match renewal {
            Renewal::Current(material) => material,
            Renewal::Changed { material, change } => {
                if let Some(path) = ca_out {
                    fs::write(path, material.bundle())
                        .with_context(|| format!("cannot write --ca-out {}", path.display()))?;
                }
                serve(&material.leaf, shared)?;
                info!(?change, ?names, "serving a certificate from memory");
                shared.readiness.ready();
                material
            }
        });
        tokio::time::sleep(shared.intervals.clock).await;
    }
}

/// A certificate from files, served from now on.
pub(super) fn from_directory(dir: &Path, shared: &Shared) -> Result<Identity> {
    let identity = directory::read(dir).context("--cert-dir")?;
    serve(&identity, shared).with_context(|| format!("--cert-dir {}", dir.display()))?;
    info!(dir = %dir.display(), "serving the certificate from files");
    Ok(identity)
}

/// Reads the files again and again; while what they held last is in its time, the server is ready.
pub(super) async fn reread(dir: &Path, mut current: Identity, shared: &Shared) -> Result<()> {
    loop {
        let swapped = directory::read(dir).map_err(anyhow::Error::from).and_then(|found| {
            if found == current {
                return Ok(false);
            }
            serve(&found, shared)?;
            current = found;
            Ok(true)
        });
        match current.validity() {
            Ok(validity) if validity.contains(SystemTime::now()) => shared.readiness.ready(),
            _ => shared.readiness.not_ready("the certificate from files is out of its time".into()),
        }
        shared.metrics.round(swapped.is_ok());
        match swapped {
            Ok(true) => info!(dir = %dir.display(), "serving the new certificate from files"),
            Ok(false) => {}
            Err(error) => {
                warn!(
                    error = format!("{error:#}"),
                    "the certificate from files is unusable; the old one stays"
                );
            }
        }
        tokio::time::sleep(shared.intervals.reread).await;
    }
}
