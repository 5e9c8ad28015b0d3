//! Bodies: read once it is known who sends them, and never more of them at once than there is room for.

use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use partway_server::config::{IdentityKind, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::*;

/// Settings with room for one of the largest bodies, of one megabyte, and no more.
fn with_room_for_one(settings: &mut Settings) {
    settings.server.max_body = ByteSize::mib(1);
    settings.server.max_bodies = ByteSize::mib(1);
}

/// A body of nearly a megabyte that creates an upload.
fn large_body() -> Vec<u8> {
    let mut body = serde_json::to_vec(&CreateUploads { files: vec![file("a", 1)] }).unwrap();
    body.resize(MIB - KIB, b' ');
    body
}

/// Sends a request but for its last byte, as far as anybody reads it.
async fn send_nearly_all(app: &TestApp, body: Arc<Vec<u8>>) -> TcpStream {
    let mut connection = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&body[..body.len() - 1]).await.unwrap();
    connection
}

/// An application that knows who has a cookie, and does not answer about others. Tells how many it has been asked about.
async fn slow_application() -> (String, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (asked, count) = watch::channel(0);
    tokio::spawn(async move {
        let asked = Arc::new(asked);
        while let Ok((mut connection, _)) = listener.accept().await {
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(connection.read_u8().await.unwrap());
                }
                if String::from_utf8_lossy(&head).contains("session=ada") {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"subject\":\"ada\"}";
                    connection.write_all(answer.as_bytes()).await.unwrap();
                } else {
                    asked.send_modify(|asked| *asked += 1);
                }
                // It ends with the server's end of it.
                let _ = connection.read_to_end(&mut Vec::new()).await;
            });
        }
    });
    (url, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_read_of_whom_nobody_knows_yet() {
    const CONNECTIONS: usize = 200;
    let (url, mut asked) = slow_application().await;
    let app = Arc::new(
        TestApp::with(|settings| {
            with_room_for_one(settings);
            settings.identity.kind = IdentityKind::Forward;
            settings.identity.forward.url = Some(url);
            settings.identity.forward.timeout = Duration::from_secs(60);
        })
        .await,
    );
    let body = Arc::new(large_body());
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (app, body) = (Arc::clone(&app), Arc::clone(&body));
            tokio::spawn(async move {
                let held = send_nearly_all(&app, body).await;
                std::future::pending::<()>().await;
                drop(held);
            })
        })
        .collect();
    let all = asked.wait_for(|asked| *asked == CONNECTIONS);
    drop(
        tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .expect("each is asked about before its body is there"),
    );
    // Had any of theirs been read, there would be no room for this one.
    let request = app.request(Method::POST, "/v1/uploads").header("cookie", "session=ada");
    let request = request.header("content-type", "application/json").body(body.to_vec());
    Answer::to(request).await.is::<CreatedUploads>(201);
    senders.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn what_is_read_has_a_limit_over_all_connections() {
    let app = TestApp::with(with_room_for_one).await;
    let body = Arc::new(large_body());
    app.post_text("/v1/uploads", body.to_vec()).await.is::<CreatedUploads>(201);
    // There is no room for both, so one of them is refused, whichever was read faster.
    let (mut one, mut other) =
        tokio::join!(send_nearly_all(&app, Arc::clone(&body)), send_nearly_all(&app, Arc::clone(&body)));
    let (refusal, mut held) = tokio::select! {
        refusal = read_answer(&mut one) => (refusal, other),
        refusal = read_answer(&mut other) => (refusal, one),
    };
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    assert!(refusal.contains("server_busy") && refusal.contains("retry-after: 2\r\n"), "{refusal}");
    // The other one loses nothing by it, and makes room when it is answered.
    held.write_all(&body[body.len() - 1..]).await.unwrap();
    let answer = read_answer(&mut held).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    app.post_text("/v1/uploads", body.to_vec()).await.is::<CreatedUploads>(201);
    app.begin("a.bin", 100).await.finish().await;
}

#[tokio::test]
async fn who_goes_away_makes_room() {
    let app = TestApp::with(with_room_for_one).await;
    let body = Arc::new(large_body());
    for _ in 0..5 {
        drop(send_nearly_all(&app, Arc::clone(&body)).await);
    }
    let made_room = async {
        while app.post_text("/v1/uploads", body.to_vec()).await.status != 201 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), made_room).await.expect("what they had sent is let go of");
}

/// Reads until a head and what else came with it are there. The server keeps the connection open.
async fn read_answer(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = async {
        while !answer.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            assert_ne!(connection.read_buf(&mut answer).await.unwrap(), 0, "it ended without an answer");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("an answer comes");
    String::from_utf8_lossy(&answer).into_owned()
}
