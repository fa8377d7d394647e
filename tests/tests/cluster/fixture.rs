//! The one control plane with the webhook installed, shared or alone.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use emberscope_tests::cluster::Cluster;
use emberscope_tests::cluster::installation::{Installation, Replica};
use emberscope_tests::programs;

/// The label that opts a namespace in.
pub(crate) const OPT_IN: &str = "emberscope.dev/inject=enabled";

/// A cluster in which two replicas of the webhook answer.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
    pub(crate) installation: Installation,
    pub(crate) replicas: Vec<Replica>,
    config: String,
}

static FIXTURE: LazyLock<RwLock<Fixture>> = LazyLock::new(|| RwLock::new(Fixture::start()));

impl Fixture {
    fn start() -> Self {
        let programs = programs::build().unwrap();
        let cluster = Cluster::start().unwrap();
        let manifests = repository().join("manifests/base");
        let mut installation =
            Installation::install(&cluster, &manifests, &programs.join("emberscope")).unwrap();
        let replicas = installation.run(2).unwrap();
        let config = std::fs::read_to_string(installation.config_file()).unwrap();
        Self { cluster, installation, replicas, config }
    }

    /// A new namespace that opted in.
    pub(crate) fn opted_in(&self) -> String {
        self.cluster.namespace(&[OPT_IN]).unwrap()
    }

    /// A new namespace that did not.
    pub(crate) fn not_opted_in(&self) -> String {
        self.cluster.namespace(&[]).unwrap()
    }

    fn restore(&self) {
        let ports: Vec<u16> = self.replicas.iter().map(|replica| replica.port).collect();
        self.installation.service.set_endpoints(&ports);
        let _ = self.installation.point_at(&self.cluster, self.installation.service.port());
        self.restore_configuration();
    }

    /// And waits until the replicas decide by it, for the next test does.
    fn restore_configuration(&self) {
        let file = self.installation.config_file();
        if std::fs::read_to_string(&file).is_ok_and(|text| text == self.config) {
            return;
        }
        let reloads = || self.replicas.iter().map(reloads).collect::<Vec<_>>();
        let (before, start) = (reloads(), Instant::now());
        let _ = std::fs::write(&file, &self.config);
        while reloads().iter().zip(&before).any(|(now, before)| now == before) {
            if start.elapsed() > Duration::from_secs(15) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// How often a replica has taken a changed configuration; none of one that does not answer.
fn reloads(replica: &Replica) -> Option<String> {
    let page = String::from_utf8(replica.get("/metrics").ok()?.body.to_vec()).ok()?;
    let line = "emberscope_config_reloads_total{result=\"in_effect\"}";
    page.lines().find(|one| one.starts_with(line)).map(str::to_owned)
}

/// The cluster, with other tests in it.
pub(crate) fn shared() -> RwLockReadGuard<'static, Fixture> {
    FIXTURE.read().unwrap_or_else(PoisonError::into_inner)
}

/// The cluster, with nobody else in it; whatever the test changes is restored at its end.
pub(crate) struct Alone(RwLockWriteGuard<'static, Fixture>);

pub(crate) fn alone() -> Alone {
    Alone(FIXTURE.write().unwrap_or_else(PoisonError::into_inner))
}

impl Deref for Alone {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.0
    }
}

impl std::ops::DerefMut for Alone {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.0
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.restore();
    }
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
