//! The containers of one pod, run by podman as a kubelet would have them run.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use emberscope_tests::admission::{self, Admitted};
use emberscope_tests::places::{Places, Tools};
use emberscope_tests::{http, ports, programs};
use tempfile::TempDir;

/// The user of Spark's own images; its group is root's.
const USER: &str = "185:0";

/// What makes containers of what podman tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Runtime {
    /// Docker's and containerd's.
    Runc,
    /// CRI-O's, `OpenShift`'s and podman's own.
    Crun,
}

impl Runtime {
    const fn name(self) -> &'static str {
        match self {
            Self::Runc => "runc",
            Self::Crun => "crun",
        }
    }

    fn podman(self) -> Command {
        // Beside v1, crun wants to see a v2 tree without controllers only.
        let beside = "/sys/fs/cgroup/unified";
        let controllers = fs::read_to_string(format!("{beside}/cgroup.controllers"));
        let hide = matches!(self, Self::Crun) && controllers.is_ok_and(|it| !it.trim().is_empty());
        let mut podman = if hide {
            let mut without = Command::new("unshare");
            without.args(["--mount", "--propagation=private", "sh", "-c"]);
            without.args([&format!("umount {beside} && exec podman \"$@\""), "podman"]);
            without
        } else {
            Command::new("podman")
        };
        podman.arg(format!("--runtime={}", self.name()));
        // No systemd is needed to make control groups.
        podman.args(["--cgroup-manager=cgroupfs", "--log-level=error"]);
        podman
    }
}

/// A pod that runs; its containers go with it.
#[derive(Debug)]
pub(crate) struct Pod {
    runtime: Runtime,
    /// What its containers' names begin with.
    name: String,
    port: u16,
    folder: TempDir,
}

/// A scrape, and what Spark has printed so far.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) log: String,
}

impl Page {
    /// The value of a series, written as on the page.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let line = self.text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line?.parse().ok()
    }
}

impl Pod {
    /// A pod of that runtime's, whose Spark runs that Scala with so much memory and so many cores.
    pub(crate) fn start(runtime: Runtime, scala: &str, memory: &str, cores: &str) -> Result<Self> {
        let there = Command::new(runtime.name()).arg("--version").output();
        there.with_context(|| format!("{} is not installed", runtime.name()))?;
        let places = Places { programs: programs::build()?, ..Places::find()? };
        let tools = places.tools("3.5.6", None)?;
        let driver = driver(&places)?;
        let folder = tempfile::tempdir()?;
        let name = format!("emberscope-test-{}-{}", std::process::id(), runtime.name());
        let pod = Self { runtime, name, port: driver.sidecar_port("port")?, folder };
        pod.prepare(scala)?;
        // It holds the namespaces that the others share, as the pause container does.
        pod.run("pause", &["--network=host", "--user=185"], &["sleep", "600"])?;
        pod.run_spark(&tools, &driver, memory, cores)?;
        pod.run_sidecar(&tools, &driver)?;
        Ok(pod)
    }

    /// One root for all containers, of the machine's own programs, and the files of this pod.
    fn prepare(&self, scala: &str) -> Result<()> {
        let root = self.root();
        for folder in ["usr", "etc", "proc", "sys", "dev", "tmp", "opt/spark", "opt/java", "job"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for name in ["bin", "lib", "lib64", "sbin"] {
            symlink(format!("usr/{name}"), root.join(name))?;
        }
        fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\nspark:x:185:0::/tmp:/bin/sh\n")?;
        fs::write(root.join("job/greedy.scala"), scala)?;
        for (path, mode) in [(self.folder.path().to_owned(), 0o755), (root.join("tmp"), 0o1777)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }

    fn run_spark(&self, tools: &Tools, driver: &Admitted, memory: &str, cores: &str) -> Result<()> {
        let mount = |from: &Path, to: &str| -> Result<String> {
            Ok(format!("--volume={}:{to}:ro", from.canonicalize()?.display()))
        };
        let mut options = vec![
            self.share("pid"),
            self.share("network"),
            format!("--user={USER}"),
            format!("--memory={memory}"),
            format!("--memory-swap={memory}"),
            format!("--cpus={cores}"),
            mount(&tools.spark, "/opt/spark")?,
            mount(&tools.java, "/opt/java")?,
            format!("--env=SPARK_SUBMIT_OPTS={}", driver.spark_submit_opts()?),
            "--env=JAVA_HOME=/opt/java".to_owned(),
            "--env=SPARK_LOCAL_IP=127.0.0.1".to_owned(),
            "--env=HOME=/tmp".to_owned(),
        ];
        // Debian's Java has its settings there.
        for settings in ["/etc/java-17-openjdk", "/etc/java-21-openjdk"] {
            if Path::new(settings).is_dir() {
                options.push(format!("--volume={settings}:{settings}:ro"));
            }
        }
        let ui = format!("spark.ui.port={}", driver.sidecar_port("spark-ui-port")?);
        self.run(
            "spark",
            &options.iter().map(String::as_str).collect::<Vec<_>>(),
            &[
                "/opt/spark/bin/spark-shell",
                "--master=local[1]",
                "--driver-memory=3g",
                "--conf",
                &ui,
                "-i",
                "/job/greedy.scala",
            ],
        )
    }

    fn run_sidecar(&self, tools: &Tools, driver: &Admitted) -> Result<()> {
        let binary = format!("--volume={}:/emberscope-sidecar:ro", tools.sidecar.display());
        let (pid, network, user) =
            (self.share("pid"), self.share("network"), format!("--user={USER}"));
        // As the webhook's container is: nothing but the same user.
        let options = [
            &pid,
            &network,
            &user,
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            "--read-only",
            "--read-only-tmpfs=false",
            "--memory=32m",
            &binary,
        ];
        let mut command = vec!["/emberscope-sidecar".to_owned(), "--address=127.0.0.1".to_owned()];
        command.extend(driver.sidecar_arguments()?);
        self.run("sidecar", &options, &command.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn share(&self, namespace: &str) -> String {
        format!("--{namespace}=container:{}-pause", self.name)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Starts a container in the background.
    fn run(&self, part: &str, options: &[&str], command: &[&str]) -> Result<()> {
        let mut podman = self.runtime.podman();
        podman.args(["run", "--detach", "--name", &format!("{}-{part}", self.name)]);
        // Podman's own limits may be more than this test may give.
        podman.args(["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"]);
        podman.arg("--volume=/usr:/usr:ro").args(options);
        podman.arg("--rootfs").arg(format!("{}:O", self.root().display())).args(command);
        let output = podman.output().context("podman does not run")?;
        ensure!(output.status.success(), "podman could not run {part}: {}", told(&output));
        Ok(())
    }

    /// The first scrape that is as wanted.
    #[track_caller]
    pub(crate) fn page_with(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Page) -> bool,
    ) -> Page {
        let start = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        loop {
            let answer = runtime.block_on(http::get(self.port, "/metrics"));
            let text = answer.and_then(http::Answer::ok).unwrap_or_default();
            let page =
                Page { text: String::from_utf8_lossy(&text).into_owned(), log: self.log("spark") };
            if wanted(&page) {
                return page;
            }
            assert!(
                start.elapsed() < patience,
                "not so after {} s: {what}\n{}\n{}\n{}",
                patience.as_secs(),
                page.log,
                page.text,
                self.log("sidecar")
            );
            sleep(Duration::from_millis(500));
        }
    }

    fn log(&self, part: &str) -> String {
        let logs = self.runtime.podman().args(["logs", &format!("{}-{part}", self.name)]).output();
        logs.map(|output| told(&output)).unwrap_or_default()
    }

    /// Ends the sidecar as a kubelet does after Spark; its exit code.
    pub(crate) fn stop_sidecar(&self) -> Result<i32> {
        let sidecar = format!("{}-sidecar", self.name);
        let stopped = self.runtime.podman().args(["stop", "--time=30", &sidecar]).output()?;
        ensure!(stopped.status.success(), "{}", told(&stopped));
        let code = self.runtime.podman().args(["wait", &sidecar]).output()?;
        told(&code).trim().parse().context("podman tells no exit code")
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        for part in ["spark", "sidecar", "pause"] {
            let name = format!("{}-{part}", self.name);
            let _ = self
                .runtime
                .podman()
                .args(["rm", "--force", "--time=0", "--ignore", &name])
                .output();
        }
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A captured driver's pod with its sidecar, on ports that nobody else has.
fn driver(places: &Places) -> Result<Admitted> {
    let file = places.root.join("tests/golden/admission/spark-3.5.6-driver/review.json");
    let port = ports::any()?.to_string();
    let mut review = admission::review(&file, &[("emberscope.dev/port", &port)])?;
    let containers = &mut review["request"]["object"]["spec"]["containers"];
    for port in containers[0]["ports"].as_array_mut().into_iter().flatten() {
        if port["name"] == "spark-ui" {
            port["containerPort"] = ports::any()?.into();
        }
    }
    let push = ports::any()?;
    let configuration =
        format!("sparkConfs: {{spark.metrics.conf.driver.sink.emberscope.port: \"{push}\"}}\n");
    admission::decide(&review, &configuration)
}
