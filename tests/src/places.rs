//! Where things are: the repository, the set-up's cache, and the folder of this run.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

/// Disk space that a run needs at most, in bytes: logs, shuffle files, two small databases.
const SPACE: u64 = 1 << 30;

/// The folders of a run.
#[derive(Debug, Clone)]
pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// Where `emberscope`, `emberscope-sidecar` and this program were built.
    pub programs: PathBuf,
    /// What this run writes; emptied by the next one.
    pub run: PathBuf,
    /// Logs of everything that was started.
    pub logs: PathBuf,
}

/// The programs and installations that a run uses.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The program `emberscope`.
    pub webhook: PathBuf,
    /// The program `emberscope-sidecar`.
    pub sidecar: PathBuf,
    /// The program `prometheus`.
    pub prometheus: PathBuf,
    /// The Java installation.
    pub java: PathBuf,
    /// The Spark installation.
    pub spark: PathBuf,
}

impl Places {
    /// Finds them; writes nothing.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = root.canonicalize().with_context(|| {
            format!("the repository is no longer at {}; run `make demo` in it", root.display())
        })?;
        let own = env::current_exe().context("the path of this program is unknown")?;
        let programs = own.parent().context("this program lies in no folder")?.to_path_buf();
        let run = root.join(".cache/demo");
        Ok(Self { logs: run.join("logs"), root, programs, run })
    }

    /// Empties the folder of this run, and makes it again.
    pub fn clear(&self) -> Result<()> {
        if self.run.exists() {
            fs::remove_dir_all(&self.run)
                .with_context(|| format!("{} could not be emptied", self.run.display()))?;
        }
        fs::create_dir_all(&self.logs).with_context(|| {
            format!("{} could not be made; check its owner and the disk", self.logs.display())
        })?;
        let disk = rustix::fs::statvfs(&self.run).context("the disk's free space is unknown")?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        ensure!(
            free >= SPACE,
            "the disk of {} has {} MiB left and a run needs {}; make room, then run this again",
            self.run.display(),
            free >> 20,
            SPACE >> 20,
        );
        Ok(())
    }

    /// Everything that a run starts, or a sentence on what is missing.
    pub fn tools(&self, spark_version: &str, spark_home: Option<&Path>) -> Result<Tools> {
        Ok(Tools {
            webhook: self.built("emberscope")?,
            sidecar: self.built("emberscope-sidecar")?,
            prometheus: on_path("prometheus")?,
            java: self.java_home()?,
            spark: match spark_home {
                Some(home) => installation(home)?,
                None => self.spark_home(spark_version)?,
            },
        })
    }

    /// A program of this workspace, built next to this one.
    pub fn built(&self, name: &str) -> Result<PathBuf> {
        let path = self.programs.join(name);
        ensure!(
            path.is_file(),
            "{} is not built; run `cargo build --workspace --bins`, or `make demo`, which does",
            path.display()
        );
        Ok(path)
    }

    /// A program as images hold it (`manifests/images/compile.sh`).
    pub fn shipped(&self, name: &str) -> Result<PathBuf> {
        let target = self.programs.parent().context("this program lies in no target folder")?;
        let path = target.join(format!("{}-unknown-linux-gnu/dist/{name}", env::consts::ARCH));
        ensure!(
            path.is_file(),
            "{} is not built; run `manifests/images/compile.sh`, or `make bench`, which does",
            path.display()
        );
        Ok(path)
    }

    /// The home of a Spark version as `tests/setup.sh` installed it.
    pub fn spark_home(&self, version: &str) -> Result<PathBuf> {
        let home = self.root.join(".cache").join(format!("spark-{version}/home"));
        home.canonicalize().ok().with_context(|| {
            format!("Spark {version} is not set up; run `SPARK_VERSION={version} tests/setup.sh`")
        })
    }

    /// The Java that `tests/setup.sh` found, else the one that the environment names.
    pub fn java_home(&self) -> Result<PathBuf> {
        let found = self.root.join(".cache/java");
        if let Ok(home) = found.canonicalize() {
            return Ok(home);
        }
        match env::var_os("JAVA_HOME") {
            Some(home) if Path::new(&home).join("bin/java").is_file() => Ok(home.into()),
            _ => bail!(
                "no Java 17 or 21 is known; run `tests/setup.sh`, which finds or installs one"
            ),
        }
    }
}

/// A Spark installation of the user's own.
fn installation(home: &Path) -> Result<PathBuf> {
    let home =
        home.canonicalize().ok().with_context(|| format!("there is no {}", home.display()))?;
    ensure!(
        home.join("bin/spark-submit").is_file() && home.join("jars").is_dir(),
        "{} is no Spark installation: it has no bin/spark-submit and jars",
        home.display()
    );
    Ok(home)
}

/// A program on the `PATH`.
pub fn on_path(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .with_context(|| {
            format!("there is no `{name}` on the PATH; run `tests/setup.sh`, which installs it")
        })
}
