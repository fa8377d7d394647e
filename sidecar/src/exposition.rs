//! The page that Prometheus gets: families with one type and one help each, samples in columns.
//!
//! Every source writes into one [`Page`]; [`encode`] turns it into text. What goes in may be
//! anything; what comes out is valid: names and labels are repaired, a family has one type, a counter
//! only counts, and of two samples of one series the later one wins.

mod described;
pub mod encode;
mod format;
mod labels;
mod page;
mod pod_labels;
mod series_names;

pub use described::{Described, Row};
pub use format::{Format, takes_gzip};
pub use labels::{LabelSet, LabelSets, MAX_VALUE};
pub use page::{Family, FamilyId, Kind, Page, Part, Sample};
pub use pod_labels::PodLabels;
pub use series_names::{Declared, SeriesNames};

#[cfg(test)]
mod tests;
