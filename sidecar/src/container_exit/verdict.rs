//! The rule: what was observed of a container whose JVM has ended, to what is known of the end.

use super::Evidence;

/// What was observed of one JVM, from the first reading to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) count: Count,
    pub(super) earlier: Earlier,
    pub(super) end: JvmEnd,
}

/// How the container's count of out-of-memory kills stood at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// It was read, and had not risen since the JVM was seen to go on.
    Stands,
    /// It had risen, and the JVM was not seen to go on after that.
    Risen,
    /// It had risen, and SIGKILL was seen on its way to the JVM.
    RisenForTheJvm,
    /// It could not be read in time: what the node's count says in its place, and the last memory figures.
    Missed(NodeCount, Room),
}

/// How the node's count of kills stood at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeCount {
    /// It has not risen since the last reading.
    Stands,
    /// It has.
    Risen,
    /// It cannot be read, or was not read before.
    Unknown,
}

/// What was left of the memory limit at the last reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Less than 5 %.
    None,
    /// More, or there is no limit, or nothing is known.
    Some,
}

/// Whether kills were counted that the JVM went on after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    /// None that is known.
    Nothing,
    /// Other processes were killed.
    Others,
}

/// How the JVM ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JvmEnd {
    /// It left by itself: an exit, an uncaught error, SIGTERM.
    ByItself,
    /// SIGKILL ended it, or it had no time for what every exit does.
    ByForce,
    /// Nobody could see.
    Unknown,
}

/// What follows from that.
#[must_use]
pub(super) const fn verdict(observed: Observed) -> Evidence {
    let no_kill_of_the_jvm = match observed.earlier {
        Earlier::Nothing => Evidence::NoOomKill,
        Earlier::Others => Evidence::ProcessOomKill,
    };
    match (observed.count, observed.end) {
        (Count::RisenForTheJvm, _) | (Count::Risen, JvmEnd::ByForce) => Evidence::OomKill,
        (Count::Risen, JvmEnd::ByItself) => Evidence::ProcessOomKill,
        (Count::Risen, JvmEnd::Unknown) => Evidence::UnattributedOomKill,
        (Count::Stands | Count::Missed(NodeCount::Stands, _), _)
        | (Count::Missed(..), JvmEnd::ByItself) => no_kill_of_the_jvm,
        (Count::Missed(NodeCount::Risen, _), _) => Evidence::NodeOomKill,
        (Count::Missed(NodeCount::Unknown, Room::None), _) => Evidence::MemoryAtLimit,
        (Count::Missed(NodeCount::Unknown, Room::Some), _) => Evidence::ProcessGone,
    }
}
