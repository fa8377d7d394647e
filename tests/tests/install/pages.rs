//! The commands of the pages, as they stand there: the fenced blocks are taken out and run, in order, in a
//! copy of the repository, against the API server.
//!
//! What is not here has a stand-in that takes its command down: AWS, Terraform, an engine of containers, a
//! compiler, and the scripts that talk to AWS, which `tests/tests/aws` runs. Nobody waits for a rollout,
//! since no controller makes one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use emberscope_tests::cluster::Cluster;
use emberscope_tests::cluster::control_plane::{self, ControlPlane};
use serde_json::Value;
use tempfile::TempDir;

use super::{left, let_go, manifests};

/// What Terraform would print for `amp.env`.
const AMP_ENV: &str =
    "REGION=eu-west-1\nWORKSPACE=ws-1\nROLE_ARN=\nCLUSTER=one\nPRESET=essential\n";

/// A reader with the repository, and what the page says that one needs.
struct Reader {
    folder: TempDir,
    kubeconfig: PathBuf,
}

impl Reader {
    fn new(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let reader = Self { folder, kubeconfig: cluster.credentials().admin_kubeconfig.clone() };
        let copied =
            Command::new("cp").arg("-r").arg(manifests()).arg(reader.folder.path()).status();
        assert!(copied.unwrap().success());
        let programs = reader.folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        let noted = r#"#!/bin/bash
echo "${0##*/} $*" >>"$COMMANDS"
case "${0##*/} $*" in
*"output -raw amp_env"*) printf '%s' "$AMP_ENV" ;;
*"output -raw"*) echo https://example.com ;;
esac
"#;
        for program in ["aws", "podman", "terraform", "cargo"] {
            script(&programs.join(program), noted);
        }
        for talks in ["images/build.sh", "aws/grafana.sh", "samples/start-job-run.sh"] {
            script(&reader.folder.path().join("manifests").join(talks), noted);
        }
        let kubectl = ControlPlane::find().unwrap().kubectl;
        let kubectl = format!(
            r#"#!/bin/bash
echo "kubectl $*" >>"$COMMANDS"
arguments=()
for argument; do
    case $argument in
    rollout) ;;
    status) arguments+=(get) ;;
    delete) arguments+=(delete --wait=false) ;;
    *) arguments+=("$argument") ;;
    esac
done
exec {} --cache-dir "$HOME/cache" "${{arguments[@]}}"
"#,
            kubectl.display()
        );
        script(&programs.join("kubectl"), &kubectl);
        let helm = control_plane::helm().unwrap();
        std::os::unix::fs::symlink(helm, programs.join("helm")).unwrap();
        reader
    }

    /// Runs a block in the shell of before, as far as that matters: from the top of the repository.
    fn run(&self, block: &str) {
        let path = std::env::var("PATH").unwrap();
        let top = self.folder.path();
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", block])
            .current_dir(top)
            .env("PATH", format!("{}:{path}", top.join("bin").display()))
            .env("HOME", top)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("COMMANDS", top.join("commands"))
            .env("AMP_ENV", AMP_ENV)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "this block of the page failed:\n{block}\n{said}");
    }

    /// What stand-ins were asked for so far.
    fn commands(&self) -> String {
        fs::read_to_string(self.folder.path().join("commands")).unwrap()
    }
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The blocks of a page that are for a shell, with the words filled in that are the reader's to replace.
fn blocks(page: &str) -> Vec<String> {
    let page = fs::read_to_string(manifests().join("..").join(page)).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let words = [("REGISTRY", "registry.example.com"), ("REGION", "eu-west-1"), ("CLUSTER", "one")];
    let filled_in = |block: &str| {
        // AWS_REGION is a variable's name.
        let block = block.replace("AWS_REGION=", "AWS_\0=");
        let block = words.iter().fold(block, |block, (word, value)| block.replace(word, value));
        block.replace("AWS_\0=", "AWS_REGION=")
    };
    blocks.map(filled_in).collect()
}

/// From nothing to a cluster that is set up, and back to nothing.
pub(super) fn the_walkthrough_is_walked(cluster: &Cluster) {
    let kubectl = cluster.kubectl();
    let class = serde_json::json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com",
    });
    kubectl.create(&class).unwrap();
    let reader = Reader::new(cluster);
    let blocks = blocks("docs/walkthrough.md");
    let (away, there) = blocks.split_last().unwrap();
    assert!(away.contains("terraform -chdir=manifests/aws/terraform destroy"), "{away}");
    for block in there {
        reader.run(block);
    }
    let get = |kind: &str, name: &str, namespace: &str| -> Value {
        kubectl.run(["get", kind, name, "-n", namespace, "-o", "json"]).unwrap().json().unwrap()
    };
    let image =
        get("deployment", "emberscope", "emberscope")["spec"]["template"]["spec"]["containers"][0]
            ["image"]
            .take();
    assert_eq!(image, concat!("registry.example.com/emberscope:", env!("CARGO_PKG_VERSION")));
    let configuration = get("configmap", "emberscope-prometheus", "emberscope-monitoring");
    let configuration = configuration["data"]["prometheus.yml"].as_str().unwrap();
    assert!(configuration.contains("aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/"));
    let team = get("namespace", "emr-data-team-a", "");
    assert_eq!(team["metadata"]["labels"]["emberscope.dev/inject"], "enabled");
    let commands = reader.commands();
    for asked in [
        "build.sh --name registry.example.com/emberscope",
        "terraform -chdir=manifests/aws/terraform apply -var cluster_name=one",
        "start-job-run.sh --region eu-west-1",
        "cargo run -p emberscope -- check",
        "grafana.sh --workspace-id https://example.com",
    ] {
        assert!(commands.contains(asked), "{asked}:\n{commands}");
    }

    reader.run(away);
    for object in left(&kubectl) {
        let_go(&kubectl, object);
    }
    for team in ["emr-data-team-a", "emr-data-team-b"] {
        let_go(&kubectl, get("namespace", team, ""));
    }
}

/// The chart's page: an installation, and the label.
pub(super) fn the_charts_page_installs(cluster: &Cluster) {
    let (kubectl, helm) = (cluster.kubectl(), cluster.helm().unwrap());
    let reader = Reader::new(cluster);
    let name = cluster.namespace(&[]).unwrap();
    let blocks = blocks("manifests/chart/README.md");
    for block in &blocks {
        reader.run(&block.replace("NAME", &name));
    }
    let labels = kubectl.run(["get", "namespace", &name, "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(labels["metadata"]["labels"]["emberscope.dev/inject"], "enabled");
    let labels = kubectl.run(["get", "namespace", "emberscope", "-o", "json"]).unwrap();
    let labels = labels.json().unwrap();
    assert_eq!(labels["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    helm.run(["uninstall", "emberscope", "-n", "emberscope"]).unwrap();
    kubectl.run(["delete", "namespace", "emberscope", "--wait=false"]).unwrap();
    let_go(
        &kubectl,
        kubectl.run(["get", "namespace", "emberscope", "-o", "json"]).unwrap().json().unwrap(),
    );
}
