//! PEM texts with certificates in a row: a `caBundle`, an entry of the Secret.
//!
//! They are written so that nobody can misread them, and read as strictly as the strictest reader
//! does. Go's `AppendCertsFromPEM`, which is the API server's, knows a block only by whole lines: where
//! a text lost its final newline and another one follows, it finds neither.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The text of one certificate; texts of several may be put one after the other.
#[must_use]
pub fn write(certificate: &CertificateDer<'_>) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new("CERTIFICATE", certificate.as_ref()), config)
}

/// The certificates that Go finds in a text; a block that Go passes over is passed over here.
#[must_use]
pub fn read(text: &str) -> Vec<CertificateDer<'static>> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines().map(str::trim_end) {
        match (line, block.as_mut()) {
            (BEGIN, _) => block = Some(format!("{BEGIN}\n")),
            (END, Some(open)) => {
                open.push_str(END);
                found.extend(CertificateDer::from_pem_slice(open.as_bytes()));
                block = None;
            }
            // Go gives the block up, and so what runs into it.
            (_, Some(_)) if line.starts_with("-----") => block = None,
            (_, Some(open)) => {
                open.push_str(line);
                open.push('\n');
            }
            (_, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{authority, identity};

    fn certificates() -> [String; 2] {
        [0, 1].map(|_| authority::generate(SystemTime::now()).unwrap().certificate)
    }

    #[test]
    fn what_is_written_is_read_by_the_strict_and_by_the_lenient() {
        let texts = certificates();
        let ders = texts.each_ref().map(|text| identity::chain(text).unwrap().remove(0));
        let row: String = ders.iter().map(write).collect();
        assert_eq!(read(&row), ders);
        assert_eq!(identity::chain(&row).unwrap(), ders);
    }

    #[test]
    fn two_texts_that_run_together_are_none_for_go() {
        let [one, other] = certificates();
        assert_eq!(read(&format!("{}{other}", one.trim_end())).len(), 0);
        assert_eq!(read(&format!("{one}{other}")).len(), 2);
        assert_eq!(read(&format!("{one}{other}").replace('\n', "\r\n")).len(), 2);
        assert_eq!(read(one.trim_end()).len(), 1);
    }

    #[test]
    fn a_spoilt_block_does_not_hide_the_next() {
        let [one, other] = certificates();
        let spoilt = format!("{BEGIN}\n!!!!\n{END}\n");
        assert_eq!(read(&format!("text\n{one}{spoilt}{other}")).len(), 2);
        assert_eq!(read(&format!(" {spoilt}")).len(), 0);
    }
}
