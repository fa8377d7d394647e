//! Where figures come from: a folder for each kind of source.

pub mod cgroup;
pub mod processes;
pub mod spark;
