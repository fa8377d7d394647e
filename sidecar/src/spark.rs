//! What Spark says about itself: two pages of its UI on the driver, a push from each executor.
//!
//! Spark's text is close to Prometheus' format and often not in it. [`text`] reads it leniently,
//! [`catalog`] knows what the metrics mean, [`driver`], [`executors`] and [`push`] write them into
//! a page, and [`ui`] fetches the two pages.

mod application;
pub mod catalog;
pub mod driver;
mod dropwizard;
pub mod executors;
pub mod push;
mod repairs;
pub mod servlet;
mod text;
mod translate;
pub mod ui;

pub use repairs::{Lines, Reason, Repairs};

use crate::args::Profile;

/// What is wanted of Spark's figures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The application's id, where it is known better than Spark's names tell.
    pub application_id: Option<&'a str>,
    /// How much of each metric.
    pub profile: Profile,
}

#[cfg(test)]
mod tests;
