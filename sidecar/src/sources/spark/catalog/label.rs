//! The parts of Spark's names that become labels.

/// What a part of a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// A queue of the listener bus: appStatus, executorManagement, shared, eventLog, streams.
    Queue,
    /// A listener's class.
    Listener,
    /// A streaming query's name, or its id where it has none.
    Query,
    /// A memory pool of the JVM.
    Pool,
    /// A garbage collector of the JVM.
    Collector,
    /// The scheme of a Hadoop file system.
    Scheme,
}

/// Names of memory pools (`MemoryPoolMXBean`) that have more in them than letters and spaces.
const JVM_NAMES: [&str; 3] =
    ["CodeHeap 'non-nmethods'", "CodeHeap 'non-profiled nmethods'", "CodeHeap 'profiled nmethods'"];

impl Label {
    /// The label's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Listener => "listener",
            Self::Query => "query",
            Self::Pool => "pool",
            Self::Collector => "collector",
            Self::Scheme => "scheme",
        }
    }

    /// The label's value, from the part of a name in which all but letters and digits is `_`.
    ///
    /// What was under an underscore is lost; it is put back where it can be told: JVM names have
    /// spaces, query ids hyphens, and classes dots (one with an underscore gets a dot too many).
    pub(super) fn value(self, part: &str) -> String {
        match self {
            Self::Listener => part.replace('_', "."),
            Self::Query if is_uuid(part) => part.replace('_', "-"),
            Self::Queue | Self::Query | Self::Scheme => part.to_owned(),
            Self::Pool | Self::Collector => JVM_NAMES
                .into_iter()
                .find(|name| super::fold(name) == part)
                .map_or_else(|| part.trim_matches('_').replace('_', " "), str::to_owned),
        }
    }
}

/// Whether the part is a UUID: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_')
        && part.split('_').map(str::len).eq([8, 4, 4, 4, 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_folded_is_put_back_where_it_can_be_told() {
        for (label, part, value) in [
            (Label::Pool, "G1_Eden_Space", "G1 Eden Space"),
            (Label::Pool, "CodeHeap__non_nmethods_", "CodeHeap 'non-nmethods'"),
            (Label::Pool, "CodeHeap__non_profiled_nmethods_", "CodeHeap 'non-profiled nmethods'"),
            (Label::Collector, "PS_MarkSweep", "PS MarkSweep"),
            (
                Label::Listener,
                "org_apache_spark_HeartbeatReceiver",
                "org.apache.spark.HeartbeatReceiver",
            ),
            (
                Label::Query,
                "a454b9ef_0d70_4a02_9d10_7c37b1cd498c",
                "a454b9ef-0d70-4a02-9d10-7c37b1cd498c",
            ),
            (Label::Query, "My_q_1", "My_q_1"),
            (Label::Queue, "appStatus", "appStatus"),
        ] {
            assert_eq!(label.value(part), value);
        }
    }
}
