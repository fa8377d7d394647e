//! Where etcd, kube-apiserver, kubectl and Helm come from.
//!
//! `$KUBEBUILDER_ASSETS`, where it is set: the folder in which `setup-envtest` and kubebuilder put
//! them (<https://book.kubebuilder.io/reference/envtest>). Else what `tests/control-plane.sh` built
//! from their published Go modules.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The three programs.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ControlPlane {
    pub etcd: PathBuf,
    pub kube_apiserver: PathBuf,
    pub kubectl: PathBuf,
}

impl ControlPlane {
    /// Finds them; an error says how to get them.
    pub fn find() -> Result<Self> {
        let (folder, remedy) = match env::var_os("KUBEBUILDER_ASSETS")
            .filter(|folder| !folder.is_empty())
        {
            Some(folder) => {
                (PathBuf::from(folder), "KUBEBUILDER_ASSETS names that folder; mend or unset it")
            }
            None => (built()?, "run `tests/setup.sh test`, which builds it"),
        };
        let program = |name: &str| {
            let path = folder.join(name);
            ensure!(path.is_file(), "there is no {}; {remedy}", path.display());
            Ok(path)
        };
        Ok(Self {
            etcd: program("etcd")?,
            kube_apiserver: program("kube-apiserver")?,
            kubectl: program("kubectl")?,
        })
    }
}

/// Helm, which the same script builds; an error says how to get it.
pub fn helm() -> Result<PathBuf> {
    let path = built()?.join("helm");
    ensure!(
        path.is_file(),
        "there is no {}; run `tests/control-plane.sh build helm`, which builds it",
        path.display()
    );
    Ok(path)
}

/// The folder that `tests/control-plane.sh` builds into.
fn built() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("control-plane.sh");
    let output = Command::new(&script)
        .arg("folder")
        .output()
        .with_context(|| format!("{} could not be run", script.display()))?;
    let folder = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder.trim_end().into())
}
