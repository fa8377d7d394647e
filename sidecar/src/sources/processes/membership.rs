//! `/proc/<pid>/cgroup`: which container a process is in, as far as its cgroups tell.
//!
//! Lines are `<hierarchy>:<controllers>:<path>` (cgroups(7)). With cgroup v2 a container has a
//! cgroup namespace of its own, and from the sidecar's the Spark container is `0::/../<id>`; with
//! v1 the whole path on the node stands there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::kernel_files::{Unparsed, lines};

/// One line: the group of the process in one hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership<'a> {
    /// `memory`, `cpu,cpuacct`, `name=systemd`; empty for v2.
    pub(crate) controllers: &'a str,
    /// From the root of the reader's cgroup namespace; begins with a slash.
    pub(crate) path: &'a str,
}

/// The container of a process: equal for two processes that are in the same one, however deep in
/// groups of its own each of them is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Container(u64);

impl Container {
    /// The container that this `cgroup` file tells.
    pub(crate) fn parse(cgroup: &[u8], unparsed: &mut Unparsed) -> Self {
        let mut hash = DefaultHasher::new();
        for line in lines(cgroup).filter_map(|line| unparsed.unless(Membership::parse(line))) {
            (line.controllers, container(line.path)).hash(&mut hash);
        }
        Self(hash.finish())
    }
}

/// The lines of a `cgroup` file; what is none is left out.
pub(crate) fn memberships(cgroup: &[u8]) -> impl Iterator<Item = Membership<'_>> {
    lines(cgroup).filter_map(Membership::parse)
}

impl<'a> Membership<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(':')?;
        path.starts_with('/').then_some(Membership { controllers, path })
    }
}

/// Whether a process may be in our own pod.
///
/// It matters where a pod runs with `hostPID` and sees the processes of every other: a pod's
/// containers have one ancestor, the pod's group, and another pod's have another. How far below it
/// they are is the container runtime's: runc puts a container right there
/// (`<pod>/cri-containerd-<id>.scope`), crun one group deeper (`<pod>/crio-<id>.scope/container`,
/// `run.oci.systemd.subgroup` of crun(1)). Outside of Kubernetes nothing is known about pods, and
/// every process may be in ours.
pub(crate) fn same_pod(own: &[u8], other: &[u8]) -> bool {
    memberships(other).all(|line| {
        if climb(line.path).0 > 0 {
            return is_sibling(line.path);
        }
        let ours = memberships(own).find(|ours| ours.controllers == line.controllers);
        ours.is_none_or(|ours| pod(ours.path) == pod(line.path))
    })
}

/// Whether a path that leads out of our own container, and up to a group that we have in common,
/// leads down again into a container of the same pod.
///
/// The group in common is above the pod's if the way down passes a pod, a class of pods or one of
/// systemd's slices; or if it is shorter than the way up, since one runtime makes all of a pod's
/// containers, and each at least as deep as ours.
fn is_sibling(path: &str) -> bool {
    let (up, down) = climb(path);
    let above = |group: &str| {
        group.starts_with("pod") || group.contains("kubepods") || group.contains(".slice")
    };
    up <= groups(down).count() && !groups(down).any(|(_, group)| above(group))
}

/// The way on the node to the group of a pod.
///
/// The kubelet calls it `pod<uid>`, or, with systemd, `kubepods-<class>-pod<uid>.slice`
/// (`pkg/kubelet/cm/pod_container_manager_linux.go`).
fn pod(path: &str) -> Option<&str> {
    let mut in_kubernetes = false;
    let mut is_pod = |group: &str| {
        in_kubernetes |= group.contains("kubepods");
        in_kubernetes && (group.starts_with("pod") || group.contains("-pod"))
    };
    groups(path).find(|(_, group)| is_pod(group)).map(|(way, _)| way)
}

/// The way to the group of a container: the one below the pod's; all of it where no pod is told.
fn container(path: &str) -> &str {
    let (up, down) = climb(path);
    let above = if up > 0 { path.len() - down.len() } else { pod(path).unwrap_or(path).len() };
    groups(path).find(|(way, _)| way.len() > above).map_or(path, |(way, _)| way)
}

/// How many steps a path leads up from the root of our own cgroup namespace
/// (`cgroup_namespaces(7)`), and the way down from there.
fn climb(path: &str) -> (usize, &str) {
    let up = groups(path).take_while(|(_, group)| *group == "..");
    up.fold((0, path), |(steps, _), (way, _)| (steps + 1, &path[way.len()..]))
}

/// The groups on a path, each with the way to it.
fn groups(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut next = 0;
    let all = path.split('/').map(move |group| {
        let end = next + group.len();
        next = end + 1;
        (&path[..end], group)
    });
    all.filter(|(_, group)| !group.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUNC: &str = "0::/../cri-containerd-spark.scope\n";
    const CRUN: &str = "0::/../../crio-spark.scope/container\n";
    const V1: &str = "9:cpu,cpuacct:/kubepods/burstable/podA/own\n4:memory:/kubepods/burstable/podA/own\n1:name=systemd:/system.slice\n";
    const SYSTEMD: &str = "0::/kubepods.slice/kubepods-podA.slice/crio-own.scope/container\n";

    #[track_caller]
    fn assert_same_pod(own: &str, other: &str, expected: bool) {
        assert_eq!(same_pod(own.as_bytes(), other.as_bytes()), expected, "{own} {other}");
    }

    #[test]
    fn siblings_are_in_our_pod_however_deep_they_are() {
        for other in [
            RUNC,
            CRUN,
            "0::/\n",
            "0::/../cri-containerd-spark.scope/nested\n",
            "0::/../../crio-spark.scope/container/deeper/still\n",
            "0::/../../../spark/a/b\n",
        ] {
            assert_same_pod("0::/\n", other, true);
        }
        assert_same_pod(V1, &V1.replace("own", "spark"), true);
        assert_same_pod(V1, &V1.replace("own", "spark/container"), true);
        // cgroup namespaces for v1 too, and a v2 tree beside it.
        let hybrid = "4:memory:/../spark\n1:name=systemd:/../spark\n0::/../spark\n";
        assert_same_pod("4:memory:/\n1:name=systemd:/\n0::/\n", hybrid, true);
        assert_same_pod(SYSTEMD, &SYSTEMD.replace("own", "spark"), true);
        assert_same_pod(SYSTEMD, &SYSTEMD.replace("own.scope/container", "spark.scope"), true);
        let kind =
            "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podA.slice/own.scope\n";
        assert_same_pod(kind, &kind.replace("own", "spark"), true);
    }

    #[test]
    fn other_pods_and_the_nodes_own_processes_are_not_in_ours() {
        for other in [
            "0::/../../kubepods-podB.slice/cri-containerd-spark.scope\n",
            "0::/../../../kubepods-podB.slice/crio-spark.scope/container\n",
            "0::/../../../kubepods-besteffort.slice/kubepods-besteffort-podB.slice/crio-spark.scope\n",
            "0::/../../podB/spark\n",
            "0::/../../podB/spark/container\n",
            "0::/../../../besteffort/podB/spark\n",
            "0::/../../../../system.slice/spark.service\n",
            "0::/../../../../../user.slice/user-0.slice/session-1.scope\n",
            "0::/../../../../docker/spark\n",
            "0::/../../..\n",
            "0::/..\n",
        ] {
            assert_same_pod("0::/\n", other, false);
        }
        for (own, other) in [
            (V1, V1.replace("podA/own", "podB/spark")),
            (V1, V1.replace("podA/own", "podB/own")),
            (V1, V1.replace("burstable/podA/own", "podA/own")),
            (V1, "4:memory:/system.slice/spark.service\n".into()),
            (SYSTEMD, SYSTEMD.replace("podA", "podB")),
            // One hierarchy is enough.
            ("4:memory:/\n0::/\n", "4:memory:/../spark\n0::/../../podB/spark\n".into()),
        ] {
            assert_same_pod(own, &other, false);
        }
    }

    #[test]
    fn outside_of_kubernetes_every_process_may_be_in_ours() {
        for (own, other) in [
            ("0::/user.slice/session-1.scope\n", "0::/system.slice/spark.service\n"),
            ("4:memory:/libpod_parent/libpod-own\n", "4:memory:/libpod_parent/libpod-spark\n"),
            ("0::/\n", "0::/../../libpod-spark.scope/container\n"),
            ("", "0::/kubepods/podB/x\n"),
        ] {
            assert_same_pod(own, other, true);
        }
    }

    #[test]
    fn groups_within_a_container_are_one_container() {
        let of = |cgroup: &str| Container::parse(cgroup.as_bytes(), &mut Unparsed::default());
        for cgroup in [RUNC, CRUN, &V1.replace("system.slice", "kubepods/podA/own"), SYSTEMD] {
            assert_eq!(of(cgroup), of(&cgroup.replace('\n', "/nested\n")), "{cgroup}");
            let other = cgroup.replace("spark", "fluentd").replace("own", "fluentd");
            assert_ne!(of(cgroup), of(&other), "{cgroup}");
        }
        assert_ne!(of("0::/user.slice/a\n"), of("0::/user.slice/b\n"));
        // Our own, and the root of our namespace.
        assert_ne!(of("0::/\n"), of(RUNC));
    }

    #[test]
    fn a_path_may_hold_colons_and_a_bad_line_is_left_out() {
        let file = b"12:rdma:/\nnonsense\n3:cpu,cpuacct:relative\n0::/a:b\n\xff\n";
        let found: Vec<_> = memberships(file).map(|line| (line.controllers, line.path)).collect();
        assert_eq!(found, [("rdma", "/"), ("", "/a:b")]);
        let mut unparsed = Unparsed::default();
        let container = Container::parse(file, &mut unparsed);
        assert_eq!(unparsed, Unparsed(3));
        assert_eq!(container, Container::parse(b"12:rdma:/\n0::/a:b\n", &mut unparsed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(own in proptest::collection::vec(any::<u8>(), 0..200), other in "[0-9:/.a-z\n]{0,200}") {
            let _ = (same_pod(&own, other.as_bytes()), same_pod(other.as_bytes(), &own));
            let _ = Container::parse(&own, &mut Unparsed::default());
            for line in memberships(other.as_bytes()) {
                prop_assert!(line.path.starts_with(container(line.path)));
            }
        }

        /// Seen from a container that is `up` groups below its pod's.
        #[test]
        fn of_all_pods_only_our_own_is_ours(up in 1usize..4, deeper in 0usize..3, id in "[0-9a-f]{12}", pod in "[0-9a-f]{8}", systemd: bool) {
            let (id, pod) = if systemd { (format!("crio-{id}.scope"), format!("kubepods-pod{pod}.slice")) } else { (id, format!("pod{pod}")) };
            let below = format!("/{id}{}", "/container".repeat(up - 1 + deeper));
            let sibling = format!("0::{}{below}\n", "/..".repeat(up));
            prop_assert!(same_pod(b"0::/\n", sibling.as_bytes()));
            let stranger = format!("0::{}/{pod}{below}\n", "/..".repeat(up + 1));
            prop_assert!(!same_pod(b"0::/\n", stranger.as_bytes()));
        }
    }
}
