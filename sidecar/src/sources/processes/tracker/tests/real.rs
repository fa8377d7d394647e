//! Real processes under this machine's own `/proc`: what a kernel does when children are waited
//! for, and how the figures compare with those of `sysinfo`.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tempfile::TempDir;

use super::*;

/// A daemon that forks a worker, which works until it is told to end; then another one.
///
/// A shell that runs a script file called `pyspark.daemon` has the command line of the real thing,
/// and its subshells are forks that keep it. All that it does besides is built into the shell: a
/// `sleep` would be one more fork of the daemon's, with time of its own to be waited for.
const DAEMON_SCRIPT: &str = "
work() { while [ -e \"$TEST\" ] && [ ! -e \"$1\" ]; do :; done; }
( work one-may-end ) & wait
( work two-may-end ) & wait
( i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done ) & wait
: > all-ended
while [ -e \"$TEST\" ] && [ ! -e daemon-may-end ]; do :; done
";

/// Stand-ins for Spark's processes, and a view of `/proc` that shows only them: other tests and
/// other people run Spark on this machine too.
struct Pretenders {
    directory: TempDir,
    view: TempDir,
    jvm: Child,
    /// They end when this link does, or the test process that it leads to.
    test: PathBuf,
}

impl Pretenders {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        symlink("/bin/sh", file("python3")).unwrap();
        fs::write(file("pyspark.daemon"), DAEMON_SCRIPT).unwrap();
        let test = file("test");
        symlink(Path::new("/proc").join(std::process::id().to_string()), &test).unwrap();
        let script = "./python3 -m pyspark.daemon pyspark.worker & wait; : > daemon-ended; while [ -e \"$TEST\" ]; do sleep 0.05; done";
        let jvm = Command::new("/bin/sh")
            .arg0("java")
            .args(["-c", script, "org.apache.spark.executor.CoarseGrainedExecutorBackend"])
            .current_dir(directory.path())
            .process_group(0)
            .env("TEST", &test)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { view: tempfile::tempdir().unwrap(), directory, jvm, test }
    }

    fn allow(&self, what: &str) {
        fs::write(self.directory.path().join(what), "").unwrap();
    }

    fn wait_for(&self, what: &str) {
        eventually(what, || self.directory.path().join(what).exists().then_some(()));
    }

    /// The processes that run in our directory, as a process file system of their own.
    fn refresh_view(&self) -> PathBuf {
        let view = self.view.path().to_owned();
        for entry in fs::read_dir(&view).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let show = |pid: &str| symlink(Path::new("/proc").join(pid), view.join(pid)).unwrap();
        symlink(std::process::id().to_string(), view.join("self")).unwrap();
        show(&std::process::id().to_string());
        let place = self.directory.path().canonicalize().unwrap();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let ours = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == place);
            if let Some(pid) =
                entry.file_name().to_str().filter(|pid| ours && pid.parse::<u32>().is_ok())
            {
                show(pid);
            }
        }
        view
    }
}

impl Drop for Pretenders {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.test);
        let _ = self.jvm.wait();
    }
}

/// Asks again until there is an answer.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(3);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_work_of_workers_that_ended_stays_and_is_not_counted_twice() {
    let spark = Pretenders::start();
    let mut tracker = Tracker::new(spark.refresh_view());
    let mut scan = || {
        spark.refresh_view();
        tracker.scan().unwrap()
    };
    let worked = |snapshot: &Snapshot, ticks| {
        let alive = snapshot.usage(ProcessKind::PythonWorker).is_some_and(|usage| usage.count == 1);
        (alive && cpu(snapshot, ProcessKind::PythonWorker) >= ticks).then(|| snapshot.clone())
    };
    let first = eventually("the first worker to work", || worked(&scan(), 30));
    assert_eq!(first.spark().map(|spark| spark.pid), Some(spark.jvm.id()));
    assert_eq!(counts(&first)[..3], [("jvm", 1), ("python_daemon", 1), ("python_worker", 1)]);
    let usage = first.usage(ProcessKind::PythonWorker).unwrap();
    assert!(usage.resident_bytes > 0 && usage.threads == 1);
    assert!(usage.open_fds.is_some() && usage.written_bytes.is_some());

    spark.allow("one-may-end");
    let so_far = cpu(&first, ProcessKind::PythonWorker);
    let second = eventually("the second worker to work", || {
        let snapshot = scan();
        assert!(cpu(&snapshot, ProcessKind::PythonWorker) >= so_far, "the counter went back");
        worked(&snapshot, so_far + 30)
    });

    spark.allow("two-may-end");
    spark.wait_for("all-ended");
    let last = scan();
    let expected = [("jvm", 1), ("python_daemon", 1), ("python_worker", 0)];
    assert_eq!(counts(&last)[..3], expected);
    assert!(cpu(&last, ProcessKind::PythonWorker) >= cpu(&second, ProcessKind::PythonWorker));
    // All that the daemon waited for were workers: no more and no less was counted for them.
    let daemon = ProcRoot::new("/proc".into())
        .pids()
        .unwrap()
        .filter_map(|pid| ProcRoot::new("/proc".into()).stat(pid))
        .find(|stat| stat.parent == spark.jvm.id() && stat.reaped_cpu > 0)
        .unwrap();
    assert_eq!(cpu(&last, ProcessKind::PythonWorker), daemon.reaped_cpu);

    spark.allow("daemon-may-end");
    spark.wait_for("daemon-ended");
    let ended = scan();
    assert_eq!(cpu(&ended, ProcessKind::PythonWorker), cpu(&last, ProcessKind::PythonWorker));
    assert!(
        cpu(&ended, ProcessKind::Other) < 50,
        "the daemon's share was counted again: {ended:?}"
    );
}

#[test]
fn the_figures_are_those_that_sysinfo_sees() {
    let spark = Pretenders::start();
    let mut tracker = Tracker::new(spark.refresh_view());
    let snapshot = eventually("the worker to work", || {
        spark.refresh_view();
        let snapshot = tracker.scan().unwrap();
        (cpu(&snapshot, ProcessKind::PythonWorker) >= 30).then_some(snapshot)
    });
    let mut system = System::new().unwrap();
    let pid = Pid::from_u32(snapshot.spark().unwrap().pid);
    let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::All, false, what.without_tasks());
    let jvm = system.process(pid).unwrap();
    let daemon = system.processes().values().find(|process| process.parent() == Some(pid)).unwrap();
    let worker =
        system.processes().values().find(|other| other.parent() == Some(daemon.pid())).unwrap();
    for (kind, theirs) in [
        (ProcessKind::Jvm, jvm),
        (ProcessKind::PythonDaemon, daemon),
        (ProcessKind::PythonWorker, worker),
    ] {
        let ours = snapshot.usage(kind).unwrap();
        // The shells keep working between the two looks.
        let off_by = ours.resident_bytes.abs_diff(theirs.memory());
        assert!(off_by <= 1 << 20, "{kind:?}: {} and {}", ours.resident_bytes, theirs.memory());
        let ours = snapshot.usage(kind).unwrap().cpu_seconds();
        let theirs = theirs.accumulated_cpu_time() as f64 / 1000.0;
        assert!(ours <= theirs && theirs < ours + 5.0, "{kind:?}: {ours} and {theirs}");
    }
}
