//! One element of an answer, read as leniently as Spark's releases differ.

use serde_json::{Map, Value};

/// A field that is not there, or not what it should be, counts as not there.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of an object, which is JSON.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    /// What is there under that name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A count, of which none is negative.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// The number of a stage, a job and the like.
    pub(super) fn id(&self, name: &str) -> Option<u32> {
        self.count(name)?.try_into().ok()
    }

    /// Numbers of jobs or stages.
    pub(super) fn ids(&self, name: &str) -> impl Iterator<Item = u32> {
        let ids = self.get(name).and_then(Value::as_array).into_iter().flatten();
        ids.filter_map(|id| id.as_u64()?.try_into().ok())
    }
}
