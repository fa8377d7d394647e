//! Whether every kubelet of a cluster knows native sidecars. To one that does not, a sidecar is an
//! init container that never ends; so nothing is injected on a guess.

/// What is known of a cluster's kubelets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeSidecars {
    /// All of them know native sidecars; also said where there is no cluster to ask.
    Everywhere,
    /// Some do not.
    NotEverywhere,
    /// The cluster has not been asked yet, or does not tell.
    Unknown,
}

/// The minor version of Kubernetes 1 that has native sidecars on by default.
const SINCE: u32 = 29;

/// Minor versions that a kubelet may be behind the API server
/// (<https://kubernetes.io/releases/version-skew-policy/>).
const SKEW: u32 = 3;

impl NativeSidecars {
    /// What the API server's version tells; none where its nodes have to be asked.
    #[must_use]
    pub fn by_server(version: (u32, u32)) -> Option<Self> {
        if version >= (1, SINCE + SKEW) {
            Some(Self::Everywhere)
        } else if version < (1, SINCE) {
            Some(Self::NotEverywhere)
        } else {
            None
        }
    }

    /// What the versions of all kubelets tell; without any, nothing is known.
    #[must_use]
    pub fn by_kubelets<'v>(versions: impl IntoIterator<Item = &'v str>) -> Self {
        let mut known = Self::Unknown;
        for version in versions {
            if minor(version).is_none_or(|minor| minor < SINCE) {
                return Self::NotEverywhere;
            }
            known = Self::Everywhere;
        }
        known
    }
}

/// The numbers of an API server's `major` and `minor`: EKS says `29+`.
#[must_use]
pub fn server_version(major: &str, minor: &str) -> (u32, u32) {
    let number = |text: &str| {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..digits].parse().unwrap_or(0)
    };
    (number(major), number(minor))
}

/// The minor version of `v1.29.3-eks-adc7111`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("v1.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::NativeSidecars::{Everywhere, NotEverywhere, Unknown};
    use super::*;

    #[test]
    fn a_server_that_no_older_kubelet_may_talk_to_tells_alone() {
        for (minor, expected) in
            [("36", Some(Everywhere)), ("32+", Some(Everywhere)), ("31", None), ("29+", None)]
        {
            assert_eq!(NativeSidecars::by_server(server_version("1", minor)), expected, "{minor}");
        }
        assert_eq!(NativeSidecars::by_server(server_version("1", "28")), Some(NotEverywhere));
        assert_eq!(NativeSidecars::by_server(server_version("", "")), Some(NotEverywhere));
    }

    #[test]
    fn one_kubelet_that_is_too_old_or_cannot_be_read_decides() {
        for (versions, expected) in [
            (&["v1.31.0", "v1.29.3-eks-adc7111"][..], Everywhere),
            (&["v1.31.0", "v1.28.9"], NotEverywhere),
            (&["unknown"], NotEverywhere),
            (&[], Unknown),
        ] {
            assert_eq!(NativeSidecars::by_kubelets(versions.iter().copied()), expected);
        }
    }
}
