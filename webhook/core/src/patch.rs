//! The plan as a JSON Patch: `add` operations only, at parents that exist or are added first.
//!
//! RFC 6902 lets `add` set a member that is there, so a new value for an environment variable is
//! an `add` too. Nothing is removed, moved or put in front of what exists.

use json_patch::jsonptr::{PointerBuf, Token};
use json_patch::{AddOperation, PatchOperation};
use serde_json::{Value, json};

use crate::container::container;
use crate::contract::{NO_TOKEN, SUBMIT_OPTS};
use crate::plan::submit_opts::Change;
use crate::plan::{Decision, Plan};
use crate::pod::{Pod, PodSpec};

/// The operations that carry out a decision on the pod that it was made for; none for a skip.
pub(crate) fn operations(pod: &Pod<'_>, decision: &Decision) -> Vec<PatchOperation> {
    let mut patch = Patch::default();
    match decision {
        Decision::Skip(_) => {}
        Decision::Repair { init_container } => {
            let index = init_container.to_string();
            patch.add(["spec", "initContainers", &index, "restartPolicy"], json!("Always"));
        }
        Decision::Inject(plan) => {
            if let Some(spec) = &pod.spec {
                inject(&mut patch, pod, spec, plan);
            }
        }
    }
    patch.operations
}

fn inject(patch: &mut Patch, pod: &Pod<'_>, spec: &PodSpec<'_>, plan: &Plan) {
    annotations(patch, pod, plan);
    if plan.share_process_namespace {
        patch.add(["spec", "shareProcessNamespace"], json!(true));
    }
    environment(patch, spec, plan);
    let no_token = spec.volumes.iter().flatten().any(|volume| &*volume.name == NO_TOKEN);
    if plan.hide_token && !no_token {
        let volume = json!({"name": NO_TOKEN, "emptyDir": {}});
        patch.append(["spec", "volumes"], spec.volumes.is_some(), volume);
    }
    let mut has_secrets = spec.image_pull_secrets.is_some();
    for name in &plan.image_pull_secrets {
        patch.append(["spec", "imagePullSecrets"], has_secrets, json!({"name": name}));
        has_secrets = true;
    }
    let sidecar = json!(container(plan));
    patch.append(["spec", "initContainers"], spec.init_containers.is_some(), sidecar);
}

fn annotations(patch: &mut Patch, pod: &Pod<'_>, plan: &Plan) {
    if pod.annotations().is_none() {
        patch.add(["metadata", "annotations"], json!({}));
    }
    for (key, value) in &plan.annotations {
        if pod.annotation(key) != Some(value) {
            patch.add(["metadata", "annotations", key], json!(value));
        }
    }
}

fn environment(patch: &mut Patch, spec: &PodSpec<'_>, plan: &Plan) {
    let container = plan.spark_container.to_string();
    let env = ["spec", "containers", &container, "env"];
    match &plan.submit_opts {
        Some(Change::Add(value)) => {
            let has_env = spec.containers()[*plan.spark_container].env.is_some();
            patch.append(env, has_env, json!({"name": SUBMIT_OPTS, "value": value}));
        }
        Some(Change::Prepend { index, value }) => {
            let [spec, containers, container, env] = env;
            let index = index.to_string();
            patch.add([spec, containers, container, env, &index, "value"], json!(value));
        }
        Some(Change::Present) | None => {}
    }
}

/// The patch as it grows.
#[derive(Default)]
struct Patch {
    operations: Vec<PatchOperation>,
}

impl Patch {
    /// Sets the member at `path`, whose parent exists.
    fn add<const N: usize>(&mut self, path: [&str; N], value: Value) {
        let path = PointerBuf::from_tokens(path.map(Token::new));
        self.operations.push(PatchOperation::Add(AddOperation { path, value }));
    }

    /// Appends to the array at `path`; where there is none (absent or null), makes it.
    fn append<const N: usize>(&mut self, path: [&str; N], exists: bool, value: Value) {
        if exists {
            let mut path = PointerBuf::from_tokens(path.map(Token::new));
            path.push_back("-");
            self.operations.push(PatchOperation::Add(AddOperation { path, value }));
        } else {
            self.add(path, json!([value]));
        }
    }
}
