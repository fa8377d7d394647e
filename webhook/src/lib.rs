//! Makes every Spark job on a Kubernetes cluster observable, with no change to the job.
//!
//! ```text
//! bytes -> review -> pod view -> decide -> Inject(plan) -> patch -> response
//!                                   \----> Skip(reason) ----------> response
//! ```
//!
//! | step | module |
//! |---|---|
//! | the envelope, in and out | [`review`] |
//! | the few fields that are read | [`pod`] |
//! | what the cluster's operators want | [`config`], [`settings`] |
//! | what the pod's owner wants | [`overrides`] |
//! | whether, and what | [`decide`], [`sidecar`], [`submit_opts`], [`resources`], [`reason`] |
//! | the container, the operations | [`container`], [`patch`] |
//! | all of it, bytes to bytes | [`admit`] |
//!
//! All of these are functions on bytes and values. Around them stand [`serve`] (TLS, HTTP, the
//! certificate, the cluster), and [`inject`] and [`explain`] (files and standard input). [`policy`] writes the same
//! rules for the API server to carry out itself; [`check`] tells whether a cluster is set up.

pub mod admit;
pub mod args;
pub mod check;
pub mod config;
pub mod container;
pub mod decide;
pub mod explain;
pub mod inject;
pub mod overrides;
pub mod patch;
pub mod pod;
pub mod policy;
pub mod quantity;
pub mod reason;
pub mod resources;
pub mod review;
pub mod serve;
pub mod settings;
pub mod sidecar;
pub mod submit_opts;
