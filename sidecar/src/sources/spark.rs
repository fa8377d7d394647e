//! What Spark says about itself: two pages and the status API of its UI on the driver, a push from each
//! executor.
//!
//! ```text
//! client -> driver_page -> text -> names -> registry -> catalog      push -> names -> registry -> catalog
//! client -> executors_page -> text        client -> status_api
//! ```
//!
//! Spark's text is close to Prometheus' format and often not in it: [`text`] reads it leniently.
//! [`names`] tells whose metric a name is and which; [`registry`] writes it into a page as what the
//! [`catalog`] says that it is.

pub mod catalog;
pub mod client;
pub mod driver_page;
pub mod executors_page;
mod names;
pub mod push;
mod read;
mod registry;
pub mod servlet;
pub mod status_api;
mod text;

pub use read::{DriverPage, ExecutorsPage, Push};
pub use status_api::StatusApi;

pub use super::{Reason, Repairs};

use crate::args::{Compat, Profile};

/// What is wanted of Spark's figures.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The application's id, where it is known better than Spark's names tell: from the pod's
    /// labels.
    pub application_id: Option<String>,
    /// How much of each metric.
    pub profile: Profile,
    /// Whose names beside the stable ones.
    pub compat: Compat,
}

#[cfg(test)]
mod tests;
