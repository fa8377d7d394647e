//! An answer as people and programs read it.

mod html;
mod json;
mod list;
mod markdown;
mod text;
mod words;

pub use html::html;
pub use json::{facts_json, json};
pub use list::{list_json, list_markdown, list_text, sort};
pub use markdown::markdown;
pub use text::text;
