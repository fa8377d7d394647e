//! What an executor pushes: Spark's `GraphiteSink`, received on the loopback interface.
//!
//! Executors serve no HTTP. With `spark.metrics.conf.executor.sink.graphite.*` Spark sends
//! `name value timestamp` lines over TCP every period, and once more when the executor ends
//! (`com.codahale.metrics.graphite.GraphiteReporter`). The last value of each name is kept; each
//! scrape writes them all, under the names of the same catalog as the driver page.

mod receive;
mod store;

pub use receive::serve;
pub use store::Store;

#[cfg(test)]
mod tests;
