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
use super::{Failure, Read, Reading, Repairs, Source, on_the_file_thread, with_unparsed_lines};
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
        let mut unparsed = 0;
        let result = self.read_group(&mut unparsed);
        with_unparsed_lines(result, unparsed)
    }

    fn read_group(&self, unparsed: &mut u64) -> Result<Reading, Failure> {
        let spark = self.processes.spark().ok_or_else(|| {
            Failure::new("no_process", "no process of Spark's to find its control group by")
        })?;
        let failure = |error: CgroupError| Failure::new(error.reason(), error);
        let open = self.group().filter(|(process, _)| *process == spark);
        let group = match open {
            Some((_, group)) => group,
            None => Arc::new(ControlGroup::open(&self.proc_root, spark.pid).map_err(failure)?),
        };
        let figures = group.read().inspect_err(|_| lock(&self.last).group = None).map_err(failure);
        *unparsed = group.take_unparsed();
        let figures = figures?;
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

/// Reads these bytes as each of the files there are, which comes to an end whatever they are.
///
/// # Panics
///
/// If more lines are left out than there are.
#[cfg(any(test, fuzzing))]
pub fn read_as_each_file(bytes: &[u8]) {
    use crate::kernel_files::{Unparsed, limit, lines};

    let mut unparsed = Unparsed::default();
    let (mut memory, mut cpu) = (Memory::default(), Cpu::default());
    v1::memory_stat(bytes, &mut unparsed, &mut memory);
    v1::oom_control(bytes, &mut unparsed, &mut memory);
    v1::cpuacct_stat(bytes, &mut unparsed, &mut cpu);
    v1::cpu_stat(bytes, &mut unparsed, &mut cpu);
    v2::memory_stat(bytes, &mut unparsed, &mut memory);
    v2::memory_events(bytes, &mut unparsed, &mut memory);
    v2::cpu_stat(bytes, &mut unparsed, &mut cpu);
    v2::cpu_max(bytes, &mut unparsed, &mut cpu);
    let waiting = v2::pressure(bytes, &mut unparsed);
    let storage = [v1::traffic(bytes, &mut unparsed), v2::traffic(bytes, &mut unparsed)];
    let current = limit(bytes, &mut unparsed);
    // Twelve readings, each of which counts a line once.
    assert!(unparsed.0 <= 12 * lines(bytes).count() as u64, "{unparsed:?}");
    let pressure = Pressure { io: waiting, ..Pressure::default() };
    for storage in storage {
        let pids = Pids { current, limit: None };
        let (memory, cpu, pressure) = (memory.clone(), cpu.clone(), pressure.clone());
        Figures { memory, cpu, pressure, storage, pids }.write("spark", &mut Page::new());
    }
}

#[cfg(test)]
mod tests;
