//! A web configuration: passwords, TLS, client certificates, and files that are not right yet or
//! any more.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::harness::{
    Authority, FakeProc, PATIENCE, Pair, Sidecar, TlsClient, der, eventually, free_port, get,
    request,
};

/// Of "secret", at costs 4 and 10.
const HASH: &str = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
const DEAR_HASH: &str = "$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u";

const TLS: &str = "tls_server_config: {cert_file: tls.crt, key_file: tls.key";

/// A folder with a web configuration and what it names.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(yaml: &str) -> Self {
        let folder = Self::new();
        folder.write("web.yml", yaml);
        folder
    }

    /// Replaces a file at once, as people and kubelets do.
    fn write(&self, name: &str, text: &str) {
        let made = self.0.path().join("made");
        fs::write(&made, text).unwrap();
        fs::rename(made, self.path(name)).unwrap();
    }

    fn write_pair(&self, pair: &Pair) {
        self.write("tls.crt", &pair.certificate);
        self.write("tls.key", &pair.key);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A sidecar that is not waited for.
    fn sidecar(&self, more: &[&str]) -> (Sidecar, FakeProc) {
        let proc = FakeProc::with_spark();
        let (file, root) = (self.path("web.yml"), proc.path().to_owned());
        let file = format!("--web.config.file={}", file.display());
        let root = format!("--proc-root={}", root.display());
        let ui = format!("--spark-ui-port={}", free_port());
        let arguments = ["--role=driver", &file, &root, &ui];
        (Sidecar::spawn(free_port(), &[&arguments, more].concat()), proc)
    }
}

fn basic(credentials: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials))
}

fn status(port: u16, path: &str, headers: &str) -> u16 {
    request(port, "GET", path, headers).map_or(0, |answer| answer.status)
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn errors(sidecar: &Sidecar) -> usize {
    sidecar.log().lines().filter(|line| line.contains("ERROR")).count()
}

#[test]
fn a_password_is_asked_for_on_every_path() {
    let folder = Folder::with(&format!("basic_auth_users: {{prometheus: {HASH}}}"));
    let (sidecar, _proc) = folder.sidecar(&[]);
    eventually("it listens", || listens(sidecar.port));
    for path in ["/metrics", "/healthz", "/", "/nothing"] {
        let refused = get(sidecar.port, path).unwrap();
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Basic")));
        assert_eq!(refused.text(), "Unauthorized\n");
        for wrong in ["prometheus:wrong", "prometheus:", "somebody:secret", "secret"] {
            assert_eq!(status(sidecar.port, path, &basic(wrong)), 401, "{path} {wrong}");
        }
        let right = if path == "/nothing" { 404 } else { 200 };
        assert_eq!(status(sidecar.port, path, &basic("prometheus:secret")), right, "{path}");
    }
    let log = sidecar.log();
    assert!(!log.contains("secret") && !log.contains(&HASH[7..]), "{log}");
}

#[test]
fn a_flood_of_wrong_passwords_does_not_keep_prometheus_out() {
    let folder = Folder::with(&format!("basic_auth_users: {{prometheus: {DEAR_HASH}}}"));
    let (sidecar, _proc) = folder.sidecar(&[]);
    eventually("it listens", || listens(sidecar.port));
    let right = basic("prometheus:secret");
    assert_eq!(status(sidecar.port, "/metrics", &right), 200);
    let (port, enough) = (sidecar.port, AtomicBool::new(false));
    std::thread::scope(|scope| {
        for flooder in 0..32 {
            let enough = &enough;
            scope.spawn(move || {
                for index in 0.. {
                    if enough.load(Ordering::SeqCst) {
                        break;
                    }
                    let refused = status(port, "/", &basic(&format!("{flooder}:{index}")));
                    assert!([0, 401, 429].contains(&refused), "{refused}");
                }
            });
        }
        for _ in 0..5 {
            let began = Instant::now();
            let answered = status(port, "/metrics", &right);
            let took = began.elapsed();
            if answered != 200 || took > Duration::from_secs(9) {
                enough.store(true, Ordering::SeqCst);
                panic!("{answered} after {took:?}");
            }
        }
        enough.store(true, Ordering::SeqCst);
    });
}

#[test]
fn over_tls_it_is_what_its_authority_vouches_for_and_plain_http_is_told() {
    let authority = Authority::new();
    let folder = Folder::with(&format!("{TLS}}}\nbasic_auth_users: {{prometheus: {HASH}}}"));
    let pair = authority.issue();
    folder.write_pair(&pair);
    let (sidecar, _proc) = folder.sidecar(&[]);
    eventually("it listens", || listens(sidecar.port));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = TlsClient::of_versions(&authority, None, &[version]);
        let got = client.get(sidecar.port, "/metrics", &basic("prometheus:secret")).unwrap();
        assert_eq!((got.answer.status, got.alpn.as_deref()), (200, Some(&b"http/1.1"[..])));
        assert!(got.answer.text().contains("\nspark_container_"), "{}", got.answer.text());
        assert_eq!(got.certificate, der(&pair.certificate).to_vec());
        assert_eq!(client.get(sidecar.port, "/metrics", "").unwrap().answer.status, 401);
    }
    assert!(TlsClient::new(&Authority::new(), None).get(sidecar.port, "/", "").is_err());
    let told = get(sidecar.port, "/metrics").unwrap();
    assert_eq!((told.status, told.text().contains("HTTPS")), (400, true));
    // Who connects and says nothing, or nothing of TLS, is let go.
    let mut idle: Vec<TcpStream> =
        (0..70).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, sidecar.port)).unwrap()).collect();
    let client = TlsClient::new(&authority, None);
    assert_eq!(client.get(sidecar.port, "/healthz", "").unwrap().answer.status, 401);
    for stream in &mut idle {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(!sidecar.log().contains("PRIVATE KEY"));
}

#[test]
fn old_versions_of_tls_are_refused_where_the_file_says_so() {
    let authority = Authority::new();
    let folder = Folder::with(&format!("{TLS}, min_version: TLS13}}"));
    folder.write_pair(&authority.issue());
    let (sidecar, _proc) = folder.sidecar(&[]);
    eventually("it listens", || listens(sidecar.port));
    let client = |version| TlsClient::of_versions(&authority, None, &[version]);
    let got = client(&rustls::version::TLS13).get(sidecar.port, "/healthz", "");
    assert_eq!(got.unwrap().answer.status, 200);
    assert!(client(&rustls::version::TLS12).get(sidecar.port, "/healthz", "").is_err());
}

#[test]
fn a_client_certificate_is_required_or_verified_if_given() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (own, foreign) = (authority.issue(), other.issue());
    for (kind, without) in
        [("RequireAndVerifyClientCert", false), ("VerifyClientCertIfGiven", true)]
    {
        let more = format!("client_ca_file: ca.crt, client_auth_type: {kind}}}");
        let folder = Folder::with(&format!("{TLS}, {more}"));
        folder.write_pair(&authority.issue());
        folder.write("ca.crt", &authority.pem());
        let (sidecar, _proc) = folder.sidecar(&[]);
        eventually("it listens", || listens(sidecar.port));
        for (shown, is_let_in) in [(Some(&own), true), (Some(&foreign), false), (None, without)] {
            let got = TlsClient::new(&authority, shown).get(sidecar.port, "/healthz", "");
            let got = got.is_ok_and(|got| got.answer.status == 200);
            assert_eq!(got, is_let_in, "{kind} {}\n{}", shown.is_some(), sidecar.log());
        }
    }
}

#[test]
fn without_a_usable_file_the_page_stays_closed_until_there_is_one() {
    let folder = Folder::new();
    let (mut sidecar, _proc) = folder.sidecar(&[]);
    eventually("it says so", || sidecar.log().contains("web.yml"));
    assert!(!listens(sidecar.port) && sidecar.is_alive());
    // Longer than it waits before it looks again.
    std::thread::sleep(Duration::from_secs(6));
    assert!(!listens(sidecar.port) && sidecar.is_alive());
    assert_eq!(errors(&sidecar), 1, "{}", sidecar.log());
    folder.write("web.yml", &format!("basic_auth_users: {{prometheus: {HASH}}}"));
    eventually("it serves", || {
        status(sidecar.port, "/healthz", &basic("prometheus:secret")) == 200
    });
    assert_eq!(status(sidecar.port, "/metrics", ""), 401);
}

#[test]
fn a_file_that_is_never_right_holds_no_pod_up_and_the_exit_code_is_0() {
    for yaml in ["basic_auth_users: {a: b}", "tls_server_config: {cert_file: no, key_file: no}"] {
        let folder = Folder::with(yaml);
        let (sidecar, proc) = folder.sidecar(&["--life=classic"]);
        eventually("it says so", || errors(&sidecar) == 1);
        eventually("it has seen Spark", || sidecar.log().contains("source answers"));
        assert!(!listens(sidecar.port));
        proc.end_spark();
        // There is no page to take the last values from: it does not linger.
        sidecar.ends_well();
    }
    let (sidecar, _proc) = Folder::new().sidecar(&[]);
    eventually("it says so", || errors(&sidecar) == 1);
    sidecar.signal("TERM");
    sidecar.ends_well();
}

#[test]
fn certificates_and_passwords_are_swapped_while_it_runs_and_bad_ones_change_nothing() {
    let authority = Authority::new();
    let folder = Folder::with(&format!("{TLS}}}"));
    let (first, second) = (authority.issue(), authority.issue());
    folder.write_pair(&first);
    let (sidecar, _proc) = folder.sidecar(&[]);
    eventually("it listens", || listens(sidecar.port));
    let client = TlsClient::new(&authority, None);
    let shown = |headers: &str| {
        let got = client.get(sidecar.port, "/healthz", headers).unwrap();
        (got.answer.status, got.certificate)
    };
    let (first_der, second_der) =
        (der(&first.certificate).to_vec(), der(&second.certificate).to_vec());
    assert_eq!(shown(""), (200, first_der.clone()));
    // Half of a rotation.
    folder.write("tls.crt", &second.certificate);
    eventually("it says so", || sidecar.log().contains("the one before stays"));
    assert_eq!(shown(""), (200, first_der));
    folder.write("tls.key", &second.key);
    eventually("the second is served", || shown("").1 == second_der);
    folder.write("web.yml", &format!("{TLS}}}\nbasic_auth_users: {{prometheus: {HASH}}}"));
    eventually("a password is asked for", || shown("").0 == 401);
    assert_eq!(shown(&basic("prometheus:secret")).0, 200);
    // Not the page without a password, whatever becomes of the file.
    folder.write("web.yml", "tls_server_config: {cert_file: tls.crt, key_fil: tls.key}");
    eventually("it says so", || sidecar.log().matches("the one before stays").count() == 2);
    fs::remove_file(folder.path("web.yml")).unwrap();
    eventually("it says so", || sidecar.log().matches("the one before stays").count() == 3);
    assert_eq!((shown("").0, shown(&basic("prometheus:secret")).0), (401, 200));
    assert_eq!(errors(&sidecar), 3, "{}", sidecar.log());
}
