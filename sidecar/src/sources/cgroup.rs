//! The control group of the Spark container: what it uses, what it may use, what it waits for.
//!
//! `/proc/<pid>/root` leads into the mount namespace of a process, and there `/sys/fs/cgroup` is
//! the container's own: no privilege and no API is needed, only the same user and group. Both
//! versions of the interface are read, and the mixtures of them; what a kernel does not have is
//! absent. The rules and names are cAdvisor's, behind the prefix `spark_container_`.

mod control_group;
mod error;
mod families;
mod figures;
mod locate;
mod v1;
mod v2;

pub use control_group::ControlGroup;
pub use error::CgroupError;
pub use families::documented;
pub use figures::{Cpu, Figures, Memory, Pids, Pressure, Storage, Waiting};

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::processes::{Identity, Processes};
use super::{Failure, Read, Reading, Repairs, Source, on_the_file_thread};
use crate::exposition::Page;
use crate::lock::lock;

/// The control group of Spark's JVM, as a source.
#[derive(Debug)]
pub struct Cgroup {
    proc_root: PathBuf,
    container: String,
    /// Asked before, so that they know Spark's JVM.
    processes: Arc<Processes>,
    /// Never locked for long.
    last: Mutex<LastReading>,
}

/// What is kept of the last reading.
#[derive(Debug, Default)]
struct LastReading {
    /// The group that is open, and whose it is.
    group: Option<(Identity, Arc<ControlGroup>)>,
    figures: Option<Figures>,
}

impl Cgroup {
    /// The source's name.
    pub const NAME: &str = "cgroup";

    /// That of the JVM that these processes show, in the Spark container of that name.
    #[must_use]
    pub fn new(proc_root: PathBuf, container: String, processes: Arc<Processes>) -> Self {
        Self { proc_root, container, processes, last: Mutex::default() }
    }

    /// The container's name.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// Where the process file system is mounted.
    #[must_use]
    pub fn proc_root(&self) -> &Path {
        &self.proc_root
    }

    /// The group that was read last, and whose it is.
    #[must_use]
    pub fn group(&self) -> Option<(Identity, Arc<ControlGroup>)> {
        lock(&self.last).group.clone()
    }

    /// The figures that were read last.
    #[must_use]
    pub fn last_figures(&self) -> Option<Figures> {
        lock(&self.last).figures.clone()
    }

    /// These figures as a page.
    #[must_use]
    pub fn page(&self, figures: &Figures) -> Page {
        let mut page = Page::new();
        figures.write(&self.container, &mut page);
        page
    }

    fn read_now(&self) -> Result<Reading, Failure> {
        let spark = self.processes.spark().ok_or_else(|| {
            Failure::new("no_process", "no process of Spark's to find its control group by")
        })?;
        let failure = |error: CgroupError| Failure::new(error.reason(), error);
        let open = self.group().filter(|(process, _)| *process == spark);
        let group = match open {
            Some((_, group)) => group,
            None => Arc::new(ControlGroup::open(&self.proc_root, spark.pid).map_err(failure)?),
        };
        let figures =
            group.read().inspect_err(|_| lock(&self.last).group = None).map_err(failure)?;
        let page = self.page(&figures);
        *lock(&self.last) = LastReading { group: Some((spark, group)), figures: Some(figures) };
        Ok(Reading { shows_spark: true, ..Reading::new(page, Repairs::default()) })
    }
}

impl Source for Cgroup {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reasons(&self) -> &'static [&'static str] {
        &CgroupError::REASONS
    }

    fn read(self: Arc<Self>) -> Read {
        on_the_file_thread(move || self.read_now())
    }
}

#[cfg(test)]
mod tests;
