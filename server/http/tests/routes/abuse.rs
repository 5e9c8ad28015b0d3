//! Clients that mean ill: names that are no names, bodies without end, connections that go nowhere.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

/// What a name or a path is made of does not get out of the key, and not into a header.
#[tokio::test]
async fn names_that_would_be_something_else() {
    let app = TestApp::start().await;
    for name in [
        "../../../etc/passwd",
        "..\\..\\windows\\system32",
        "%2e%2e%2fetc%2fpasswd",
        "a\0.png",
        "\0",
        "a\r\nx-amz-acl: public-read\r\n\r\n",
        "a\nb",
        "\u{202e}gpj.exe",
        "a\"; filename=\"b.html",
        "${filename}",
        "{subject}",
        ".",
        "..",
        "/",
        "\u{feff}",
        "CON",
        "a?versionId=1#x",
    ] {
        for kind in [None, Some("text/html".to_owned())] {
            let asked = NewUpload { content_type: kind, path: Some(name.to_owned()), ..file(name, 0) };
            let upload = app.begin_as(asked, b"hello".to_vec()).await;
            let key = &upload.grant.key;
            assert_eq!(key.split('/').count(), 2, "{name:?} became {key:?}");
            assert!(!key.chars().any(char::is_control) && !key.contains(".."), "{name:?} became {key:?}");
            for put in upload.sign([1]).await {
                assert_eq!(put.headers.get("x-amz-acl"), None, "{:?}", put.headers);
                let breaks = |value: &String| value.chars().any(char::is_control);
                assert!(!put.headers.values().any(breaks), "{:?}", put.headers);
            }
            upload.finish().await;
        }
    }
}

#[tokio::test]
async fn a_name_of_ten_megabytes() {
    let app = TestApp::start().await;
    let answer = app.try_create(file(&"x".repeat(10 * MIB), 1)).await;
    answer.refused(ErrorCode::BodyTooLarge);
    let answer = app.try_create(file(&"x".repeat(MIB), 1)).await;
    let created: CreatedUploads = answer.is(201);
    let problem = refused(created.uploads.into_iter().next().unwrap());
    assert_eq!((problem.code, problem.field.as_deref()), (ErrorCode::InvalidField, Some("files[0].name")));
}

#[tokio::test]
async fn json_that_is_deep() {
    let app = TestApp::start().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"files\":[", "]}")] {
        let depth = MIB / open.len() / 2;
        let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(app.post_text("/v1/uploads", body).await.status, 400);
    }
    app.begin("a.bin", 10).await.finish().await;
}

/// A slow client holds a connection for so long, and then no longer.
#[tokio::test]
async fn a_client_that_never_ends_its_request() {
    let app = TestApp::with(|settings| settings.server.request_timeout = Duration::from_secs(1)).await;
    let addr = app.url.strip_prefix("http://").unwrap();
    let head = "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for begun in [
        "POST /v1/up".to_owned(),
        format!("{head}X-Slow: "),
        format!("{head}Content-Length: 100\r\n\r\n{{\"files\":"),
    ] {
        let mut slow = TcpStream::connect(addr).await.unwrap();
        slow.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut answer)).await;
        ended.unwrap_or_else(|_| panic!("{begun:?} held its connection")).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{begun:?} was answered {answer:?}");
    }
    let mut slow = TcpStream::connect(addr).await.unwrap();
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"fil\r\n");
    slow.write_all(chunked.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    slow.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 408");
    app.begin("a.bin", 10).await.finish().await;
}

#[tokio::test]
async fn tokens_are_not_mixed_up() {
    let app = TestApp::with(by_ticket).await;
    app.come_as(ticket("ada"));
    let upload = app.begin("a.bin", PART + 1).await;
    // An upload's token is no ticket, and a ticket no upload's token.
    app.list_of(&ticket("ada")).await.refused(ErrorCode::TokenInvalid);
    app.come_as(&upload.grant.token);
    upload.try_list().await.refused(ErrorCode::CredentialsInvalid);
    app.come_as(ticket("ada"));
    let other = app.begin("b.bin", PART + 1).await;
    let sent = upload.send_all().await;
    // One upload's parts complete no other.
    other.try_complete(&other.completion(&sent)).await.refused(ErrorCode::PartMissing);
    upload.complete(&sent).await;
    // A token that has done its work does nothing more.
    assert_eq!(upload.complete(&sent).await.key, upload.grant.key);
    upload.abort().await.refused(ErrorCode::AlreadyCompleted);
    upload.assert_stored().await;
}
