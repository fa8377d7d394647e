//! Jobs that take more memory than they may have: the kernel's word is in Prometheus' reach.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use emberscope_tests::enclosure::Limits;
use rustix::process::Signal;

use emberscope_tests::trial::{Submission, Trial, last, total};

/// Enough for Spark to start, and filled within seconds.
const LIMITS: Limits = Limits { memory: 900 << 20, quota: 200_000 };

/// A trial whose job took more memory than it may, in the JVM or in a Python worker; the port of the
/// Prometheus that has what is left of it.
async fn greedy(name: &str, whose: &str, settings: &[&str]) -> Result<Option<(Trial, u16)>> {
    let mut trial = Trial::start().await?;
    let prometheus = trial.scrape("5s").await?;
    let submission = Submission {
        master: "local[1]",
        settings: &settings.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(),
        program: "greedy.py",
        arguments: &[whose.to_owned()],
        limits: LIMITS,
    };
    trial.submit(&submission, name)?;
    if let Some(why) = trial.not_enclosed() {
        // A machine that allows no cgroup cannot show what one does.
        eprintln!("not tried: the job has no cgroup of its own, for {why}");
        return Ok(None);
    }
    let (status, log) = trial.spark_exits(Duration::from_mins(3)).await?;
    ensure!(log.contains("greedy now"), "the job never came to its point:\n{log}");
    // Whom the kernel chose is not the sidecar's doing: here it has to be the one that is greedy.
    let jvm_was_killed = status.signal() == Some(Signal::KILL.as_raw());
    ensure!(jvm_was_killed == (whose == "jvm"), "the JVM ended with {status}:\n{log}");
    trial.sidecars_end(Duration::from_mins(1)).await?;
    Ok(Some((trial, prometheus)))
}

/// What each sidecar says of how the container ended.
async fn evidence(prometheus: u16) -> Vec<String> {
    let states = last(prometheus, "spark_container_last_state").await.unwrap();
    states.iter().filter_map(|state| state.labels.get("evidence").cloned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jvm_that_the_kernel_killed_is_told_from_one_that_ended() {
    // More heap than the container may have: Java's own error does not come first.
    let heap = ["--driver-memory", "3g"];
    let Some((trial, prometheus)) = greedy("emberscope-greedy-jvm", "jvm", &heap).await.unwrap()
    else {
        return;
    };
    let log = trial.log_of_driver_sidecar();
    let evidence = evidence(prometheus).await;
    assert!(
        !evidence.is_empty() && evidence.iter().all(|one| one == "oom_kill"),
        "{evidence:?}\n{log}"
    );
    assert!(total(prometheus, "spark_container_oom_kills_total").await.unwrap() >= 1.0, "{log}");
    // Both sidecars saw the one container.
    let used = last(prometheus, "spark_container_memory_peak_bytes").await.unwrap();
    assert!(used.iter().all(|peak| peak.value > 850.0 * 1_048_576.0), "{used:?}");
    let limit = last(prometheus, "spark_container_memory_limit_bytes").await.unwrap();
    assert!(
        limit.iter().all(|limit| limit.value.to_bits() == (900.0 * 1_048_576.0_f64).to_bits()),
        "{limit:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_worker_that_the_kernel_killed_is_counted() {
    let heap = ["--driver-memory", "512m"];
    let Some((trial, prometheus)) =
        greedy("emberscope-greedy-worker", "worker", &heap).await.unwrap()
    else {
        return;
    };
    let log = trial.log_of_driver_sidecar();
    assert!(total(prometheus, "spark_container_oom_kills_total").await.unwrap() >= 1.0, "{log}");
    // The JVM went on, which is another cause and has another remedy.
    let evidence = evidence(prometheus).await;
    assert!(
        !evidence.is_empty() && evidence.iter().all(|one| one == "process_oom_kill"),
        "{evidence:?}\n{log}"
    );
    // The job failed for it, and Spark itself ended in order.
    let failed = total(prometheus, "spark_driver_app_status_failed_tasks_total").await.unwrap();
    assert!(failed >= 1.0, "{failed}\n{log}");
}
