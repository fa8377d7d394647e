//! Against a fake: a TCP server on the loopback interface that answers each connection with bytes
//! that the test gives it. It is no Spark; what Spark answers was captured from Spark.

use std::net::{Ipv4Addr, TcpListener as Lock};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::*;

const EXECUTORS: &str =
    include_str!("../../../../tests/fixtures/servlet/spark-4.3.0-executors.prom");
const DRIVER: &str = include_str!("../../../../tests/fixtures/servlet/spark-4.3.0-driver.prom");
const OFF: &str =
    include_str!("../../../../tests/fixtures/servlet/spark-4.0.1-servlet-off-404.html");
const STARTING: &str =
    "<html><body>Spark is starting up. Please wait a while until it's ready.</body></html>";

/// 32 ports that no other test uses: the last one is held as long as the rest is.
struct Ports {
    first: u16,
    _lock: Lock,
}

impl Ports {
    fn take() -> Self {
        // Below the ports that the system gives out itself.
        let blocks = (10_240..32_000).step_by(32);
        let start = std::process::id() as usize % 600;
        let (first, lock) = blocks
            .cycle()
            .skip(start)
            .find_map(|first| Some((first, Lock::bind((Ipv4Addr::LOCALHOST, first + 31)).ok()?)))
            .unwrap();
        Self { first, _lock: lock }
    }
}

/// What the fake does with a connection once the request has arrived.
#[derive(Debug, Clone)]
enum Does {
    Answers(Arc<[u8]>),
    SendsForEver(&'static [u8]),
    SaysNothing,
    HangsUp,
}

fn http(status: &str, media: &str, body: &str) -> Does {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n\r\n");
    Does::Answers((head + body).into_bytes().into())
}

fn raw(text: &str) -> Does {
    Does::Answers(text.as_bytes().into())
}

/// A fake on a port; it counts the requests, and ends with the handle.
async fn fake(port: u16, does: Does) -> (JoinSet<()>, Arc<AtomicUsize>) {
    serve(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap(), does)
}

fn serve(listener: TcpListener, does: Does) -> (JoinSet<()>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let mut task = JoinSet::new();
    let counted = Arc::clone(&count);
    task.spawn(async move {
        let mut open = JoinSet::new();
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let does = does.clone();
            open.spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let byte = socket.read_u8().await;
                    let Ok(byte) = byte else { return };
                    request.push(byte);
                }
                match does {
                    Does::Answers(bytes) => {
                        let _ = socket.write_all(&bytes).await;
                    }
                    Does::SendsForEver(bytes) => while socket.write_all(bytes).await.is_ok() {},
                    Does::SaysNothing => sleep(Duration::from_mins(1)).await,
                    Does::HangsUp => {}
                }
            });
        }
    });
    (task, count)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn run<T>(task: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(task)
}

/// The reason for which the first port, doing that, gives no page.
fn reason(does: Does, what: Endpoint) -> String {
    run(async {
        let ports = Ports::take();
        let _fake = fake(ports.first, does).await;
        let ui = Client::new(ports.first, None);
        let error = ui.fetch(what, Instant::now() + Duration::from_millis(700)).await.unwrap_err();
        assert!(!error.to_string().is_empty());
        error.reason().to_owned()
    })
}

#[test]
fn a_page_is_fetched_as_it_is() {
    run(async {
        let ports = Ports::take();
        let _fake = fake(ports.first, http("200 OK", "text/plain", EXECUTORS)).await;
        let ui = Client::new(ports.first, None);
        assert_eq!(ui.fetch(Endpoint::Executors, soon()).await.unwrap(), EXECUTORS);
        assert_eq!(ui.address().map(|it| it.port()), Some(ports.first));
    });
}

#[test]
fn a_page_in_small_chunks_is_read_in_pieces() {
    run(async {
        let ports = Ports::take();
        let chunks = DRIVER.as_bytes().chunks(7).map(|chunk| str::from_utf8(chunk).unwrap());
        let chunks: Vec<_> =
            chunks.map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _fake =
            fake(ports.first, raw(&(head.to_owned() + &chunks.concat() + "0\r\n\r\n"))).await;
        let (mut page, mut pieces) = (Vec::new(), 0);
        let take = |piece: &[u8]| {
            page.extend_from_slice(piece);
            pieces += 1;
        };
        Client::new(ports.first, None).stream(Endpoint::Driver, soon(), take).await.unwrap();
        assert!(page == DRIVER.as_bytes() && pieces > 1);
    });
}

#[test]
fn what_is_no_page_has_its_reason() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n".to_owned() + &DRIVER[..200];
    let headers = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1_000_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200));
    for (does, expected) in [
        (http("200 OK", "text/html;charset=utf-8", STARTING), "starting_up"),
        (http("404 Not Found", "text/html", OFF), "servlet_off"),
        (
            raw(
                "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:4440/\r\nContent-Length: 0\r\n\r\n",
            ),
            "redirected",
        ),
        (http("403 Forbidden", "text/html", ""), "refused"),
        (http("500 Server Error", "text/plain", DRIVER), "status"),
        (http("200 OK", "text/html", "<html>My own UI</html>"), "not_spark"),
        (http("200 OK", "text/plain", "# HELP go_info Go.\ngo_info 1\n"), "not_spark"),
        (http("200 OK", "text/plain", EXECUTORS), "not_spark"),
        (http("200 OK", "text/plain", ""), "not_spark"),
        (raw("SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        (raw("\x15\x03\x01\x00\x02\x02\x50"), "protocol"),
        (Does::HangsUp, "protocol"),
        (raw(&cut), "protocol"),
        (raw(&headers), "protocol"),
        (raw(&many), "protocol"),
        (Does::SaysNothing, "deadline"),
    ] {
        assert_eq!(reason(does.clone(), Endpoint::Driver), expected, "{does:?}");
    }
    let driver = http("200 OK", "text/plain", DRIVER);
    assert_eq!(reason(driver, Endpoint::Executors), "not_spark");
}

#[test]
fn a_page_without_end_is_not_held() {
    let page = "HTTP/1.1 200 OK\r\n\r\nspark_info{version=\"4.3.0\", revision=\"x\"} 1.0\n";
    run(async {
        let ports = Ports::take();
        let _fake = fake(ports.first, Does::SendsForEver(page.as_bytes())).await;
        let ui = Client::new(ports.first, None);
        let error = ui.fetch(Endpoint::Executors, soon()).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { limit: MAX_HELD, .. }), "{error}");
    });
}

#[test]
fn where_nothing_listens_it_says_so() {
    run(async {
        let ports = Ports::take();
        let error =
            Client::new(ports.first, None).fetch(Endpoint::Driver, soon()).await.unwrap_err();
        assert!(
            matches!(error, FetchError::NotListening { first_port } if first_port == ports.first)
        );
        // The last ports of all: there are fewer than 17.
        let error = Client::new(u16::MAX, None).fetch(Endpoint::Driver, soon()).await.unwrap_err();
        assert_eq!(error.reason(), "not_listening");
    });
}

#[test]
fn strangers_on_the_ports_before_do_not_fool_it() {
    run(async {
        let ports = Ports::take();
        let page = http("200 OK", "text/plain", DRIVER);
        let strangers = [
            http("200 OK", "text/plain", "# HELP go_info Go.\ngo_info 1\n"),
            http("404 Not Found", "text/plain", "no"),
            Does::SaysNothing,
            raw("+PONG\r\n"),
        ];
        let mut fakes = Vec::new();
        for (port, does) in (ports.first..).zip(strangers) {
            fakes.push(fake(port, does).await);
        }
        let _spark = fake(ports.first + 16, page).await;
        let ui = Client::new(ports.first, None);
        for _ in 0..3 {
            assert_eq!(ui.fetch(Endpoint::Driver, soon()).await.unwrap(), DRIVER);
        }
        assert_eq!(ui.address().map(|it| it.port()), Some(ports.first + 16));
        // Once it is found, no one else is asked.
        assert!(fakes.iter().all(|(_, count)| count.load(Ordering::Relaxed) == 1));
    });
}

#[test]
fn spark_is_found_again_on_another_port() {
    run(async {
        let ports = Ports::take();
        let page = http("200 OK", "text/plain", DRIVER);
        let ui = Client::new(ports.first, None);
        for port in [ports.first + 1, ports.first + 5] {
            let (mut spark, _) = fake(port, page.clone()).await;
            ui.fetch(Endpoint::Driver, soon()).await.unwrap();
            assert_eq!(ui.address().map(|it| it.port()), Some(port));
            spark.shutdown().await;
        }
        assert_eq!(ui.fetch(Endpoint::Driver, soon()).await.unwrap_err().reason(), "not_listening");
    });
}

#[test]
fn what_spark_says_counts_more_than_a_strangers_silence() {
    run(async {
        let ports = Ports::take();
        let _spark = fake(ports.first, http("200 OK", "text/html", STARTING)).await;
        let _stranger = fake(ports.first + 1, Does::SaysNothing).await;
        let soon = Instant::now() + Duration::from_millis(300);
        let error = Client::new(ports.first, None).fetch(Endpoint::Driver, soon).await.unwrap_err();
        assert_eq!(error.reason(), "starting_up");
    });
}

/// The driver page of that application.
fn of(id: &str) -> Does {
    let line = "DAGScheduler_job_allJobs_Value{type=\"gauges\"} 17";
    http("200 OK", "text/plain", &format!("metrics_{id}_driver_{line}\n"))
}

#[test]
fn of_two_sparks_in_one_pod_its_own_is_read_and_the_other_only_where_there_is_no_other() {
    run(async {
        let ports = Ports::take();
        let own = "spark-00000003aaaabbbbcccc";
        let (child, pods) = (of("local_1795418699443"), of("spark_00000003aaaabbbbcccc"));
        let ui = Client::new(ports.first, Some(own.to_owned()));
        let has = |page: &[u8], id: &str| memchr::memmem::find(page, id.as_bytes()).is_some();
        let (_child, _) = fake(ports.first, child).await;
        let page = ui.fetch(Endpoint::Driver, soon()).await.unwrap();
        assert!(has(&page, "local_1795418699443") && ui.address().is_none());
        let (mut spark, _) = fake(ports.first + 1, pods).await;
        for _ in 0..3 {
            let page = ui.fetch(Endpoint::Driver, soon()).await.unwrap();
            assert!(has(&page, "spark_00000003aaaabbbbcccc"));
            assert_eq!(ui.address().map(|it| it.port()), Some(ports.first + 1));
        }
        // Its own ends, and another takes the port.
        spark.shutdown().await;
        let (_other, _) = fake(ports.first + 1, of("app_20261123073954_0000")).await;
        ui.fetch(Endpoint::Driver, soon()).await.unwrap();
        assert_eq!(ui.address(), None);
    });
}

#[test]
fn whose_an_executors_page_is_its_first_id_tells() {
    let page = |id: &str| {
        format!(
            "spark_info{{version=\"4.1.0-amzn-1\", revision=\"{}\"}} 1.0\n\
             metrics_executor_rddBlocks{{application_id=\"{id}\", application_name=\"é",
            "0".repeat(40)
        )
    };
    for (id, of_pod, owner) in [
        ("app-20261123073954-0000", Some("app-20261123073954-0000"), PageOwner::Pod),
        ("local-1795418699443", Some("app-20261123073954-0000"), PageOwner::Another),
        ("mine", Some("app-20261123073954-0000"), PageOwner::Unknown),
        ("local-1795418699443", None, PageOwner::Unknown),
    ] {
        let page = page(id);
        // As if the page went on in the middle of a character.
        let text = &page.as_bytes()[..page.len() - 1];
        assert_eq!(Endpoint::Executors.owner(text, of_pod), owner, "{id}");
    }
}

#[test]
fn a_ui_on_one_address_alone_is_found() {
    run(async {
        let ports = Ports::take();
        let listener = TcpListener::bind(("127.0.0.77", ports.first + 3)).await.unwrap();
        let (_fake, _) = serve(listener, http("200 OK", "text/plain", DRIVER));
        let ui = Client::new(ports.first, None);
        assert_eq!(ui.fetch(Endpoint::Driver, soon()).await.unwrap(), DRIVER);
        let expected = (std::net::Ipv4Addr::new(127, 0, 0, 77), ports.first + 3).into();
        assert_eq!(ui.address(), Some(expected));
    });
}

#[test]
fn of_a_page_without_end_the_beginning_is_read_in_pieces() {
    let page = "HTTP/1.1 200 OK\r\n\r\nspark_info{version=\"4.3.0\", revision=\"x\"} 1.0\n";
    run(async {
        let ports = Ports::take();
        let _fake = fake(ports.first, Does::SendsForEver(page.as_bytes())).await;
        let mut bytes = 0;
        let take = |piece: &[u8]| bytes += piece.len();
        let ui = Client::new(ports.first, None);
        let deadline = Instant::now() + Duration::from_mins(1);
        let extent = ui.stream(Endpoint::Executors, deadline, take).await.unwrap();
        assert_eq!((extent, bytes), (Extent::Cut, MAX_READ));
    });
}

#[test]
fn a_page_that_is_off_does_not_make_it_forget_the_port() {
    run(async {
        let ports = Ports::take();
        let ui = Client::new(ports.first, None);
        let (mut spark, _) = fake(ports.first, http("200 OK", "text/plain", EXECUTORS)).await;
        ui.fetch(Endpoint::Executors, soon()).await.unwrap();
        spark.shutdown().await;
        let _spark = fake(ports.first, http("404 Not Found", "text/html", OFF)).await;
        let error = ui.fetch(Endpoint::Driver, soon()).await.unwrap_err();
        assert_eq!(
            (error.reason(), ui.address().map(|it| it.port())),
            ("servlet_off", Some(ports.first))
        );
    });
}
