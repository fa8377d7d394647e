//! A Spark pod as a container runtime makes one: Spark and the sidecar in containers of their own,
//! with limits, users and seccomp profiles, which share processes and network.

#![allow(clippy::unwrap_used)] // In a test that is the message.

mod pod;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pod::{Pod, Runtime};

/// More memory than the container may have, and more CPU time.
const GREEDY: &str = "\
println(\"greedy now\")
val burners = (1 to 2).map { _ =>
  val thread = new Thread(() => { var x = 1L; while (true) { x = x * 31 + 7 } })
  thread.setDaemon(true)
  thread.start()
  thread
}
Thread.sleep(8000)
println(\"hoarding now\")
val hoard = new scala.collection.mutable.ArrayBuffer[Array[Byte]]
while (true) {
  hoard += Array.fill[Byte](16 << 20)(1)
  Thread.sleep(20)
}
";

/// 900 MiB.
const MEMORY: f64 = 900.0 * 1_048_576.0;

/// There is memory for one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn the_figures_of_a_container_of_runc_move_and_its_end_is_known_without_any_privilege() {
    assert_figures_move_and_the_end_is_known(Runtime::Runc);
}

#[test]
fn the_figures_of_a_container_of_crun_move_and_its_end_is_known_without_any_privilege() {
    assert_figures_move_and_the_end_is_known(Runtime::Crun);
}

fn assert_figures_move_and_the_end_is_known(runtime: Runtime) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let pod = match Pod::start(runtime, GREEDY, "900m", "0.8") {
        Ok(pod) => pod,
        Err(why) => {
            // A machine that runs no containers cannot show what one does.
            eprintln!("not tried with {runtime:?}: {why:#}");
            return;
        }
    };
    let container = "container=\"spark-kubernetes-driver\"";
    let of = |name: &str| format!("spark_container_{name}{{{container}}}");

    let first = pod.page_with("the job runs", Duration::from_mins(2), |page| {
        page.log.contains("greedy now") && page.value(&of("cpu_usage_seconds_total")).is_some()
    });
    assert_eq!(first.value("emberscope_source_up{source=\"cgroup\"}"), Some(1.0), "{}", first.text);
    assert_eq!(first.value("emberscope_source_up{source=\"processes\"}"), Some(1.0));
    assert_eq!(first.value("spark_processes{kind=\"jvm\"}"), Some(1.0));
    assert_eq!(first.value(&of("memory_limit_bytes")), Some(MEMORY));
    assert_eq!(first.value(&of("cpu_quota_cores")), Some(0.8));
    assert!(first.value(&of("memory_working_set_bytes")).unwrap() < MEMORY);

    let end = pod.page_with("the kernel has killed it", Duration::from_mins(2), |page| {
        page.value("emberscope_spark_ended") == Some(1.0)
    });
    let state = format!("spark_container_last_state{{{container},evidence=\"oom_kill\"}}");
    assert_eq!(end.value(&state), Some(1.0), "{}", end.text);
    assert_eq!(end.value(&of("oom_kills_total")), Some(1.0), "{}", end.text);
    assert!(end.value(&of("memory_peak_bytes")).unwrap() > MEMORY * 0.95, "{}", end.text);
    assert!(end.value(&of("memory_working_set_bytes")).unwrap() > MEMORY * 0.5, "{}", end.text);
    // Two threads that never rest have eight tenths of a core between them.
    assert!(end.value(&of("cpu_cfs_throttled_seconds_total")).unwrap() > 0.0, "{}", end.text);
    let cpu = of("cpu_usage_seconds_total");
    assert!(end.value(&cpu) > first.value(&cpu), "{}", end.text);
    assert_eq!(pod.stop_sidecar().unwrap(), 0);
}
