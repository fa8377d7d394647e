//! An HTTP client that does what it is told, bad manners included.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use super::PATIENCE;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header; `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// `GET`, with further header lines (each ends in CRLF).
pub(crate) fn request(port: u16, method: &str, path: &str, headers: &str) -> io::Result<Answer> {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\n{headers}\r\n");
    let answer = exchange(port, head.as_bytes())?;
    parse(&answer).ok_or_else(|| io::Error::other(format!("not whole: {} bytes", answer.len())))
}

pub(crate) fn get(port: u16, path: &str) -> io::Result<Answer> {
    request(port, "GET", path, "")
}

/// A scraper that keeps its connection, as Prometheus does.
#[derive(Debug)]
pub(crate) struct Prometheus {
    stream: TcpStream,
}

impl Prometheus {
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// Asks for the page, and does not read it.
    pub(crate) fn ask(&mut self) -> io::Result<()> {
        let head = "GET /metrics HTTP/1.1\r\nHost: sidecar\r\nUser-Agent: Prometheus/2.42.0\r\n\
                    X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n";
        self.stream.write_all(head.as_bytes())
    }

    /// One scrape: the whole answer.
    pub(crate) fn scrape(&mut self) -> io::Result<Answer> {
        self.ask()?;
        let (mut answer, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
        while !answer.ends_with(b"\r\n0\r\n\r\n") {
            let read = self.stream.read(&mut piece)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&piece[..read]);
        }
        parse(&answer).ok_or_else(|| io::Error::other("not whole"))
    }
}

/// Sends bytes, and reads until the other side ends the connection.
pub(crate) fn exchange(port: u16, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // Who is refused while still sending may get a reset behind the answer.
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(answer),
    }
}

/// An answer that came whole: as long as it says, or with the chunk that says that it is the last.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let rest = &bytes[end + 4..];
    let mut answer = Answer { status, head, body: Vec::new() };
    answer.body = match answer.header("content-length") {
        // To `HEAD` there is no body, whatever it says.
        Some(length) if rest.is_empty() || rest.len() == length.parse().ok()? => rest.to_vec(),
        None if rest.is_empty() || answer.header("transfer-encoding")? == "chunked" => {
            unchunk(rest)?
        }
        _ => return None,
    };
    Some(answer)
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while !rest.is_empty() {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length..)?.strip_prefix(b"\r\n")?;
        if length == 0 {
            return rest.is_empty().then_some(body);
        }
    }
    // No chunk at all: an answer to `HEAD`; else the last one is missing.
    body.is_empty().then_some(body)
}
