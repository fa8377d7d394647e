//! The name of an image.

use std::fmt;
use std::str::FromStr;

use oci_spec::distribution::Reference;
use serde::{Deserialize, Serialize};

/// A reference to an image, as it was written: one that is none gets the whole pod refused, or has it
/// wait for ever (<https://kubernetes.io/docs/concepts/containers/images/#image-names>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Image(String);

impl Image {
    /// The sidecar's that is released with this version.
    pub(super) fn of_this_version() -> Self {
        Self(concat!("localhost/emberscope/sidecar:", env!("CARGO_PKG_VERSION")).to_owned())
    }

    /// The reference.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Image {
    type Error = String;

    fn try_from(image: String) -> Result<Self, Self::Error> {
        match Reference::from_str(&image) {
            Ok(_) => Ok(Self(image)),
            Err(error) => Err(format!("{image:?} is no reference to an image: {error}")),
        }
    }
}
