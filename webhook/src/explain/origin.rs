//! Where a value comes from.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::config::Config;
use crate::overrides::PREFIX;
use crate::settings::{AllSettings, Settings};

/// The place that has the last word on a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody says otherwise.
    Default,
    /// The configuration file, outside of profiles.
    Configuration,
    /// A profile.
    Profile(String),
    /// An annotation of the pod, by its name behind the prefix.
    Annotation(&'static str),
    /// Something else of the pod, in words.
    Pod(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Configuration => f.write_str("configuration"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Annotation(name) => write!(f, "annotation {PREFIX}{name}"),
            Self::Pod(words) => f.write_str(words),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The three layers of the configuration, by which the origin of a value is told.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    default: Settings,
    top: &'a Settings,
    own: &'a Settings,
}

impl<'a> Layers<'a> {
    /// Those above `own`, the settings of one pod.
    pub(super) fn of(all: &'a AllSettings, own: &'a Settings) -> Self {
        let default = Settings::new(Config::default(), all.native_sidecars);
        Self { default, top: all.default(), own }
    }

    /// The configuration of the pod.
    pub(super) const fn config(&self) -> &Config {
        &self.own.config
    }

    /// The layer that `value` comes from: the first from which on it stays the same.
    pub(super) fn origin<T: PartialEq>(&self, value: impl Fn(&Settings) -> T) -> Origin {
        let (own, top) = (value(self.own), value(self.top));
        if own != top {
            Origin::Profile(self.own.profile.clone().unwrap_or_default())
        } else if top != value(&self.default) {
            Origin::Configuration
        } else {
            Origin::Default
        }
    }
}
