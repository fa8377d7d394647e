//! Why there is no page.

use std::net::SocketAddr;

use hyper::StatusCode;
use thiserror::Error;

use crate::sources::EMPTY;

/// Why a page of Spark's could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// Spark has no UI yet, has none any more, or has it elsewhere.
    #[error("nothing listens on port {first_port} and the 16 above it")]
    NotListening {
        /// The first port that was tried.
        first_port: u16,
    },
    /// Something answers, but with something else.
    #[error("what answers on {address} is not Spark's page")]
    NotSpark {
        /// What answered.
        address: SocketAddr,
    },
    /// Spark's UI is up before its pages are.
    #[error("spark on {address} says that it is starting up")]
    StartingUp {
        /// What answered.
        address: SocketAddr,
    },
    /// 404: the page is not switched on (`spark.ui.prometheus.enabled`, the `prometheusServlet`
    /// sink), or not yet there.
    #[error("{address} answered {status}: spark's page is not switched on")]
    ServletOff {
        /// What answered.
        address: SocketAddr,
        /// 404.
        status: StatusCode,
    },
    /// To HTTPS where `spark.ssl.ui.enabled`, or to a login.
    #[error("{address} redirects to {location}")]
    Redirected {
        /// What answered.
        address: SocketAddr,
        /// The `Location` header.
        location: String,
    },
    /// 401 or 403, from a filter of `spark.ui.filters`.
    #[error("{address} answered {status}: a filter of spark's ui wants a login")]
    Refused {
        /// What answered.
        address: SocketAddr,
        /// 401 or 403.
        status: StatusCode,
    },
    /// Any other status.
    #[error("{address} answered {status}")]
    Status {
        /// What answered.
        address: SocketAddr,
        /// The status.
        status: StatusCode,
    },
    /// More than is read.
    #[error("the page of {address} has more than {limit} bytes")]
    TooLarge {
        /// What answered.
        address: SocketAddr,
        /// How many bytes are read.
        limit: usize,
    },
    /// No whole page in time.
    #[error("spark's page was not there in time")]
    Deadline,
    /// No HTTP, or not to the end.
    #[error("{address} does not speak http to the end")]
    Protocol {
        /// What answered.
        address: SocketAddr,
        /// What was wrong.
        #[source]
        source: hyper::Error,
    },
}

impl FetchError {
    /// Every reason why there is no page, but the deadline, which any source may miss; and the one of a
    /// page without a sample.
    pub const REASONS: [&str; 10] = [
        "not_listening",
        "not_spark",
        "starting_up",
        "servlet_off",
        "redirected",
        "refused",
        "status",
        "too_large",
        "protocol",
        EMPTY,
    ];

    /// One word for a `reason` label.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotListening { .. } => "not_listening",
            Self::NotSpark { .. } => "not_spark",
            Self::StartingUp { .. } => "starting_up",
            Self::ServletOff { .. } => "servlet_off",
            Self::Redirected { .. } => "redirected",
            Self::Refused { .. } => "refused",
            Self::Status { .. } => "status",
            Self::TooLarge { .. } => "too_large",
            Self::Deadline => "deadline",
            Self::Protocol { .. } => "protocol",
        }
    }

    /// Whether Spark may have moved to another port.
    pub(super) const fn elsewhere(&self) -> bool {
        matches!(self, Self::NotListening { .. } | Self::NotSpark { .. } | Self::Protocol { .. })
    }

    /// How much it says about Spark: of several ports' errors the most telling one is reported.
    pub(super) const fn says(&self) -> u8 {
        match self {
            Self::NotListening { .. } | Self::Deadline => 0,
            Self::NotSpark { .. } => 1,
            Self::Protocol { .. } => 2,
            Self::Status { .. } => 3,
            Self::ServletOff { .. } => 4,
            Self::Redirected { .. } | Self::Refused { .. } => 5,
            Self::TooLarge { .. } | Self::StartingUp { .. } => 6,
        }
    }
}
