//! Which of a pod's containers is Spark's.

use crate::origin::{Origin, Sourced};
use crate::pod::{PodSpec, Role};

/// The position of Spark's container in `containers`, and what tells: its name, else that it is the
/// only one.
pub(super) fn find(spec: &PodSpec<'_>, role: Role) -> Option<Sourced<usize>> {
    let containers = spec.containers();
    let mut known = role.container_names().iter();
    let named =
        known.find_map(|name| containers.iter().position(|container| &*container.name == *name));
    match (named, containers.len()) {
        (Some(value), _) => Some(Sourced { value, origin: Origin::Pod("its name") }),
        (None, 1) => Some(Sourced { value: 0, origin: Origin::Pod("the pod's only container") }),
        (None, _) => None,
    }
}
