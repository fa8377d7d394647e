//! What the webhook does to a pod: a function of the review's bytes and the settings, with no socket,
//! no clock and no cluster.
//!
//! ```text
//! file -> config -> settings ---------.
//!                                     v
//! bytes -> admission -> pod -> outcome_for -> plan -> patch -> review -> bytes
//!                                     '-----> skip ----------> review -> bytes
//! ```
//!
//! | step | module |
//! |---|---|
//! | bytes in, bytes out, always allowed | [`admission`], [`review`] |
//! | the few fields of a pod that are read | [`pod`] |
//! | which of Spark's processes it runs | `role` |
//! | what the cluster's operators want, and who said each value | [`config`], [`origin`] |
//! | what is known of the cluster | `cluster_state`, [`native_sidecars`]; of its namespaces [`namespace_state`] |
//! | where sidecars do not start, and since when | [`fuse`] |
//! | what becomes of the pod: the one entrance for all verbs, [`outcome_for`] | `outcome` |
//! | whether, and what | [`plan`] |
//! | the container, the operations | `container`, `patch` |
//! | names that others rely on; why a pod is left alone | [`contract`], `reason` |
//!
//! Imports point one way: `admission` knows `review` and `outcome`, `outcome` knows `plan` and `patch`,
//! these know `config` and `pod`, and those know `origin` and `contract`.

pub mod admission;
mod cluster_state;
pub mod config;
mod container;
pub mod contract;
pub mod fuse;
pub mod namespace_state;
pub mod native_sidecars;
pub mod origin;
mod outcome;
mod patch;
pub mod plan;
pub mod pod;
mod quantity;
mod reason;
pub mod review;
mod role;

pub use admission::Admission;
pub use cluster_state::{ClusterState, OwnImage};
pub use config::{AllSettings, Config, ConfigError, Settings};
pub use container::container;
pub use namespace_state::{NamespaceState, Namespaces};
pub use native_sidecars::NativeSidecars;
pub use outcome::{Outcome, outcome_by, outcome_for};
pub use plan::{Decision, Plan};
pub use pod::Pod;
pub use quantity::Quantity;
pub use reason::{PARTIALS, Partial, SKIPS, Skip};
pub use role::Role;
