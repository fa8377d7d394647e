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

#[test]
fn the_deployment_and_the_configuration_name_these_images() {
    let tag = env!("CARGO_PKG_VERSION");
    let objects = base();
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], Value::from(format!("emberscope/webhook:{tag}")));
    let sidecar = emberscope_core::Config::default().sidecar.image;
    assert_eq!(sidecar.as_str(), format!("emberscope/sidecar:{tag}"));
    let help = output(root().join("manifests/images/build.sh").to_str().unwrap(), &["--help"]);
    for image in ["emberscope/webhook:VERSION", "emberscope/sidecar:VERSION"] {
        assert!(help.contains(image), "{help}");
    }
}
