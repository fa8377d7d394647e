//! `manifests/images`: names, versions and users agree with what runs the images.

use serde_json::Value;

use super::{base, find, output, read, root};

/// The lines of one stage of the Dockerfile.
fn stage(name: &str) -> Vec<String> {
    let text = read("manifests/images/Dockerfile");
    let lines = text.lines().map(str::trim).map(str::to_owned);
    let start = format!("FROM scratch AS {name}");
    let stage: Vec<_> = lines.skip_while(|line| *line != start).skip(1).collect();
    let end = stage.iter().position(|line| line.starts_with("FROM ")).unwrap_or(stage.len());
    stage[..end].to_vec()
}

#[test]
fn each_image_is_one_program_that_runs_as_a_number() {
    for (image, program) in [("webhook", "emberscope"), ("sidecar", "emberscope-sidecar")] {
        let stage = stage(image);
        let copied: Vec<_> = stage.iter().filter(|line| line.starts_with("COPY")).collect();
        assert_eq!(copied, [&format!("COPY --from=binaries --chmod=0555 /{program} /{program}")]);
        assert!(stage.contains(&format!("ENTRYPOINT [\"/{program}\"]")), "{image}");
        assert!(stage.contains(&"USER 65532:65532".to_owned()), "{image}");
        let version =
            concat!("org.opencontainers.image.version=\"", env!("CARGO_PKG_VERSION"), "\"");
        assert!(stage.iter().any(|line| line.contains(version)), "{image}: {version}");
    }
}

/// Whoever follows the README builds these and applies the manifests: podman puts `localhost/` in front
/// of a name without a registry, and a node looks for one elsewhere.
#[test]
fn the_deployment_and_the_configuration_say_word_for_word_what_is_built() {
    let tag = env!("CARGO_PKG_VERSION");
    let script = read("manifests/images/build.sh");
    let prefix = script.split(" prefix=").nth(1).unwrap().split(' ').next().unwrap();
    let registry = prefix.split('/').next().unwrap();
    assert!(registry == "localhost" || registry.contains('.'), "{prefix} names no registry");
    let objects = base();
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], Value::from(format!("{prefix}/webhook:{tag}")));
    let sidecar = emberscope_core::Config::default().sidecar.image;
    assert_eq!(sidecar.as_str(), format!("{prefix}/sidecar:{tag}"));
    let help = output(root().join("manifests/images/build.sh").to_str().unwrap(), &["--help"]);
    let dockerfile = read("manifests/images/Dockerfile");
    for image in ["webhook", "sidecar"] {
        assert!(help.contains(&format!("{prefix}/{image}:VERSION")), "{help}");
        assert!(dockerfile.contains(&format!("--tag {prefix}/{image}:{tag}")), "{image}");
    }
}
