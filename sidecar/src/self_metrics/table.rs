//! Every metric that the sidecar has of itself: what the documentation lists, and nothing else is
//! served.

use crate::exposition::Kind;

/// One metric: its name, type, labels and HELP text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// The name; counters end in `_total`.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Described {
    Described { name, kind: Kind::Gauge, labels, help }
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Described {
    Described { name, kind: Kind::Counter, labels, help }
}

pub(super) const BUILD_INFO: Described = gauge(
    "emberscope_build_info",
    &["version", "role"],
    "Version of the sidecar and the role of its pod; always 1.",
);
pub(super) const SOURCE_UP: Described = gauge(
    "emberscope_source_up",
    &["source"],
    "Whether the source gave its figures for this page (1) or failed (0).",
);
pub(super) const SOURCE_DURATION: Described = gauge(
    "emberscope_source_duration_seconds",
    &["source"],
    "How long the source took for this page.",
);
pub(super) const SOURCE_ERRORS: Described = counter(
    "emberscope_source_errors_total",
    &["source", "reason"],
    "How often the source failed, by reason.",
);
pub(super) const REPAIRS: Described = counter(
    "emberscope_repairs_total",
    &["reason"],
    "Lines of Spark's that were repaired or dropped to keep the page valid, by reason.",
);
pub(super) const LEFT_OUT: Described = counter(
    "emberscope_left_out_samples_total",
    &[],
    "Samples left out because their series, or another source's metric of the name, is there already.",
);
pub(super) const CUT: Described = gauge(
    "emberscope_cut_samples",
    &["family"],
    "Samples of the metric that are not on this page, because there are more in all than --max-series allows.",
);
pub(super) const SCRAPES: Described =
    counter("emberscope_scrapes_total", &[], "How often this page was asked for.");
pub(super) const SCRAPE_DURATION: Described = gauge(
    "emberscope_scrape_duration_seconds",
    &[],
    "How long all sources together took for this page.",
);
pub(super) const BYTES: Described = gauge(
    "emberscope_exposition_bytes",
    &[],
    "Size of the last page that was sent, before compression.",
);
pub(super) const SAMPLES: Described =
    gauge("emberscope_samples", &[], "Samples on this page before the sidecar's own metrics.");
pub(super) const SPARK_ENDED: Described = gauge(
    "emberscope_spark_ended",
    &[],
    "Whether Spark has ended (1): the page then holds the last values that were seen.",
);
pub(super) const RESIDENT: Described =
    gauge("emberscope_process_resident_memory_bytes", &[], "Resident memory of the sidecar.");
pub(super) const CPU: Described = counter(
    "emberscope_process_cpu_seconds_total",
    &[],
    "CPU time that the sidecar has used, user and system.",
);
pub(super) const OPEN_FDS: Described =
    gauge("emberscope_process_open_fds", &[], "Open file descriptors of the sidecar.");

/// All of them.
pub const TABLE: &[Described] = &[
    BUILD_INFO,
    SOURCE_UP,
    SOURCE_DURATION,
    SOURCE_ERRORS,
    REPAIRS,
    LEFT_OUT,
    CUT,
    SCRAPES,
    SCRAPE_DURATION,
    BYTES,
    SAMPLES,
    SPARK_ENDED,
    RESIDENT,
    CPU,
    OPEN_FDS,
];
