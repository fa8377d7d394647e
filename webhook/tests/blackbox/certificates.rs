//! Certificates from files, swapped as the kubelet swaps them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::SystemTime;

use emberscope_certs::{Identity, authority};
use tempfile::TempDir;

use crate::harness::{Server, curl, emberscope, eventually, stderr, write};

/// A version of a mounted Secret: a folder of its own, to which `..data` points.
fn publish(dir: &Path, version: &str, identity: &Identity) {
    write(&dir.join(version).join("tls.crt"), &identity.certificate);
    write(&dir.join(version).join("tls.key"), &identity.key);
    let link = dir.join("..data_tmp");
    symlink(version, &link).unwrap();
    fs::rename(link, dir.join("..data")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        let _ = symlink(Path::new("..data").join(name), dir.join(name));
    }
}

#[test]
fn a_certificate_that_the_kubelet_swaps_is_served_without_a_restart() {
    let now = SystemTime::now();
    let names = ["localhost".to_owned()];
    let (first_ca, second_ca) =
        (authority::generate(now).unwrap(), authority::generate(now).unwrap());
    let dir = TempDir::new().unwrap();
    let mounted = dir.path().join("mounted");
    fs::create_dir(&mounted).unwrap();
    publish(&mounted, "..v1", &authority::issue(&first_ca, &names, now).unwrap());
    let (first, second) = (dir.path().join("first.pem"), dir.path().join("second.pem"));
    write(&first, &first_ca.certificate);
    write(&second, &second_ca.certificate);

    let cert_dir = mounted.to_str().unwrap().to_owned();
    let server = Server::start_with(dir, first.clone(), &["--cert-dir", &cert_dir]);
    let url = format!("https://localhost:{}/none", server.port);
    let trusted_by = |ca: &Path| curl(&["--cacert", ca.to_str().unwrap(), &url], b"").is_some();
    assert!(trusted_by(&first) && !trusted_by(&second));

    // A spoilt pair first: the old one stays.
    let leaf = authority::issue(&second_ca, &names, now).unwrap();
    publish(&mounted, "..v2", &Identity { key: first_ca.key.clone(), ..leaf.clone() });
    eventually("the spoilt pair is refused", || {
        let page = server.get("/metrics").unwrap().body;
        let refused = r#"emberscope_certificate_rounds_total{result="failed"} "#;
        page.lines().any(|line| line.strip_prefix(refused).is_some_and(|count| count != "0"))
    });
    assert!(trusted_by(&first));

    publish(&mounted, "..v3", &leaf);
    eventually("the new certificate is served", || trusted_by(&second));
    assert!(!trusted_by(&first));
}

#[test]
fn a_folder_without_a_certificate_ends_the_program_with_the_files_name() {
    let dir = TempDir::new().unwrap();
    let arguments =
        ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--cert-dir"];
    let path = dir.path().to_str().unwrap();
    let output = emberscope(&[&arguments[..], &[path]].concat(), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("{path}/tls.crt")), "{}", stderr(&output));
}
