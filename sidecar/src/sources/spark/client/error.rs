//! Why there is no page.

use hyper::StatusCode;
use thiserror::Error;

/// Why a page of Spark's could not be fetched.
#[derive(Debug, Error)]
#[error("{why} (127.0.0.1:{port})")]
pub struct FetchError {
    /// The port that answered, or the first that was asked.
    pub port: u16,
    /// What is wrong with it.
    pub why: NoPage,
}

/// What is wrong with a port that gave no page.
#[derive(Debug, Error)]
pub enum NoPage {
    /// Spark has no UI yet, has none any more, or has it elsewhere.
    #[error("nothing listens here or on the 16 ports above")]
    NotListening,
    /// Something answers, but with something else.
    #[error("what answers is not Spark's page")]
    NotSpark,
    /// Spark's UI is up before its pages are.
    #[error("spark says that it is starting up")]
    StartingUp,
    /// 404: the page is not switched on (`spark.ui.prometheus.enabled`, the `prometheusServlet`
    /// sink), or not yet there.
    #[error("404: spark's page is not switched on")]
    ServletOff,
    /// To HTTPS where `spark.ssl.ui.enabled`, or to a login: the `Location` header.
    #[error("redirected to {0}")]
    Redirected(String),
    /// 401 or 403, from a filter of `spark.ui.filters`.
    #[error("{0}: a filter of spark's ui wants a login")]
    Refused(StatusCode),
    /// Any other status.
    #[error("answered with {0}")]
    Status(StatusCode),
    /// More bytes than are read.
    #[error("the page has more than {0} bytes")]
    TooLarge(usize),
    /// No whole page in time.
    #[error("spark's page was not there in time")]
    Deadline,
    /// No HTTP, or not to the end.
    #[error("no http, or not to the end")]
    Protocol(#[source] hyper::Error),
}

impl NoPage {
    /// The error of that port.
    pub(super) const fn of(self, port: u16) -> FetchError {
        FetchError { port, why: self }
    }

    /// One word for a `reason` label, and how much it says about Spark: of several ports' errors the
    /// most telling one is reported.
    const fn told(&self) -> (&'static str, u8) {
        match self {
            Self::NotListening => ("not_listening", 0),
            Self::Deadline => ("deadline", 0),
            Self::NotSpark => ("not_spark", 1),
            Self::Protocol(_) => ("protocol", 2),
            Self::Status(_) => ("status", 3),
            Self::ServletOff => ("servlet_off", 4),
            Self::Redirected(_) => ("redirected", 5),
            Self::Refused(_) => ("refused", 5),
            Self::TooLarge(_) => ("too_large", 6),
            Self::StartingUp => ("starting_up", 6),
        }
    }
}

impl FetchError {
    /// One word for a `reason` label.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.why.told().0
    }

    /// How much it says about Spark.
    pub(super) const fn says(&self) -> u8 {
        self.why.told().1
    }

    /// Whether Spark may have moved to another port.
    pub(super) const fn elsewhere(&self) -> bool {
        matches!(self.why, NoPage::NotListening | NoPage::NotSpark | NoPage::Protocol(_))
    }
}
