//! Everything that can be served, from the tables that the sources write with: what a pod's own labels
//! have to keep clear of.

use std::collections::BTreeSet;

use crate::exposition::Page;
use crate::sources::spark::{catalog, executors_page, status_api};
use crate::sources::{cgroup, processes};
use crate::{container_exit, node};

/// Labels that no table has: of Spark's quantiles and rates, of its own names (`--compat=servlet`), and
/// of its processes; `le` is kept free for histograms.
const OTHERS: [&str; 6] = ["application_id", "executor_id", "le", "quantile", "type", "window"];

/// The names of all labels of Spark's figures and its container's. A pod's label that is called so
/// would be there twice, and void the page. The sidecar's own figures have none of the pod's.
#[must_use]
pub fn label_names() -> BTreeSet<String> {
    let pages = [
        executors_page::documented(),
        status_api::documented(),
        cgroup::documented(),
        processes::documented(),
        container_exit::documented(),
        node::documented(),
    ];
    let of_pages = pages.iter().flat_map(Page::documented_labels).map(str::to_owned);
    let of_catalog = catalog::metrics().filter_map(|metric| metric.label);
    let of_catalog = of_catalog.map(|label| label.name().to_owned());
    of_pages.chain(of_catalog).chain(OTHERS.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labels_of_every_kind_of_source_are_told() {
        let names = label_names();
        for name in ["application_name", "failure_type", "revision", "kind", "query", "evidence"] {
            assert!(names.contains(name), "{name} is not among {names:?}");
        }
        assert!(!names.contains("source") && !names.contains(""), "{names:?}");
    }
}
