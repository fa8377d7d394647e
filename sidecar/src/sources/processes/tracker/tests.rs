//! Pods made of files, scan after scan. What a real kernel says is in `real.rs`.

mod real;

use proptest::prelude::*;

use super::*;
use crate::sources::processes::fake::{Fake, FakeProc};

const DRIVER: &str = "/usr/bin/java -cp /opt/spark/jars/* org.apache.spark.deploy.SparkSubmit job";
const EXECUTOR: &str =
    "/usr/bin/java org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --cores 2";
const DAEMON: &str = "python3 -m pyspark.daemon pyspark.worker";

const OWN: u32 = 12;
const TINI: u32 = 20;
const JVM: u32 = 21;
const PYTHON: u32 = 60;

/// A pod as a shared process namespace shows it; `spark` and `own` are the containers' cgroups.
fn pod(command: &str, spark: &str, own: &str) -> (FakeProc, Tracker) {
    let proc = FakeProc::new(OWN);
    let in_cgroup = |fake: Fake, cgroup: &str| Fake { cgroup: cgroup.into(), ..fake };
    proc.put(&in_cgroup(Fake::new(1, 0, "pause", "/pause"), &spark.replace("spark", "pause")));
    let sidecar = Fake::new(OWN, 0, "emberscope-side", "/emberscope-sidecar --role=driver");
    proc.put(&in_cgroup(sidecar, own));
    let fluentd = Fake::new(15, 0, "fluentd", "/usr/bin/fluentd");
    proc.put(&in_cgroup(fluentd, &spark.replace("spark", "fluentd")));
    proc.put(&in_cgroup(
        Fake::new(TINI, 0, "tini", &format!("/usr/bin/tini -s -- {command}")),
        spark,
    ));
    proc.put(&in_cgroup(jvm(command), spark));
    let tracker = Tracker::new(proc.path().into());
    (proc, tracker)
}

fn jvm(command: &str) -> Fake {
    Fake {
        threads: 50,
        resident_pages: 1000,
        open_fds: 40,
        ..Fake::new(JVM, TINI, "java", command)
    }
}

fn v2(command: &str) -> (FakeProc, Tracker) {
    pod(command, "0::/../spark\n", "0::/\n")
}

fn counts(snapshot: &Snapshot) -> Vec<(&'static str, u64)> {
    let count = |kind: ProcessKind| Some((kind.as_str(), snapshot.usage(kind)?.count));
    ProcessKind::ALL.into_iter().filter_map(count).collect()
}

fn cpu(snapshot: &Snapshot, kind: ProcessKind) -> u64 {
    snapshot.usage(kind).map_or(0, |usage| usage.cpu_ticks)
}

#[test]
fn a_pods_other_containers_do_not_count_and_neither_do_we() {
    let v1 = "9:cpu,cpuacct:/kubepods/podA/spark\n4:memory:/kubepods/podA/spark\n1:name=systemd:/kubepods/podA/spark\n";
    for (spark, own) in [
        ("0::/../spark\n", "0::/\n"),
        // crun's own group within the container.
        ("0::/../../crio-spark.scope/container\n", "0::/\n"),
        ("4:memory:/../spark\n0::/../spark\n", "4:memory:/\n0::/\n"),
        ("0::/kubepods/podA/spark\n", "0::/kubepods/podA/own\n"),
        (v1, &v1.replace("spark", "own")),
    ] {
        let (proc, mut tracker) = pod(DRIVER, spark, own);
        let python = Fake::new(PYTHON, JVM, "python3", "python3 /opt/app/job.py");
        proc.put(&Fake { cgroup: spark.into(), ..python });
        let snapshot = tracker.scan().unwrap();
        assert_eq!(counts(&snapshot), [("jvm", 1), ("python_driver", 1), ("other", 1)]);
        assert_eq!(snapshot.spark().map(|spark| spark.pid), Some(JVM));
        let jvm = snapshot.usage(ProcessKind::Jvm).unwrap();
        assert_eq!((jvm.threads, jvm.resident_bytes), (50, 4_096_000));
    }
}

#[test]
fn a_process_in_a_group_within_sparks_container_is_of_that_container() {
    let (proc, mut tracker) = v2(DRIVER);
    let python = Fake::new(PYTHON, JVM, "python3", "python3 /opt/app/job.py");
    proc.put(&Fake { cgroup: "0::/../spark/of-its-own\n".into(), ..python });
    let counts = counts(&tracker.scan().unwrap());
    assert_eq!(counts, [("jvm", 1), ("python_driver", 1), ("other", 1)]);
}

#[test]
fn without_a_shared_namespace_the_reason_is_told() {
    let proc = FakeProc::new(1);
    proc.put(&Fake::new(1, 0, "emberscope-side", "/emberscope-sidecar"));
    let error = Tracker::new(proc.path().into()).scan().unwrap_err();
    assert_eq!(error.reason(), "process_namespace_not_shared");
    let error = Tracker::new(proc.path().join("none")).scan().unwrap_err();
    assert_eq!(error.reason(), "proc_unlistable");
}

#[test]
fn before_spark_starts_nothing_counts_and_after_it_ended_the_counters_stay() {
    let (proc, mut tracker) = v2(DRIVER);
    proc.end(JVM);
    // What spark-class runs first.
    let launcher =
        "/usr/bin/java org.apache.spark.launcher.Main org.apache.spark.deploy.SparkSubmit";
    proc.put(&Fake { threads: 9, ..Fake::new(30, TINI, "java", launcher) });
    let snapshot = tracker.scan().unwrap();
    assert_eq!((snapshot.spark().map(|spark| spark.pid), counts(&snapshot)), (None, vec![]));
    proc.end(30);
    proc.put(&Fake { cpu: 500, ..jvm(DRIVER) });
    assert_eq!(tracker.scan().unwrap().spark().map(|spark| spark.pid), Some(JVM));
    proc.put(&Fake {
        state: 'Z',
        cpu: 520,
        threads: 1,
        resident_pages: 0,
        command: String::new(),
        ..jvm(DRIVER)
    });
    let zombie = tracker.scan().unwrap();
    assert_eq!(zombie.spark(), None);
    assert_eq!((counts(&zombie)[0], cpu(&zombie, ProcessKind::Jvm)), (("jvm", 0), 520));
    proc.end(JVM);
    proc.end(TINI);
    let ended = tracker.scan().unwrap();
    assert_eq!(counts(&ended), [("jvm", 0), ("other", 0)]);
    assert_eq!(cpu(&ended, ProcessKind::Jvm), 520);
    assert_eq!(ended.usage(ProcessKind::Jvm).unwrap().open_fds, Some(0));
}

#[test]
fn of_several_spark_jvms_the_oldest_is_the_pods_and_all_count() {
    let (proc, mut tracker) = v2(DRIVER);
    let backend = "/usr/bin/java org.apache.spark.executor.CoarseGrainedExecutorBackend --cores 1";
    // Pids wrap around: the younger process has the lower one.
    proc.put(&Fake { threads: 40, started: 900, ..Fake::new(5, JVM, "java", backend) });
    let snapshot = tracker.scan().unwrap();
    assert_eq!(
        (snapshot.spark().map(|spark| spark.pid), counts(&snapshot)[0]),
        (Some(JVM), ("jvm", 2))
    );
}

#[test]
fn another_pods_spark_is_never_taken_for_ours() {
    for (spark, own) in [
        ("0::/../../podB/spark\n", "0::/\n"),
        ("0::/../../../kubepods-podB.slice/crio-spark.scope/container\n", "0::/\n"),
        ("4:memory:/kubepods/podB/spark\n", "4:memory:/kubepods/podA/own\n"),
    ] {
        let (_proc, mut tracker) = pod(DRIVER, spark, own);
        let nothing = Snapshot { stranger: true, ..Snapshot::default() };
        assert_eq!(tracker.scan().unwrap(), nothing);
    }
}

#[test]
fn where_all_share_one_cgroup_the_jvms_descendants_count() {
    let (proc, mut tracker) = pod(DRIVER, "0::/\n", "0::/\n");
    let put = |fake: Fake| {
        proc.put(&Fake { cgroup: "0::/\n".into(), ..fake });
    };
    put(Fake::new(50, 1, "vim", "vim notes"));
    put(Fake { flags: 0x0020_8040, ..Fake::new(2, 0, "kthreadd", "") });
    let backend = "/usr/bin/java org.apache.spark.executor.CoarseGrainedExecutorBackend";
    put(Fake { threads: 30, ..Fake::new(61, JVM, "java", backend) });
    put(Fake::new(62, 61, "python3", DAEMON));
    put(Fake::new(63, 62, "python3", DAEMON));
    put(Fake::new(64, 63, "sh", "sh -c ls"));
    let expected = [("jvm", 2), ("python_daemon", 1), ("python_worker", 1), ("other", 1)];
    assert_eq!(counts(&tracker.scan().unwrap()), expected);
    // The daemon ends; its worker is init's child now, and still Spark's.
    proc.end(62);
    put(Fake::new(63, 1, "python3", DAEMON));
    let expected = [("jvm", 2), ("python_daemon", 0), ("python_worker", 1), ("other", 1)];
    assert_eq!(counts(&tracker.scan().unwrap()), expected);
}

/// Process ids start over when they run out, and a daemon forks its first worker at once. A child
/// that is read before its parent, and ends in between, would be counted twice.
#[test]
fn a_parent_is_read_before_a_child_of_the_same_tick_with_a_lower_pid() {
    let (proc, mut tracker) = v2(EXECUTOR);
    proc.put(&Fake { started: 900, ..Fake::new(90, JVM, "python3", DAEMON) });
    proc.put(&Fake { started: 900, ..Fake::new(70, 90, "python3", DAEMON) });
    tracker.scan().unwrap();
    let table = tracker.read_table(Some(OWN), &mut Gone::new()).unwrap();
    let place = |pid| table.iter().position(|seen| seen.pid == pid).unwrap();
    assert!(place(90) < place(70));
}

#[test]
fn a_python_that_started_the_jvm_is_the_driver_program() {
    let (proc, mut tracker) = pod(DRIVER, "0::/\n", "0::/\n");
    proc.put(&Fake { cgroup: "0::/\n".into(), ..Fake::new(TINI, 1, "python", "python job.py") });
    assert_eq!(counts(&tracker.scan().unwrap()), [("jvm", 1), ("python_driver", 1)]);
}

#[test]
fn wrappers_are_looked_through_and_emulators_too() {
    let driver = format!("/usr/bin/qemu-x86_64 {DRIVER}");
    let (proc, mut tracker) = v2(&driver);
    // The user's program is a child of a shell that waits for it.
    proc.put(&Fake::new(50, JVM, "bash", "/bin/bash /opt/python-wrapper job.py"));
    proc.put(&Fake::new(51, 50, "qemu-x86_64", "qemu-x86_64 /usr/bin/python3 job.py"));
    // What that program starts by a shell is not the program.
    proc.put(&Fake::new(52, 51, "sh", "sh -c python3 helper.py"));
    proc.put(&Fake::new(53, 52, "python3", "python3 helper.py"));
    let counted = counts(&tracker.scan().unwrap());
    assert_eq!(counted, [("jvm", 1), ("python_driver", 1), ("other", 4)]);
}

/// Each as Spark starts it, with two workers that are forks of it.
#[test]
fn whatever_the_daemon_is_called_its_forks_are_workers() {
    for daemon in [
        DAEMON,
        "python3 ./environment.pex -m pyspark.daemon pyspark.worker",
        "/opt/venv/bin/python3.12 -m our.daemon pyspark.worker",
        "python3 -m our.daemon our.worker",
        "/rosetta/rosetta /usr/bin/python3 python3 -m pyspark.daemon pyspark.worker",
    ] {
        for wrapped in [false, true] {
            let (proc, mut tracker) = v2(EXECUTOR);
            let parent = if wrapped { 50 } else { JVM };
            if wrapped {
                proc.put(&Fake::new(50, JVM, "bash", "/bin/bash /opt/python-wrapper"));
            }
            proc.put(&Fake::new(60, parent, "python3", daemon));
            proc.put(&Fake::new(61, 60, "python3", daemon));
            proc.put(&Fake::new(62, 60, "python3", daemon));
            let counted = counts(&tracker.scan().unwrap());
            assert_eq!(counted[..3], [("jvm", 1), ("python_daemon", 1), ("python_worker", 2)]);
        }
    }
}

#[test]
fn a_process_that_executes_another_program_changes_its_kind() {
    let (proc, mut tracker) = v2(DRIVER);
    proc.put(&Fake { cpu: 30, ..Fake::new(PYTHON, JVM, "bash", "/bin/bash python-wrapper") });
    assert_eq!(counts(&tracker.scan().unwrap()), [("jvm", 1), ("other", 2)]);
    proc.put(&Fake { cpu: 50, ..Fake::new(PYTHON, JVM, "python3", "python3 job.py") });
    let snapshot = tracker.scan().unwrap();
    assert_eq!(counts(&snapshot), [("jvm", 1), ("python_driver", 1), ("other", 1)]);
    assert_eq!(
        (cpu(&snapshot, ProcessKind::Other), cpu(&snapshot, ProcessKind::PythonDriver)),
        (30, 20)
    );
}

#[test]
fn a_jvm_that_is_starting_a_program_is_not_there_twice() {
    let (proc, mut tracker) = v2(DRIVER);
    proc.put(&Fake { resident_pages: 1000, ..Fake::new(70, JVM, "java", DRIVER) });
    assert_eq!(counts(&tracker.scan().unwrap()), [("jvm", 1), ("other", 1)]);
    proc.put(&Fake::new(70, JVM, "pgrep", "pgrep -P 21"));
    assert_eq!(counts(&tracker.scan().unwrap()), [("jvm", 1), ("other", 2)]);
}

#[test]
fn a_reused_pid_is_another_process() {
    let (proc, mut tracker) = v2(EXECUTOR);
    proc.put(&Fake { cpu: 1000, ..Fake::new(PYTHON, JVM, "python3", "python3 -m pyspark.worker") });
    assert_eq!(cpu(&tracker.scan().unwrap(), ProcessKind::PythonWorker), 1000);
    proc.put(&Fake { reaped_cpu: 1000, ..jvm(EXECUTOR) });
    let worker = Fake::new(PYTHON, JVM, "python3", "python3 -m pyspark.worker");
    proc.put(&Fake { cpu: 7, started: 5000, ..worker });
    let snapshot = tracker.scan().unwrap();
    assert_eq!(
        (cpu(&snapshot, ProcessKind::PythonWorker), cpu(&snapshot, ProcessKind::Other)),
        (1007, 0)
    );
}

#[test]
fn what_may_not_be_seen_is_absent_and_what_is_malformed_is_left_out() {
    let (proc, mut tracker) = v2(EXECUTOR);
    proc.put(&Fake { io: None, ..jvm(EXECUTOR) });
    std::fs::remove_dir_all(proc.path().join(format!("{JVM}/fd"))).unwrap();
    for (pid, stat) in [(70, ""), (71, "71 (x) S"), (72, "\u{0}\u{0}"), (73, "73 x S 1 1 1")] {
        proc.put(&Fake::new(pid, JVM, "x", "x"));
        std::fs::write(proc.path().join(format!("{pid}/stat")), stat).unwrap();
    }
    std::fs::create_dir(proc.path().join("74")).unwrap();
    let snapshot = tracker.scan().unwrap();
    assert_eq!(counts(&snapshot), [("jvm", 1), ("other", 1)]);
    let jvm = snapshot.usage(ProcessKind::Jvm).unwrap();
    assert_eq!((jvm.open_fds, jvm.read_bytes, jvm.written_bytes), (None, None, None));
}

#[test]
fn a_killed_daemons_workers_are_not_counted_again_at_tini() {
    let (proc, mut tracker) = v2(EXECUTOR);
    proc.put(&Fake { cpu: 10, ..Fake::new(60, JVM, "python3", DAEMON) });
    proc.put(&Fake { cpu: 5000, io: Some((100, 200)), ..Fake::new(61, 60, "python3", DAEMON) });
    tracker.scan().unwrap();
    // The daemon goes first, then the worker: tini waits for the worker, the JVM for the daemon.
    proc.end(60);
    proc.end(61);
    let tini = Fake::new(TINI, 0, "tini", &format!("/usr/bin/tini -s -- {EXECUTOR}"));
    proc.put(&Fake { reaped_cpu: 5001, io: Some((100, 200)), ..tini });
    proc.put(&Fake { reaped_cpu: 12, ..jvm(EXECUTOR) });
    let snapshot = tracker.scan().unwrap();
    assert_eq!(cpu(&snapshot, ProcessKind::PythonWorker), 5000);
    assert_eq!(cpu(&snapshot, ProcessKind::Other), 0);
    let written = ProcessKind::ALL.iter().filter_map(|kind| snapshot.usage(*kind)?.written_bytes);
    assert_eq!(written.sum::<u64>(), 200);
    // What the JVM waits for later counts again, from the next scan but one.
    tracker.scan().unwrap();
    proc.put(&Fake { reaped_cpu: 15, ..jvm(EXECUTOR) });
    assert_eq!(cpu(&tracker.scan().unwrap(), ProcessKind::Other), 3);
}

#[test]
fn what_workers_did_that_nobody_saw_is_theirs() {
    let (proc, mut tracker) = v2(EXECUTOR);
    let daemon = Fake { cpu: 10, io: Some((40, 0)), ..Fake::new(60, JVM, "python3", DAEMON) };
    proc.put(&daemon);
    tracker.scan().unwrap();
    proc.put(&Fake { reaped_cpu: 700, io: Some((1040, 2000)), ..daemon });
    let snapshot = tracker.scan().unwrap();
    assert_eq!(
        (cpu(&snapshot, ProcessKind::PythonDaemon), cpu(&snapshot, ProcessKind::PythonWorker)),
        (10, 700)
    );
    let bytes = |kind| {
        let usage = snapshot.usage(kind).unwrap();
        (usage.read_bytes, usage.written_bytes)
    };
    assert_eq!(bytes(ProcessKind::PythonDaemon), (Some(40), Some(0)));
    assert_eq!(bytes(ProcessKind::PythonWorker), (Some(1000), Some(2000)));
}

/// What happens to a daemon's workers between two looks at them.
#[derive(Debug, Clone)]
enum Event {
    Forks,
    Works { worker: usize, ticks: u64, bytes: u64 },
    Ends { worker: usize },
    Scan,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Forks),
        4 => (0usize..8, 0u64..200, 0u64..9000)
            .prop_map(|(worker, ticks, bytes)| Event::Works { worker, ticks, bytes }),
        2 => (0usize..8).prop_map(|worker| Event::Ends { worker }),
        2 => Just(Event::Scan),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn workers_come_and_go_and_every_tick_counts_once(events in proptest::collection::vec(event(), 1..60)) {
        let (proc, mut tracker) = v2(EXECUTOR);
        let mut daemon = Fake { cpu: 3, ..Fake::new(60, JVM, "python3", DAEMON) };
        let mut workers: Vec<Fake> = Vec::new();
        let (mut next, mut ticks_of_all, mut bytes_of_all, mut last) = (61, 0, 0, 0);
        for event in events.into_iter().chain([Event::Scan]) {
            match event {
                Event::Forks => {
                    workers.push(Fake::new(next, 60, "python3", DAEMON));
                    next += 1;
                }
                Event::Works { worker, ticks, bytes } => {
                    let Some(worker) = workers.get_mut(worker) else { continue };
                    worker.cpu += ticks;
                    worker.io = worker.io.map(|(read, written)| (read + bytes, written + 2 * bytes));
                    ticks_of_all += ticks;
                    bytes_of_all += bytes;
                }
                Event::Ends { worker } if worker < workers.len() => {
                    let worker = workers.swap_remove(worker);
                    let _ = std::fs::remove_dir_all(proc.path().join(worker.pid.to_string()));
                    daemon.reaped_cpu += worker.cpu;
                    daemon.io = daemon.io.zip(worker.io).map(|(d, w)| (d.0 + w.0, d.1 + w.1));
                }
                Event::Ends { .. } => {}
                Event::Scan => {
                    proc.put(&daemon);
                    for worker in &workers {
 proc.put(worker);
 }
                    let snapshot = tracker.scan().unwrap();
                    prop_assert_eq!(cpu(&snapshot, ProcessKind::PythonWorker), ticks_of_all);
                    prop_assert_eq!(cpu(&snapshot, ProcessKind::PythonDaemon), 3);
                    prop_assert!(ticks_of_all >= last);
                    last = ticks_of_all;
                    let sum = |bytes: fn(&Usage) -> Option<u64>| -> u64 {
                        ProcessKind::ALL.iter().filter_map(|kind| bytes(snapshot.usage(*kind)?)).sum()
                    };
                    prop_assert_eq!(sum(|usage| usage.read_bytes), bytes_of_all);
                    prop_assert_eq!(sum(|usage| usage.written_bytes), 2 * bytes_of_all);
                    let alive = snapshot.usage(ProcessKind::PythonWorker).map_or(0, |usage| usage.count);
                    prop_assert_eq!(alive, workers.len() as u64);
                }
            }
        }
    }
}
