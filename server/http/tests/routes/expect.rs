//! `Expect: 100-continue`, which curl and SDKs send with anything large: what comes on a connection after an answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::support::*;

fn connect(app: &TestApp) -> (TcpStream, String) {
    let host = app.url.strip_prefix("http://").unwrap().to_owned();
    let stream = TcpStream::connect(&host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (stream, host)
}

/// A refusal comes while the body is on its way: either no next request is taken on that connection, or it is answered
/// as what it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_refusal_no_request_is_taken_for_a_body() {
    let app = TestApp::start().await;
    for (target, length, expected) in
        [("/v1/uploads", 100_000, "415"), ("/v1/nothing", 100, "404"), ("/healthz", 100, "405")]
    {
        let (mut stream, host) = connect(&app);
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/plain\r\n\
             content-length: {length}\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = next_head(&mut stream);
        if answer.starts_with("HTTP/1.1 100") {
            answer = next_head(&mut stream);
        }
        assert_eq!(&answer[9..12], expected, "{target}\n{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{target}\n{answer}");
        // What a client may send that has not read that yet. It must not be answered as a request of its own, nor may
        // it make the system throw away the answer.
        let next = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n");
        stream.write_all(next.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).expect("the rest of the answer, and then the end");
        assert!(!rest.contains("HTTP/1.1 200"), "{rest}");
    }
}

/// Whoever is refused while a slow line still carries the body has to read the refusal, and not a reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_client_has_time_to_stop_sending() {
    let app = TestApp::start().await;
    let (mut stream, host) = connect(&app);
    let head = format!(
        "POST /v1/uploads HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/plain\r\ncontent-length: 100000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[b' '; 2_000_000]).unwrap();
    let answer = next_head(&mut stream);
    assert_eq!(&answer[9..12], "415");
    let length: usize = answer
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap()
        .parse()
        .unwrap();
    stream.read_exact(&mut vec![0; length]).unwrap();
    // Longer than actix-web waits by itself. Nothing comes, and the connection stays.
    stream.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
    let end = stream.read(&mut [0]).expect_err("the connection is closed already");
    assert!(matches!(end.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{end}");
}
