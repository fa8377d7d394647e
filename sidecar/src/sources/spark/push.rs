//! What Spark pushes: its `GraphiteSink`, received on the loopback interface.
//!
//! Executors serve no HTTP, and a driver closes its pages before it is done. With
//! `spark.metrics.conf.<driver or executor>.sink.emberscope.*` Spark sends `name value timestamp`
//! lines over TCP every period, and once more when it stops
//! (`com.codahale.metrics.graphite.GraphiteReporter`, `MetricsSystem.report`). The last value of each
//! name is kept; each scrape writes them, under the names of the same catalog as the driver page.

mod receive;
mod store;

pub use receive::serve;
pub use store::{Of, Store};

#[cfg(test)]
mod tests;
