//! The name of an image.

use std::fmt;

use container_image_dist_ref::ImgRef;
use serde::{Deserialize, Serialize};

/// A reference to an image, as it was written: one that is none gets the whole pod refused, or has it
/// wait for ever (<https://kubernetes.io/docs/concepts/containers/images/#image-names>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Image(String);

impl Image {
    /// The one that is released with this version: both programs are in it.
    pub(super) fn of_this_version() -> Self {
        Self(concat!("localhost/emberscope:", env!("CARGO_PKG_VERSION")).to_owned())
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
        match ImgRef::new(&image) {
            Ok(_) => Ok(Self(image)),
            Err(error) => {
                let at = error.index() + 1;
                Err(format!("{image:?} is no reference to an image (character {at})"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_registries_take_is_a_reference_and_what_they_do_not_is_named() {
        let digest = "@sha256:".to_owned() + &"0".repeat(64);
        for image in [
            "a",
            "emberscope:0.1.0",
            "localhost:5000/a",
            &format!("r.io:8443/a/b:1{digest}"),
            &"a".repeat(200),
        ] {
            assert_eq!(Image::try_from(image.to_owned()).unwrap().as_str(), image);
        }
        for image in ["", " x:1", "a/B", "a:", "a b", "a@sha256:0", "https://r.io/a", "a:1:2", "ü"]
        {
            let error = Image::try_from(image.to_owned()).unwrap_err();
            assert!(error.contains(&format!("{image:?} is no reference")), "{error}");
        }
        let long = |name: usize| format!("r.io:8443/{}:1{digest}", "b".repeat(name - 10));
        assert!(Image::try_from(long(255)).is_ok());
        assert!(Image::try_from(long(256)).unwrap_err().contains("is no reference"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

        /// The parser says `unreachable!` in places.
        #[test]
        fn any_text_is_read_or_refused(image in "[a-zA-Z0-9:/@._\\[\\]+ -]{0,40}", other in any::<String>()) {
            let _ = Image::try_from(image);
            let _ = Image::try_from(other);
        }
    }
}
