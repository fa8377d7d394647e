//! The end of the driver's log.

use serde::{Deserialize, Serialize};

/// What the end of the log has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The last exception in it.
    pub exception: Option<Exception>,
    /// Its last lines, cleaned and cut.
    pub tail: Vec<String>,
}

/// Whose an exception is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Java or Scala.
    #[default]
    Jvm,
    /// Python.
    Python,
}

/// An exception, down to its innermost cause.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exception {
    /// Whose.
    pub language: Language,
    /// The innermost class (`java.io.FileNotFoundException`, `ValueError`).
    pub class: String,
    /// What it says.
    pub message: String,
    /// Where in the job it was raised (`orders.py:41, in load`).
    pub place: Option<String>,
    /// Whether it was raised in a task, on an executor.
    pub in_task: bool,
    /// Whether nothing caught it: the program ended by it.
    pub uncaught: bool,
}
