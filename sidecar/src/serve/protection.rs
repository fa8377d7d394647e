//! What protects the page now, kept up to date with the web configuration while the sidecar lives.
//!
//! As long as there has been no usable configuration, there is no protection, and nothing is
//! served. Afterwards a bad one changes nothing: the one before stays in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;
use tracing::{debug, error, info};

use super::basic_auth::Users;
use super::tls::{TlsError, server_config};
use super::web_config::{Fingerprint, Loaded, WebConfigError};

/// How often the files are read.
const AGAIN: Duration = Duration::from_secs(5);

/// What protects the page; by default nothing does.
#[derive(Debug, Default)]
pub struct Protection {
    /// TLS, or none for plain HTTP.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Who may see the page, or none for everybody.
    pub(super) users: Option<Arc<Users>>,
}

/// Protects the page as that file says, if one is given. Returns as soon as there is a usable
/// configuration; says so once if there is none yet. What is returned follows the file.
pub async fn protection(file: Option<PathBuf>) -> watch::Receiver<Arc<Protection>> {
    keep(file, AGAIN).await
}

async fn keep(file: Option<PathBuf>, again: Duration) -> watch::Receiver<Arc<Protection>> {
    let Some(file) = file else {
        return watch::channel(Arc::default()).1;
    };
    let mut keeper = Keeper { file, in_force: None, complaint: None };
    let first = loop {
        if let Some(first) = keeper.look().await {
            break first;
        }
        tokio::time::sleep(again).await;
    };
    let (sender, receiver) = watch::channel(Arc::new(first));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(again) => {}
                () = sender.closed() => return,
            }
            if let Some(next) = keeper.look().await {
                sender.send_replace(Arc::new(next));
            }
        }
    });
    receiver
}

/// Looks at the files again and again.
struct Keeper {
    file: PathBuf,
    in_force: Option<Fingerprint>,
    /// What was said last, if things have not got better since.
    complaint: Option<String>,
}

impl Keeper {
    /// The protection, if it is another than before.
    async fn look(&mut self) -> Option<Protection> {
        let (file, in_force) = (self.file.clone(), self.in_force);
        let loading = tokio::task::spawn_blocking(move || Protection::load(&file, in_force));
        let loaded = match loading.await {
            Ok(loaded) => loaded.map_err(|error| format!("{:#}", anyhow::Error::from(error))),
            Err(_) => Err("a defect; the log has its message".to_owned()),
        };
        match loaded {
            Ok(None) => {
                if self.complaint.take().is_some() {
                    info!("the web configuration is again what it was");
                }
                None
            }
            Ok(Some((fingerprint, protection))) => {
                self.complaint = None;
                self.in_force = Some(fingerprint);
                protection.describe(&self.file);
                Some(protection)
            }
            Err(complaint) => {
                self.complain(complaint);
                None
            }
        }
    }

    fn complain(&mut self, complaint: String) {
        if self.complaint.as_ref() == Some(&complaint) {
            debug!("the web configuration is still unusable");
        } else if self.in_force.is_none() {
            error!(
                error = complaint,
                "no page is served without a usable web configuration; will keep trying"
            );
        } else {
            error!(error = complaint, "the web configuration is unusable; the one before stays");
        }
        self.complaint = Some(complaint);
    }
}

impl Protection {
    /// Reads the files; nothing if they are still what they were.
    fn load(
        file: &Path,
        in_force: Option<Fingerprint>,
    ) -> Result<Option<(Fingerprint, Self)>, WebConfigError> {
        let Loaded { config, pems, fingerprint } = Loaded::read(file)?;
        if in_force == Some(fingerprint) {
            return Ok(None);
        }
        let path = file.to_owned();
        let tls = match config.tls.as_ref().zip(pems.as_ref()) {
            None => None,
            Some((tls, pems)) => Some(server_config(tls, pems).map_err(|error| match error {
                TlsError::Certificate(fields, source) => {
                    WebConfigError::Certificate { path, fields, source }
                }
                TlsError::Other(field, source) => WebConfigError::Tls { path, field, source },
            })?),
        };
        let users = match config.users {
            nobody if nobody.is_empty() => None,
            users => Some(Arc::new(Users::new(users)?)),
        };
        Ok(Some((fingerprint, Self { tls, users })))
    }

    fn describe(&self, file: &Path) {
        let users = self.users.as_ref().map_or(0, |users| users.count());
        let file = file.display();
        info!(%file, tls = self.tls.is_some(), users, "the web configuration is in force");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const USER: &str =
        "basic_auth_users: {a: $2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm}";

    async fn change(kept: &mut watch::Receiver<Arc<Protection>>) -> Arc<Protection> {
        let changed = tokio::time::timeout(Duration::from_secs(20), kept.changed());
        changed.await.unwrap().unwrap();
        Arc::clone(&kept.borrow_and_update())
    }

    #[tokio::test]
    async fn without_a_file_there_is_no_protection_and_no_wait() {
        let kept = keep(None, AGAIN).await;
        assert!(kept.borrow().tls.is_none() && kept.borrow().users.is_none());
    }

    #[tokio::test]
    async fn a_file_that_comes_later_is_waited_for_and_a_bad_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.yml");
        let again = Duration::from_millis(5);
        let mut waiting = std::pin::pin!(keep(Some(file.clone()), again));
        assert!(tokio::time::timeout(again * 20, &mut waiting).await.is_err());
        fs::write(&file, USER).unwrap();
        let mut kept = waiting.await;
        assert_eq!(kept.borrow_and_update().users.as_ref().unwrap().count(), 1);
        for bad in ["basic_auth_users: {a: x}", "tls_server_config: {cert: x, key: y}", "\u{0}"] {
            fs::write(&file, bad).unwrap();
            tokio::time::sleep(again * 20).await;
            assert!(!kept.has_changed().unwrap(), "{bad}");
        }
        fs::remove_file(&file).unwrap();
        tokio::time::sleep(again * 20).await;
        assert!(!kept.has_changed().unwrap());
        fs::write(&file, "# nothing\n").unwrap();
        assert!(change(&mut kept).await.users.is_none());
    }
}
