//! The system as users meet it, on one machine: the parts of `make demo`, which tests use too.
//!
//! ```text
//!  golden review --TLS--> emberscope serve          admission
//!        |                       |
//!        |   <-- JSON Patch -----+
//!        v
//!  patched pod --+-- SPARK_SUBMIT_OPTS --> spark-submit          spark, enclosure
//!                +-- arguments ----------> emberscope-sidecar    programs
//!                +-- labels, ports ------> targets               discovery
//!                                             |
//!  sidecar <--scrape-- Prometheus --remote write--> Prometheus   prometheus
//!                                                       |
//!                                                     table      series
//! ```
//!
//! [`demo`] is the order in which these things happen; [`trial`] is a smaller one, for tests, on ports
//! of its own. [`load`] is the benchmark of admission, [`scrapes`] and [`instructions`] are those of
//! the sidecar. [`dashboards`] makes what Grafana shows, [`rules`] reads the alerts that are shipped.
//! [`cluster`] is the other half: a real API server that asks the webhook, without a job that runs.

pub mod admission;
pub mod cluster;
pub mod consent;
pub mod dashboards;
pub mod demo;
pub mod discovery;
pub mod effective_requests;
pub mod enclosure;
pub mod http;
pub mod instructions;
pub mod load;
pub mod node;
pub mod places;
pub mod pod_admission;
pub mod ports;
pub mod process;
pub mod programs;
pub mod prometheus;
pub mod quality_of_service;
pub mod rules;
pub mod scrapes;
pub mod series;
pub mod spark;
pub mod trial;
pub mod untouched;
pub mod verdict_of_why;
