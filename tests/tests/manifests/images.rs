//! `manifests/images`: name, version and user agree with what runs the image.

use emberscope_core::contract::{SIDECAR_PROGRAM, WEBHOOK_CONTAINER};
use serde_json::Value;

use super::{base, find, output, read, root};

/// The lines of the stage that is the image.
fn image() -> Vec<String> {
    let text = read("manifests/images/Dockerfile");
    let lines = text.lines().map(str::trim).map(str::to_owned);
    lines.skip_while(|line| line != "FROM scratch AS emberscope").skip(1).collect()
}

#[test]
fn the_image_is_the_two_programs_and_runs_as_a_number() {
    let image = image();
    let copied: Vec<_> = image.iter().filter(|line| line.starts_with("COPY")).collect();
    let program = &SIDECAR_PROGRAM[1..];
    let expected = format!("COPY --from=binaries --chmod=0555 /emberscope /{program} /");
    assert_eq!(copied, [&expected]);
    assert!(image.contains(&"ENTRYPOINT [\"/emberscope\"]".to_owned()));
    assert!(image.contains(&"USER 65532:65532".to_owned()));
    let version = concat!("org.opencontainers.image.version=\"", env!("CARGO_PKG_VERSION"), "\"");
    assert!(image.iter().any(|line| line.contains(version)), "{version}");
}

/// Whoever follows the README builds these and applies the manifests: podman puts `localhost/` in front
/// of a name without a registry, and a node looks for one elsewhere.
#[test]
fn the_deployment_and_the_default_say_word_for_word_what_is_built() {
    let tag = env!("CARGO_PKG_VERSION");
    let script = read("manifests/images/build.sh");
    let name = script.split(" name=").nth(1).unwrap().split(' ').next().unwrap();
    let registry = name.split('/').next().unwrap();
    assert!(registry == "localhost" || registry.contains('.'), "{name} names no registry");
    let image = format!("{name}:{tag}");
    let objects = base();
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], Value::from(image.as_str()));
    assert_eq!(pod["containers"][0]["name"], WEBHOOK_CONTAINER);
    assert_eq!(emberscope_core::Config::default().sidecar.image.as_str(), image);
    let help = output(root().join("manifests/images/build.sh").to_str().unwrap(), &["--help"]);
    assert!(help.contains(&format!("{name}:VERSION")), "{help}");
    assert!(read("manifests/images/Dockerfile").contains(&format!("--tag {image} ")), "{image}");
}
