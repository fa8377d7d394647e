//! `/proc/<pid>/cgroup`: which container a process is in, as far as its cgroups tell.
//!
//! Lines are `<hierarchy>:<controllers>:<path>` (cgroups(7)). With cgroup v2 a container has a
//! cgroup namespace of its own, and from the sidecar's the Spark container is `0::/../<id>`; with
//! v1 the whole path on the node stands there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// One line: the group of the process in one hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership<'a> {
    /// `memory`, `cpu,cpuacct`, `name=systemd`; empty for v2.
    pub(crate) controllers: &'a str,
    /// From the root of the reader's cgroup namespace; begins with a slash.
    pub(crate) path: &'a str,
}

/// The container of a process: equal for two processes that are in the same cgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Container(u64);

impl Container {
    /// The container that this `cgroup` file tells.
    pub(crate) fn parse(cgroup: &[u8]) -> Self {
        let mut hash = DefaultHasher::new();
        cgroup.hash(&mut hash);
        Self(hash.finish())
    }
}

/// The lines of a `cgroup` file; what is none is left out.
pub(crate) fn memberships(cgroup: &[u8]) -> impl Iterator<Item = Membership<'_>> {
    cgroup.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(':')?;
        path.starts_with('/').then_some(Membership { controllers, path })
    })
}

/// Whether a process may be in our own pod.
///
/// It matters where a pod runs with `hostPID` and sees the processes of every other: a pod's
/// containers have one parent cgroup, another pod's do not. Outside of Kubernetes nothing is known
/// about pods, and every process may be.
pub(crate) fn same_pod(own: &[u8], other: &[u8]) -> bool {
    memberships(other).all(|line| {
        let ours = memberships(own).find(|ours| ours.controllers == line.controllers);
        let leaves_the_pod = line.path.starts_with("/../..");
        let of_kubernetes = line.path.contains("kubepods");
        let siblings = ours.is_none_or(|ours| parent(ours.path) == parent(line.path));
        !leaves_the_pod && (!of_kubernetes || siblings)
    })
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn siblings_are_in_our_pod_and_other_pods_are_not() {
        let v1 = "9:cpu,cpuacct:/kubepods/burstable/podA/own\n4:memory:/kubepods/burstable/podA/own\n1:name=systemd:/system.slice\n";
        let v2_on_the_host = "0::/kubepods.slice/kubepods-podA.slice/cri-containerd-own.scope\n";
        for (own, other, expected) in [
            ("0::/\n", "0::/../cri-containerd-spark.scope\n", true),
            ("0::/\n", "0::/../cri-containerd-spark.scope/nested\n", true),
            ("0::/\n", "0::/../../kubepods-podB.slice/cri-containerd-spark.scope\n", false),
            ("0::/\n", "0::/\n", true),
            (v1, &v1.replace("own", "spark"), true),
            (v1, &v1.replace("podA/own", "podB/spark"), false),
            (v2_on_the_host, &v2_on_the_host.replace("own", "spark"), true),
            (v2_on_the_host, &v2_on_the_host.replace("podA", "podB"), false),
            ("0::/user.slice/session-1.scope\n", "0::/system.slice/spark.service\n", true),
            ("", "0::/kubepods/podB/x\n", true),
        ] {
            assert_eq!(same_pod(own.as_bytes(), other.as_bytes()), expected, "{own} {other}");
        }
    }

    #[test]
    fn a_path_may_hold_colons_and_a_bad_line_is_left_out() {
        let file = b"12:rdma:/\nnonsense\n3:cpu,cpuacct:relative\n0::/a:b\n\xff\n";
        let found: Vec<_> = memberships(file).map(|line| (line.controllers, line.path)).collect();
        assert_eq!(found, [("rdma", "/"), ("", "/a:b")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(own in proptest::collection::vec(any::<u8>(), 0..200), other in "[0-9:/.a-z\n]{0,200}") {
            let _ = (same_pod(&own, other.as_bytes()), same_pod(other.as_bytes(), &own));
        }
    }
}
