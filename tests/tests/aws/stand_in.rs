//! A server for the calls that moto does not know: answers from a function, and a record of what was
//! asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// It listens until the test's process ends.
pub(crate) struct StandIn {
    /// Its address, for `AWS_ENDPOINT_URL_…`.
    pub(crate) endpoint: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl StandIn {
    /// Answers each `METHOD /path` (no query) with what the function makes of it; with status 404
    /// where it makes nothing of it.
    pub(crate) fn open(answer: impl Fn(&str) -> Option<Value> + Send + 'static) -> Self {
        Self::answering(move |request| match answer(request) {
            Some(body) => (200, body),
            None => (404, json!({ "message": "there is no such thing" })),
        })
    }

    /// The same, with the status of each answer.
    pub(crate) fn answering(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &answer, &record);
            }
        });
        Self { endpoint, asked }
    }

    /// What was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(request, _)| request.clone()).collect()
    }

    /// The bodies that came with a request, in order.
    pub(crate) fn sent(&self, request: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(asked, _)| asked == request).map(|(_, body)| body.clone()).collect()
    }
}

/// One request, one answer, and the connection is closed.
fn serve(
    stream: &TcpStream,
    answer: impl Fn(&str) -> (u16, Value),
    record: &Mutex<Vec<(String, Value)>>,
) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();

    let request = first.rsplit_once(" HTTP/").unwrap().0.split('?').next().unwrap().to_owned();
    let sent = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (status, body) = answer(&request);
    record.lock().unwrap().push((request, sent));
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    (&*stream).write_all((head + &body).as_bytes()).unwrap();
}
