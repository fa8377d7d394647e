use std::path::Path;

use proptest::prelude::*;

use super::*;

const HASH: &str = "$2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm";

fn parse(yaml: &str) -> Result<WebConfig, WebConfigError> {
    WebConfig::parse(yaml, Path::new("/etc/emberscope/web.yml"))
}

fn tls(lines: &str) -> Result<Tls, WebConfigError> {
    parse(&format!("tls_server_config: {{cert_file: a.crt, key_file: a.key, {lines}}}"))
        .map(|config| config.tls.unwrap())
}

fn file(pem: &Pem) -> &Path {
    match &pem.place {
        Place::File(path) => path,
        Place::Inline(_) => panic!("{pem:?} is no file"),
    }
}

#[test]
fn an_empty_file_configures_nothing() {
    for yaml in
        ["", "\n", "# a comment\n", "---\n", "{}", "tls_server_config:\nbasic_auth_users:\n"]
    {
        let config = parse(yaml).unwrap();
        assert!(config.tls.is_none() && config.users.is_empty(), "{yaml:?}");
    }
    let empty = "tls_server_config: {cert_file: '', key_file: ''}\nbasic_auth_users: {}\n";
    assert!(parse(empty).is_err(), "TLS was meant, and there is none");
}

#[test]
fn what_is_relative_starts_from_the_folder_of_the_file() {
    let tls = tls("client_ca_file: ../ca.crt, client_auth_type: RequireAndVerifyClientCert");
    let tls = tls.unwrap();
    assert_eq!(file(&tls.certificate), Path::new("/etc/emberscope/a.crt"));
    assert_eq!(file(&tls.key), Path::new("/etc/emberscope/a.key"));
    let ClientAuth::Required(ca) = &tls.client_auth else { panic!("{tls:?}") };
    assert_eq!(file(ca), Path::new("/etc/emberscope/../ca.crt"));
    let yaml = "tls_server_config: {cert_file: /a, key_file: b}";
    let tls = WebConfig::parse(yaml, Path::new("web.yml")).unwrap().tls.unwrap();
    assert_eq!((file(&tls.certificate), file(&tls.key)), (Path::new("/a"), Path::new("b")));
}

#[test]
fn every_key_that_is_supported_is_read() {
    let yaml = format!(
        "tls_server_config:
  cert: |
    the certificate
  key: |
    the key
  client_ca: the authority
  client_auth_type: VerifyClientCertIfGiven
  min_version: TLS13
  max_version: TLS13
basic_auth_users:
  prometheus: {HASH}
  \"0123\": '{HASH}'
"
    );
    let config = parse(&yaml).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("the key") && !shown.contains(&HASH[7..]), "{shown}");
    assert_eq!(config.users.keys().collect::<Vec<_>>(), ["0123", "prometheus"]);
    let tls = config.tls.unwrap();
    assert!(matches!(&tls.key.place, Place::Inline(text) if text == "the key\n"));
    assert!(matches!(tls.client_auth, ClientAuth::IfGiven(_)));
    assert_eq!((tls.min_version, tls.max_version), (Version::Tls13, Version::Tls13));
}

#[test]
fn without_a_word_about_them_versions_and_clients_are_as_elsewhere() {
    let tls = tls("").unwrap();
    assert!(matches!(tls.client_auth, ClientAuth::No));
    assert_eq!((tls.min_version, tls.max_version), (Version::Tls12, Version::Tls13));
}

#[test]
fn every_bad_field_is_named_with_the_file_and_a_remedy() {
    for (lines, field, remedy) in [
        ("cert: x", "tls_server_config.cert ", "remove one"),
        ("key: x", "tls_server_config.key ", "remove one"),
        ("min_version: TLS11", "tls_server_config.min_version", "TLS12"),
        ("max_version: 1.3", "tls_server_config.max_version", "TLS13"),
        ("min_version: TLS13, max_version: TLS12", "tls_server_config.min_version", "swap"),
        ("client_ca_file: x", "tls_server_config.client_ca_file", "RequireAndVerifyClientCert"),
        ("client_ca: x", "tls_server_config.client_ca ", "RequireAndVerifyClientCert"),
        ("client_auth_type: Always", "tls_server_config.client_auth_type", "NoClientCert"),
        (
            "client_auth_type: RequireAnyClientCert",
            "tls_server_config.client_auth_type",
            "take RequireAndVerifyClientCert",
        ),
        (
            "client_auth_type: RequestClientCert",
            "tls_server_config.client_auth_type",
            "take RequireAndVerifyClientCert",
        ),
        (
            "client_auth_type: VerifyClientCertIfGiven",
            "tls_server_config.client_ca_file",
            "name the authorities",
        ),
        ("cipher_suites: [A]", "tls_server_config.cipher_suites", "remove it"),
        ("curve_preferences: [A]", "tls_server_config.curve_preferences", "remove it"),
        (
            "prefer_server_cipher_suites: true",
            "tls_server_config.prefer_server_cipher_suites",
            "remove it",
        ),
        ("client_allowed_sans: [A]", "tls_server_config.client_allowed_sans", "client_ca_file"),
        ("cert_fil: x", "cert_fil", "cert_file"),
        ("key_file: twice", "key_file", "remove one"),
    ] {
        let error = tls(lines).unwrap_err().to_string();
        for word in ["/etc/emberscope/web.yml: ", field, remedy] {
            assert!(error.contains(word), "{lines}: {word:?} is not in {error:?}");
        }
    }
    let bad_hash = format!("basic_auth_users: {{\"a:b\": {HASH}}}");
    for (yaml, field, remedy) in [
        ("http_server_config: {http2: true}", "http_server_config", "remove it"),
        ("rate_limit: {burst: 1}", "rate_limit", "remove it"),
        ("tls_server_config: {key_file: x}", "tls_server_config.cert_file", "give it"),
        ("tls_server_config: {cert_file: x}", "tls_server_config.key_file", "give it"),
        ("tls_server_config: {min_version: TLS12}", "tls_server_config.cert_file", "give it"),
        ("basic_auth_user: {}", "basic_auth_user", "basic_auth_users"),
        ("basic_auth_users: {ann: secret}", "basic_auth_users.ann", "htpasswd"),
        (&bad_hash, "basic_auth_users", "another"),
    ] {
        let error = parse(yaml).unwrap_err().to_string();
        for word in ["/etc/emberscope/web.yml: ", field, remedy] {
            assert!(error.contains(word), "{yaml}: {word:?} is not in {error:?}");
        }
    }
}

#[test]
fn what_is_no_such_yaml_is_refused_and_nothing_of_it_is_repeated() {
    for yaml in [
        "SECRET",
        "- SECRET",
        "tls_server_config: SECRET",
        "tls_server_config: {key: [SECRET]}",
        "basic_auth_users: SECRET",
        "basic_auth_users: [SECRET]",
        "basic_auth_users: {a: {SECRET: 1}}",
        "basic_auth_users: {a: }",
        "basic_auth_users: {a: SECRET, a: SECRET}",
        "basic_auth_users: {a: &SECRET x, b: *SECRETS}",
        "tls_server_config:\n  key: |\n   SECRET\n  SECRET\n : x",
        "tls_server_config: {\"SECRET SECRET SECRET\": 1}",
        "a: b: SECRET",
        "\"SECRET",
        "{}\n---\nSECRET: 1\n",
        "!!binary SECRET",
        "\u{0}",
    ] {
        let error = parse(yaml).unwrap_err().to_string();
        assert!(error.starts_with("/etc/emberscope/web.yml: "), "{yaml:?}: {error}");
        assert!(!error.contains("SECRET"), "{yaml:?}: {error}");
    }
}

/// Pieces of a configuration, which in a row are mostly not one.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "tls_server_config:",
        "basic_auth_users:",
        "http_server_config:",
        " cert_file:",
        "  key: ",
        " client_auth_type: ",
        "RequireAndVerifyClientCert",
        "min_version: TLS13",
        HASH,
        "a: ",
        "\n",
        "\n  ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "|\n",
        "&a ",
        "*a ",
        "<<: ",
        "? ",
        "- ",
        "---\n",
        "'",
        "\"",
        "#",
        "!!binary ",
        "\t",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        std::fs::write(&path, &bytes).unwrap();
        if let Err(error) = Loaded::read(&path) {
            prop_assert!(error.to_string().contains(path.to_str().unwrap()));
        }
    }

    #[test]
    fn anything_like_a_configuration_is_survived(yaml in pieces()) {
        // What is accepted says what it protects with, or has nothing to protect with.
        if let Ok(config) = parse(&yaml) {
            let says = yaml.contains("tls_server_config") || yaml.contains("basic_auth_users");
            prop_assert!(says || config.tls.is_none() && config.users.is_empty());
        }
    }
}
