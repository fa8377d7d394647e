//! What of a namespace would refuse a pod with the sidecar.

use crate::namespace_state::Bounded;
use crate::quantity::Quantity;
use crate::reason::Skip;

/// Why no requests and limits of the sidecar fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misfit {
    /// Nothing satisfies this bound of a LimitRange.
    #[error("LimitRange {name}: {bound} of {resource} per {of} is {amount}")]
    LimitRange {
        name: String,
        bound: &'static str,
        of: Bounded,
        resource: String,
        amount: Quantity,
    },
    /// What a LimitRange asks of each container does not fit in what the pod has as a whole.
    #[error("LimitRange: {resource} of each container, in a pod with a budget as a whole")]
    Budget { resource: &'static str },
    /// Too little is left of a quota.
    #[error("ResourceQuota {name}: {used} of {hard} {counted} are used")]
    Quota { name: String, counted: String, used: Quantity, hard: Quantity },
}

impl Misfit {
    /// The reason that it is for leaving the pod alone.
    pub(super) const fn skip(&self) -> Skip {
        match self {
            Self::LimitRange { .. } | Self::Budget { .. } => Skip::LimitRange,
            Self::Quota { .. } => Skip::QuotaFull,
        }
    }
}
