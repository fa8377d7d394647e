//! How long is waited for what: in one place, and handed in, so that tests need not sit it out.

use std::time::Duration;

use emberscope_certs::renewal::ROTATION_OVERLAP;
use emberscope_core::fuse::Pauses;

/// Pauses and limits of everything that runs beside the answering of reviews.
#[derive(Debug, Clone, Copy)]
pub struct Intervals {
    /// How often the configuration file and certificate files are read again. By content: the kubelet
    /// swaps a link, and nothing that watches the files themselves would notice.
    pub reread: Duration,
    /// How often the wall clock is asked whether something is due. Not once when it is due: machines
    /// sleep, and clocks are set.
    pub clock: Duration,
    /// How often the cluster is looked at though no watch told of a change; and asked what kubelets
    /// know, and for this program's own pod where that could not be read.
    pub look: Duration,
    /// How soon what failed is tried again.
    pub retry: Duration,
    /// How long one round of looking and mending may take, or one later question for the own pod.
    pub round: Duration,
    /// How long API servers are given to notice a new `caBundle` before a certificate is served that
    /// only it vouches for. Each watches the configuration by itself.
    pub settle: Duration,
    /// How long each step of a rotation takes; more than `look` and `settle`, so that every replica
    /// follows.
    pub rotation_overlap: Duration,
    /// How long is waited, after the last pod that told of a blown fuse is gone, before one executor
    /// may try.
    pub fuse: Pauses,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            reread: Duration::from_secs(5),
            clock: Duration::from_mins(1),
            look: Duration::from_secs(30),
            retry: Duration::from_secs(2),
            round: Duration::from_secs(30),
            settle: Duration::from_secs(5),
            rotation_overlap: ROTATION_OVERLAP,
            fuse: Pauses { first: Duration::from_mins(1), longest: Duration::from_hours(1) },
        }
    }
}

impl Intervals {
    /// The same, so many times shorter. How long an API server may take stays, and so does `look`: what
    /// a watch tells of is not to be found by looking.
    #[must_use]
    pub fn hastened(self, times: u32) -> Self {
        let times = times.max(1);
        Self {
            reread: self.reread / times,
            clock: self.clock / times,
            look: self.look,
            retry: self.retry / times,
            round: self.round,
            settle: self.settle / times,
            rotation_overlap: self.rotation_overlap / times,
            fuse: Pauses { first: self.fuse.first / times, longest: self.fuse.longest / times },
        }
    }
}
