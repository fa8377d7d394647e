//! Why executors went, from the sentence that Spark has for it.
//!
//! The sentences are those of `ExecutorLossReason`, `ExecutorPodsLifecycleManager` (Kubernetes),
//! `HeartbeatReceiver`, `ExecutorExitCode` and the standalone master's, from Spark 3.0 to 4.3; real ones
//! stand in `losses/cases`. They may hold names of pods and parts of logs, and are never served.

use super::fields::Fields;
use super::settled::Settled;
use crate::exposition::{Described, Page};

/// The fields of an executor that are read.
pub(super) const FIELDS: [&str; 3] = ["id", "isActive", "removeReason"];

const LOSSES: Described = Described::counter(
    "spark_executor_losses_total",
    &["application_id", "reason"],
    "Executors that are gone, by why, as Spark tells it: for want of memory (oom_killed), because the kubelet or somebody else took the pod away (evicted), because they were decommissioned or idle, because they were silent (heartbeat_timeout), by themselves (exit_code), at the driver's wish (killed_by_driver), with their node (lost_node).",
);

/// Why an executor went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// The kernel killed it for want of memory.
    OomKilled,
    /// The kubelet, or somebody but Spark, took its pod away.
    Evicted,
    /// It was told to leave, and left.
    Decommissioned,
    /// It said nothing for too long.
    HeartbeatTimeout,
    /// Its process ended, by itself or by a signal.
    ExitCode,
    /// The driver wanted it to go.
    KilledByDriver,
    /// Dynamic allocation had no use for it.
    Idle,
    /// Its node is gone.
    LostNode,
    /// Spark does not know.
    Unknown,
}

impl Loss {
    const ALL: [Self; 9] = [
        Self::OomKilled,
        Self::Evicted,
        Self::Decommissioned,
        Self::HeartbeatTimeout,
        Self::ExitCode,
        Self::KilledByDriver,
        Self::Idle,
        Self::LostNode,
        Self::Unknown,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::OomKilled => "oom_killed",
            Self::Evicted => "evicted",
            Self::Decommissioned => "decommissioned",
            Self::HeartbeatTimeout => "heartbeat_timeout",
            Self::ExitCode => "exit_code",
            Self::KilledByDriver => "killed_by_driver",
            Self::Idle => "idle",
            Self::LostNode => "lost_node",
            Self::Unknown => "unknown",
        }
    }

    /// What the sentence says; a driver that allocates dynamically kills those that are idle.
    fn of(sentence: &str, is_dynamic: bool) -> Self {
        let sentence = sentence.to_ascii_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| sentence.contains(part));
        // The most certain evidence first: an eviction has an exit code, too.
        if says(&["spark scale down"]) {
            Self::Idle
        } else if says(&["oomkilled", "killed by yarn for exceeding memory", "out of memory: kill"])
        {
            Self::OomKilled
        } else if says(&[
            "nodelost",
            "node lost",
            "node shutdown",
            "nodeshutdown",
            "worker lost",
            "lost worker",
            "host lost",
        ]) {
            Self::LostNode
        } else if says(&[
            "brief reason: evicted",
            "the node was low on resource",
            "preempt",
            "was deleted by a user or the framework",
        ]) {
            Self::Evicted
        } else if says(&["decommission"]) {
            Self::Decommissioned
        } else if says(&["heartbeat timed out", "unable to send heartbeats"]) {
            Self::HeartbeatTimeout
        } else if says(&["killed by driver"]) {
            if is_dynamic { Self::Idle } else { Self::KilledByDriver }
        } else if says(&["exited with code", "exit code", "exited with exit", "exit status"]) {
            Self::ExitCode
        } else {
            Self::Unknown
        }
    }
}

/// How many executors went, and why.
#[derive(Debug, Default)]
pub(super) struct Losses {
    counts: [u64; Loss::ALL.len()],
    /// Executors that are counted.
    counted: Settled,
    /// Whether Spark has told of its executors.
    is_told: bool,
}

impl Losses {
    /// Takes an executor; nothing where it is none.
    pub(super) fn take(&mut self, fields: &Fields, is_dynamic: bool) -> Option<()> {
        self.is_told = true;
        let id = fields.text("id")?;
        let is_active = fields.get("isActive")?.as_bool()?;
        // The driver has no number.
        let Some(id) = id.parse().ok().filter(|_| !is_active) else { return Some(()) };
        if !self.counted.contains(id, 0) {
            self.counted.insert(id, 0);
            let sentence = fields.text("removeReason").unwrap_or_default();
            self.counts[Loss::of(sentence, is_dynamic) as usize] += 1;
        }
        Some(())
    }

    /// Writes each reason with its count, zeros too.
    pub(super) fn write(&self, application_id: &str, page: &mut Page) {
        for (loss, count) in Loss::ALL.into_iter().zip(self.counts).filter(|_| self.is_told) {
            let labels = [("application_id", application_id), ("reason", loss.as_str())];
            page.put(&LOSSES, &labels, count as f64);
        }
    }

    /// The family, for documentation.
    pub(super) const fn described() -> [&'static Described; 1] {
        [&LOSSES]
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// A file of cases: sentences as Spark has them, each behind a line with where it is from.
    #[test]
    fn every_real_sentence_has_its_reason() {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sources/spark/status_api/losses/cases");
        let mut met = Vec::new();
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let reason = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            for case in text.split("\n==== ").skip(1) {
                let (source, sentence) = case.split_once('\n').unwrap();
                let loss = Loss::of(sentence, source.contains("dynamic allocation"));
                assert_eq!(loss.as_str(), reason, "{source}");
            }
            assert!(text.contains("\n==== 3.") && text.contains("\n==== 4."), "{reason}");
            met.push(reason);
        }
        for loss in Loss::ALL {
            assert!(met.iter().any(|it| it == loss.as_str()), "{loss:?} has no case");
        }
    }

    #[test]
    fn an_executor_is_counted_once() {
        let mut losses = Losses::default();
        for (json, good) in [
            (r#"{"id":"driver","isActive":true}"#, true),
            (r#"{"id":"1","isActive":true}"#, true),
            (r#"{"id":"1","isActive":false,"removeReason":"Executor killed by driver."}"#, true),
            (r#"{"id":"1","isActive":false,"removeReason":"Worker lost"}"#, true),
            (r#"{"id":"2","isActive":false}"#, true),
            (r#"{"id":3,"isActive":false}"#, false),
        ] {
            let fields = Fields::parse(json.as_bytes()).unwrap();
            assert_eq!(losses.take(&fields, false).is_some(), good);
        }
        let told: Vec<_> =
            Loss::ALL.into_iter().zip(losses.counts).filter(|(_, n)| *n > 0).collect();
        assert_eq!(told, [(Loss::KilledByDriver, 1), (Loss::Unknown, 1)]);
    }
}
