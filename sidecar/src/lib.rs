//! The sidecar: beside one Spark driver or executor, it answers `GET /metrics` with everything
//! that is known of it.
//!
//! ```text
//! GET /metrics -> http -> scrape -+- spark driver page ---+
//!                                 +- spark executors page +
//!                                 +- spark status API ----+
//!                                 +- executor push -------+--> merge -> encode -> body
//!                                 +- processes -----------+
//!                                 +- cgroup --------------+
//! ```
//!
//! | module | what it does | uses |
//! |---|---|---|
//! | [`args`] | what the webhook, or a hand, tells the sidecar | |
//! | [`run`](mod@run) | who holds what: everything is wired here | all below |
//! | `http` | requests in, pages out, with limits for clients | `scrape` |
//! | [`scrape`] | what all sources have when an answer is due, as one page | all below |
//! | [`shutdown`] | when it ends: when told, with the last values taken | `container_exit` |
//! | [`container_exit`] | how Spark's container ended, as far as a neighbour can know | `cgroup` |
//! | [`self_metrics`] | the sidecar's own figures | `sources` |
//! | [`served`] | everything that can be served | `sources`, `container_exit` |
//! | [`sources::cgroup`] | memory, CPU and pressure of the Spark container | `processes` |
//! | [`sources::processes`] | the pod's processes by kind | `sources` |
//! | [`sources::spark`] | Spark's two pages, its status API and its push, repaired and renamed | `sources` |
//! | [`sources`] | what a source is, and what goes for every one of them | `exposition` |
//! | [`node`] | what the pod's node is and has | `exposition` |
//! | `kernel_files` | small files of the kernel's, kept open | |
//! | `lock` | a lock that outlives the panic of a holder | |
//! | [`exposition`] | the page, and its text | |

pub mod args;
pub mod container_exit;
pub mod exposition;
mod http;
mod kernel_files;
mod lock;
pub mod node;
pub mod run;
pub mod scrape;
pub mod self_metrics;
pub mod served;
pub mod shutdown;
pub mod sources;
