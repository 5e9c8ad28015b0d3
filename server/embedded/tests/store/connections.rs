//! How connections go on, and how they end: `Expect: 100-continue`, bodies that nobody reads, and bodies that stall.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::common::next_head;
use crate::support::*;

/// Sends a head that waits for `100 Continue`, and then nothing. Returns all that comes until the store closes, or what
/// has come when it has not for a while.
fn expecting(addr: SocketAddr, target: &str, length: usize) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "PUT {target} HTTP/1.1\r\nhost: {addr}\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(ended.is_ok(), "the connection was left open after\n{answer}");
    answer
}

async fn put_target(store: &TestStore, bucket: &str) -> String {
    let put = store.client.put_object().bucket(bucket).key("a");
    target(put.presigned(presigned()).await.unwrap().uri()).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_answer_instead_of_100_continue_ends_the_connection() {
    let store = TestStore::with(|options| options.max_bytes = Some(1000));
    let good = put_target(&store, BUCKET).await;
    for (target, length, expected) in [
        ("/uploads/a".to_owned(), 100, "403"),
        (good.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), 100, "403"),
        (put_target(&store, "nowhere").await, 100, "404"),
        // What the store does not know, and what does not fit.
        (format!("/uploads/a?torrent&{}", good.split_once('?').unwrap().1), 100, "403"),
        (good.clone(), 5000, "507"),
        // No body, so nothing is said to go on.
        (good, 0, "200"),
    ] {
        let answer = expecting(store.addr, &target, length);
        assert_eq!(&answer[9..12], expected, "{target}\n{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close\r\n"), "{answer}");
        assert!(!answer.contains("100 Continue"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_after_a_body_that_was_asked_for() {
    let store = TestStore::start();
    let target = put_target(&store, BUCKET).await;
    let mut stream = TcpStream::connect(store.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for _ in 0..2 {
        let head = format!(
            "PUT {target} HTTP/1.1\r\nhost: {}\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n",
            store.addr
        );
        stream.write_all(head.as_bytes()).unwrap();
        assert!(next_head(&mut stream).starts_with("HTTP/1.1 100 Continue"));
        stream.write_all(b"hello").unwrap();
        let answer = next_head(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("close"), "{answer}");
    }
    assert_eq!(store.get("a").await, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_without_waiting_still_reads_its_refusal() {
    let store = TestStore::start();
    let body = vec![b'x'; 4 * MIB];
    let head = format!(
        "PUT /uploads/a HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        store.addr,
        body.len()
    );
    let answer = raw(store.addr, &head, &body).expect("the answer, not a reset");
    assert_eq!((&answer[9..12], code(&answer)), ("403", "AccessDenied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stalls_ends_and_leaves_nothing() {
    let store = TestStore::with(|options| options.body_timeout = Duration::from_millis(300));
    let put = put_target(&store, BUCKET).await;
    // One that is wanted, and one that is refused before it is read.
    for (target, expected) in
        [(put.clone(), ("400", "RequestTimeout")), ("/uploads/a".to_owned(), ("403", "AccessDenied"))]
    {
        let head = format!("PUT {target} HTTP/1.1\r\nhost: {}\r\ncontent-length: 1000\r\n\r\n", store.addr);
        let answer =
            raw(store.addr, &head, b"the beginning").expect("an answer, and the end of the connection");
        assert_eq!((&answer[9..12], code(&answer)), expected, "{answer}");
    }
    store.settles_at(0).await;
}

/// XML is read by the protocol layer, which calls whatever goes wrong then a fault of its own.
#[tokio::test(flavor = "multi_thread")]
async fn xml_that_stalls_is_refused_as_that() {
    let store = TestStore::with(|options| options.body_timeout = Duration::from_millis(300));
    store.put("a", b"stays").await;
    for target in ["/uploads?delete", "/uploads/a?uploadId=none"] {
        let host = store.addr.to_string();
        let headers = [("host", host.as_str())];
        let signed = sign("POST", &format!("http://{host}{target}"), &headers, SignableBody::UnsignedPayload);
        let head = format!("POST {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1000\r\n{signed}\r\n");
        let answer = raw(store.addr, &head, b"<Delete><Object><Key>a</Key></Object>")
            .expect("an answer, and the end of the connection");
        assert_eq!((&answer[9..12], code(&answer)), ("400", "RequestTimeout"), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close\r\n"), "{answer}");
    }
    assert_eq!(store.keys().await, ["a"]);
}
