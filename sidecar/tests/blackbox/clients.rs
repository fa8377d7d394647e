//! Clients of every kind, most of them bad.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::{
    EXECUTORS, FakeProc, FakeSpark, Mood, PATIENCE, Sidecar, captured, exchange, get, request,
};

fn sidecar(spark: &FakeSpark) -> (Sidecar, FakeProc) {
    let proc = FakeProc::with_spark();
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    let arguments = ["--role=driver", "--spark-ui-port", &port, "--proc-root", &root];
    (Sidecar::start(&arguments), proc)
}

#[test]
fn the_three_paths_answer_and_nothing_else_does() {
    let spark = FakeSpark::start();
    let (sidecar, _proc) = sidecar(&spark);
    let landing = get(sidecar.port, "/").unwrap();
    assert_eq!(
        (landing.status, landing.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    for word in ["/metrics", "/healthz", "driver", env!("CARGO_PKG_VERSION")] {
        assert!(landing.text().contains(word), "{word}");
    }
    assert_eq!(get(sidecar.port, "/healthz").unwrap().text(), "ok\n");
    assert_eq!(get(sidecar.port, "/metrics?name[]=x").unwrap().status, 200);
    assert_eq!(get(sidecar.port, "/metrics/x").unwrap().status, 404);
    assert_eq!(get(sidecar.port, "/favicon.ico").unwrap().status, 404);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = request(sidecar.port, method, "/metrics", "Content-Length: 0\r\n").unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET,HEAD")), "{method}");
    }
    for path in ["/metrics", "/healthz", "/"] {
        let answer = request(sidecar.port, "HEAD", path, "").unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
}

#[test]
fn malformed_requests_are_refused_and_harm_nobody() {
    let spark = FakeSpark::start();
    let (sidecar, _proc) = sidecar(&spark);
    let long = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    let many = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(1_000));
    for (request, statuses) in [
        (b"\0\x01\x02\xff\r\n\r\n".as_slice(), ["400"].as_slice()),
        (b"GET\r\n\r\n", &["400"]),
        (b"GET /metrics HTTP/9.9\r\n\r\n", &["400", "505"]),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", &["400"]),
        // Closed without a word: the server speaks HTTP/1.1 only.
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[]),
        (
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            &["400"],
        ),
        (long.as_bytes(), &["431"]),
        (many.as_bytes(), &["431"]),
    ] {
        let answer = exchange(sidecar.port, request).unwrap();
        let answer = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let refused =
            statuses.iter().any(|status| answer.starts_with(&format!("HTTP/1.1 {status}")));
        // A client that sends on after the refusal may see a reset, and no answer.
        let closed = answer.is_empty() && (statuses.is_empty() || request.len() > 10_000);
        assert!(refused || closed, "{request:?}: {answer}");
    }
    assert!(sidecar.scrape().up("driver_page"));
}

#[test]
fn clients_that_connect_and_say_nothing_are_closed_and_do_not_keep_prometheus_out() {
    let spark = FakeSpark::start();
    let (sidecar, _proc) = sidecar(&spark);
    let mut idle: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, sidecar.port)).unwrap())
        .collect();
    for (index, stream) in idle.iter_mut().enumerate().filter(|(index, _)| index % 2 == 0) {
        let words = [b"GET /metrics HTTP/1.1\r\nHo".as_slice(), b"\r\n"];
        stream.write_all(words[index / 2 % 2]).unwrap();
    }
    // More of them than connections are let in: a scrape waits for its turn, not for long.
    assert!(sidecar.scrape().up("driver_page"));
    for stream in &mut idle {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "a page for half a request");
    }
}

#[test]
fn scrapers_keep_their_connections_until_somebody_else_needs_the_place() {
    let spark = FakeSpark::start();
    let (sidecar, _proc) = sidecar(&spark);
    let (mut prometheus, _) = sidecar.prometheus();
    // Longer than a client has for a request.
    std::thread::sleep(Duration::from_secs(6));
    prometheus.scrape().unwrap();
    // As many as there are places and some more; the one that was idle longest makes room.
    let mut others: Vec<_> = (0..70).map(|_| sidecar.prometheus().0).collect();
    assert!(prometheus.scrape().is_err());
    others.iter_mut().rev().take(50).for_each(|other| drop(other.scrape().unwrap()));
    assert!(sidecar.scrape().up("driver_page"));
}

#[test]
fn clients_that_do_not_read_are_cut_off_and_hold_nobody_up() {
    let spark = FakeSpark::start();
    // 5 MB: far more than the kernel takes for a client that does not read.
    spark.set(EXECUTORS, Mood::Serves(many_executors(1_000)));
    let (sidecar, _proc) = sidecar(&spark);
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, sidecar.port)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        // Its page is under way; it reads a little, and no more.
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut beginning = [0; 1000];
        stream.read_exact(&mut beginning).unwrap();
        assert!(beginning.starts_with(b"HTTP/1.1 200"));
        slow.push(stream);
        let began = Instant::now();
        assert!(sidecar.scrape().up("executors_page"));
        // An unoptimised parser on a busy machine; the slow clients' time limit is not in it.
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    }
    // The first of them was cut off when newer pages were made; there is no whole page to be had.
    let mut rest = Vec::new();
    let _ = slow[0].read_to_end(&mut rest);
    let whole = sidecar.metrics().body.len();
    assert!(rest.len() + 1000 < whole, "{} of {whole}", rest.len());
}

/// The captured page of a few executors, with as many more.
fn many_executors(count: usize) -> Vec<u8> {
    let page = String::from_utf8(captured("spark-4.0.4-localcluster-executors.prom")).unwrap();
    let of_one: Vec<&str> =
        page.lines().filter(|line| line.contains("executor_id=\"0\"")).collect();
    assert!(of_one.len() > 30, "{page}");
    let mut out = String::new();
    for id in 0..count {
        for line in &of_one {
            out.push_str(&line.replace("executor_id=\"0\"", &format!("executor_id=\"{id}\"")));
            out.push('\n');
        }
    }
    out.into_bytes()
}
