//! Where a value comes from: kept beside the value from where it is decided on.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::contract::PREFIX;

/// Who has the last word on a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody says otherwise.
    Default,
    /// The configuration file, outside of profiles.
    Configuration,
    /// A profile, by its name.
    Profile(String),
    /// An annotation of the pod, by its name behind the prefix.
    Annotation(&'static str),
    /// This program: what it runs from, or a flag that it was started with, in words.
    Program(&'static str),
    /// Something else of the pod, in words.
    Pod(&'static str),
    /// Something of the pod's namespace, in words.
    Namespace(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Configuration => f.write_str("configuration"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Annotation(name) => write!(f, "annotation {PREFIX}{name}"),
            Self::Program(words) | Self::Pod(words) | Self::Namespace(words) => f.write_str(words),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value and where it comes from. Two are equal if their values are: who said it makes no
/// difference to what is injected.
#[derive(Debug, Clone)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Who said it.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value that holds unless somebody says otherwise.
    pub const fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// Whether nobody said it.
    pub fn is_default(&self) -> bool {
        self.origin == Origin::Default
    }

    /// What is made of the value comes from where the value does.
    pub fn map<U>(&self, made: impl FnOnce(&T) -> U) -> Sourced<U> {
        Sourced { value: made(&self.value), origin: self.origin.clone() }
    }
}

impl<T> Deref for Sourced<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Sourced<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Sourced<T> {}

/// As the value alone.
impl<T: Serialize> Serialize for Sourced<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// What is read is read from the configuration file.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sourced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self { value, origin: Origin::Configuration })
    }
}
