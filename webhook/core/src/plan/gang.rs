//! Pods of a gang: their scheduler was told what they ask for before they exist, and starts all of
//! them or none. A pod that asks for more than was said waits, and the whole gang with it.

use crate::pod::Pod;

/// Annotations of which each makes a pod one of a gang.
///
/// `YuniKorn`'s task groups
/// (<https://yunikorn.apache.org/docs/user_guide/gang_scheduling/>), and the pod group that Volcano
/// and Spark's own feature step for it write
/// (<https://spark.apache.org/docs/latest/running-on-kubernetes.html#using-volcano-as-customized-scheduler-for-spark-on-kubernetes>).
pub const ANNOTATIONS: &[&str] = &[
    "yunikorn.apache.org/task-group-name",
    "yunikorn.apache.org/task-groups",
    "scheduling.k8s.io/group-name",
    "scheduling.volcano.sh/group-name",
];

/// Labels of which each does.
///
/// Kueue's queues and pod groups (<https://kueue.sigs.k8s.io/docs/reference/labels-and-annotations/>),
/// and the coscheduling plugin's pod group, by its name of now and its first one
/// (<https://github.com/kubernetes-sigs/scheduler-plugins/tree/master/pkg/coscheduling>).
pub const LABELS: &[&str] = &[
    "kueue.x-k8s.io/queue-name",
    "kueue.x-k8s.io/pod-group-name",
    "scheduling.x-k8s.io/pod-group",
    "pod-group.scheduling.sigs.k8s.io",
    "pod-group.scheduling.sigs.k8s.io/name",
];

/// Whether the pod is one of a gang.
pub(super) fn has(pod: &Pod<'_>) -> bool {
    ANNOTATIONS.iter().any(|key| pod.annotation(key).is_some())
        || LABELS.iter().any(|key| pod.label(key).is_some())
}
