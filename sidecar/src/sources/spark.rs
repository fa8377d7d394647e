//! What Spark says about itself: two pages of its UI on the driver, a push from each executor.
//!
//! Spark's text is close to Prometheus' format and often not in it. [`text`] reads it leniently,
//! [`catalog`] knows what the metrics mean, [`driver`], [`executors`] and [`push`] write them into
//! a page, and [`client`] fetches the two pages.

mod application;
pub mod catalog;
pub mod client;
pub mod driver;
mod dropwizard;
pub mod executors;
pub mod push;
mod read;
pub mod servlet;
mod text;
mod translate;

pub use read::{DriverPage, ExecutorsPage, Push};

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
