//! What browsers and hostile clients meet: signatures, lengths, forms, CORS, refusals of requests
//! with large bodies.

use std::time::{Duration, SystemTime};

use crate::support::*;
use aws_sdk_s3::presigning::PresigningConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

async fn put_url(store: &TestStore, key: &str, length: Option<i64>) -> (String, String) {
    let put = store.client.put_object().bucket(BUCKET).key(key).set_content_length(length);
    let signed = put.presigned(presigned()).await.unwrap();
    let headers = signed.headers().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    (target(signed.uri()).to_owned(), headers)
}

fn send(store: &TestStore, path: &str, headers: &str, body: &[u8]) -> std::io::Result<String> {
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}\r\n", store.addr);
    raw(store.addr, &head, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_length_is_enforced() {
    let store = TestStore::start();
    let (path, _) = put_url(&store, "a", Some(10)).await;
    for length in [9_usize, 11] {
        let answer =
            send(&store, &path, &format!("content-length: {length}\r\n"), &vec![b'x'; length]).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert_eq!(code(&answer), "SignatureDoesNotMatch");
    }
    let chunked = send(&store, &path, "transfer-encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n").unwrap();
    assert!(chunked.starts_with("HTTP/1.1 4"), "{chunked}");
    assert!(store.keys().await.is_empty());
    store.settles_at(0).await;
    let answer = send(&store, &path, "content-length: 10\r\n", b"0123456789").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Without a length there is nothing to hold the client to.
    let (path, _) = put_url(&store, "b", None).await;
    let chunked = send(&store, &path, "transfer-encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n").unwrap();
    assert_eq!((&chunked[9..12], code(&chunked)), ("411", "MissingContentLength"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_short_leaves_nothing() {
    let store = TestStore::start();
    let (path, _) = put_url(&store, "a", None).await;
    for sent in [0, 10, 3 * MIB] {
        let head =
            format!("PUT {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n", store.addr, 4 * MIB);
        let mut stream = std::net::TcpStream::connect(store.addr).unwrap();
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        std::io::Write::write_all(&mut stream, &vec![1; sent]).unwrap();
        drop(stream);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    store.settles_at(0).await;
    assert!(store.keys().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_tampered_and_foreign_urls_are_refused() {
    let store = TestStore::start();
    let past = PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_secs(7200))
        .expires_in(Duration::from_secs(60))
        .build()
        .unwrap();
    let put = store.client.put_object().bucket(BUCKET).key("a");
    let expired = put.presigned(past).await.unwrap();
    let refused = |path: &str, headers: &str| {
        let answer = send(&store, path, &format!("content-length: 1\r\n{headers}"), b"x").unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}\n{answer}");
        code(&answer).to_owned()
    };
    assert_eq!(refused(target(expired.uri()), ""), "AccessDenied");
    let (path, _) = put_url(&store, "a", None).await;
    refused(&path.replace("/a?", "/b?"), "");
    refused(&path.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), "");
    // An unsigned header must not turn a put into a copy.
    store.put("secret", b"secret").await;
    assert_eq!(refused(&path, &format!("x-amz-copy-source: /{BUCKET}/secret\r\n")), "AccessDenied");
    assert_eq!(refused(&path, "x-amz-acl: public-read\r\n"), "AccessDenied");
    refused("/uploads/a", "");
    let stranger = client(store.addr, "another secret").put_object().bucket(BUCKET).key("a").send().await;
    assert_eq!(stranger.refused(), ("SignatureDoesNotMatch".to_owned(), 403));
    assert_eq!(store.keys().await, ["secret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let store = TestStore::start();
    let body = vec![7; 48 * MIB];
    for (path, expected) in [
        (put_url(&store, "a", None).await.0.replace("/a?", "/b?"), "403"),
        ("/uploads/a?uploadId=none&partNumber=1".to_owned(), "403"),
    ] {
        let headers = format!("content-length: {}\r\norigin: http://page.example\r\n", body.len());
        let answer = send(&store, &path, &headers, &body).expect("the answer, not a reset");
        assert_eq!(&answer[9..12], expected, "{answer}");
        assert!(answer.contains("access-control-allow-origin: *"), "{answer}");
    }
    let late = store.client.upload_part().bucket(BUCKET).key("a").upload_id("none").part_number(1);
    let url = late.presigned(presigned()).await.unwrap();
    let headers = format!("content-length: {}\r\n", body.len());
    let answer = send(&store, target(url.uri()), &headers, &body).expect("the answer, not a reset");
    assert_eq!((&answer[9..12], code(&answer)), ("404", "NoSuchUpload"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cors() {
    let store = TestStore::with(|options| {
        options.allowed_origins =
            Origins::List(vec!["http://page.example".to_owned(), "https://*.page.example".to_owned()]);
    });
    let http = reqwest::Client::new();
    let (path, _) = put_url(&store, "a", None).await;
    let url = format!("http://{}{path}", store.addr);
    let preflight = |origin: &str| {
        let request = http.request(reqwest::Method::OPTIONS, &url).header("origin", origin);
        let request = request.header("access-control-request-method", "PUT");
        request.header("access-control-request-headers", "content-type,x-amz-checksum-crc64nvme").send()
    };
    let answer = preflight("http://page.example").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], "http://page.example");
    assert_eq!(answer.headers()["access-control-allow-headers"], "content-type,x-amz-checksum-crc64nvme");
    assert_eq!(answer.headers()["access-control-max-age"], "7200");
    assert!(answer.headers()["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    assert!(
        !preflight("http://other.example")
            .await
            .unwrap()
            .headers()
            .contains_key("access-control-allow-origin")
    );

    let answer = preflight("https://app.page.example").await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.page.example");
    let told = store.client.get_bucket_cors().bucket(BUCKET).send().await.unwrap().cors_rules.unwrap();
    assert_eq!(told[0].allowed_origins(), ["http://page.example", "https://*.page.example"]);

    let put = |url: &str| http.put(url).header("origin", "http://page.example").body("x").send();
    let answer = put(&url).await.unwrap();
    assert_eq!(answer.status(), 200);
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap().to_ascii_lowercase();
    for name in [
        "etag",
        "location",
        "x-amz-request-id",
        "x-amz-version-id",
        "content-range",
        "accept-ranges",
        "x-amz-checksum-crc64nvme",
    ] {
        assert!(exposed.split(',').any(|one| one.trim() == name), "{name} in {exposed}");
    }
    assert!(answer.headers().contains_key("etag") && answer.headers().contains_key("x-amz-request-id"));
    for bad in
        [url.replace("/a?", "/b?"), format!("http://{}/", store.addr), format!("http://{}/%ff", store.addr)]
    {
        let answer = put(&bad).await.unwrap();
        assert!(answer.status().is_client_error() || answer.status() == 501, "{bad}: {}", answer.status());
        assert_eq!(answer.headers()["access-control-allow-origin"], "http://page.example", "{bad}");
    }
    let any = TestStore::start();
    let answer = http
        .get(format!("http://{}/uploads", any.addr))
        .header("origin", "http://a.example")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["access-control-allow-origin"]),
        (403, &"*".parse().unwrap())
    );
}

/// A form as a browser sends it, its policy signed.
fn form(
    store: &TestStore,
    fields: &[(&str, &str)],
    conditions: &str,
    expires: &str,
    file: &[u8],
) -> (String, Vec<u8>) {
    let now = SystemTime::now();
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let date = aws_sdk_s3::primitives::DateTime::from_secs(seconds as i64);
    let text = date.fmt(aws_sdk_s3::primitives::DateTimeFormat::DateTime).unwrap();
    let long = text.replace(['-', ':'], "");
    let credential = format!("{ACCESS}/{}/{REGION}/s3/aws4_request", &long[..8]);
    let policy = STANDARD.encode(format!(
        r#"{{"expiration":"{expires}","conditions":[{{"bucket":"{BUCKET}"}},{{"x-amz-algorithm":"AWS4-HMAC-SHA256"}},
        {{"x-amz-credential":"{credential}"}},{{"x-amz-date":"{long}"}},{conditions}]}}"#
    ));
    let key = aws_sigv4::sign::v4::generate_signing_key(SECRET, now, REGION, "s3");
    let signature = aws_sigv4::sign::v4::calculate_signature(key, policy.as_bytes());
    let signed = [
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", &long),
        ("policy", &policy),
        ("x-amz-signature", &signature),
    ];
    let mut body = String::new();
    for (name, value) in fields.iter().copied().chain(signed) {
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"photo.png\"\r\n\
        Content-Type: image/png\r\n\r\n";
    let body = [body.as_bytes(), file, b"\r\n--edge--\r\n"].concat();
    let head = format!(
        "POST /{BUCKET} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=edge\r\n\
        content-length: {}\r\n\r\n",
        store.addr,
        body.len(),
    );
    (head, body)
}

/// The protocol layer would hold the file of a form of unknown length in memory, whoever sends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_nobody_signed_is_not_read() {
    let store = TestStore::with(|options| options.body_timeout = Duration::from_millis(300));
    let unsigned = "--edge\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nin/x\r\n--edge\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nthe beginning";
    let chunk = format!("{:x}\r\n{unsigned}\r\n", unsigned.len());
    for (length, body, expected) in [
        ("content-length: 5000000000", unsigned, ("403", "AccessDenied")),
        ("transfer-encoding: chunked", chunk.as_str(), ("411", "MissingContentLength")),
    ] {
        let head = format!(
            "POST /{BUCKET} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
            content-type: multipart/form-data; boundary=edge\r\n{length}\r\n\r\n",
            store.addr,
        );
        let answer = raw(store.addr, &head, body.as_bytes()).unwrap();
        assert_eq!((&answer[9..12], code(&answer)), expected, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms() {
    let store = TestStore::start();
    let conditions =
        r#"["starts-with","$key","in/"],["content-length-range",5,1000],{"success_action_status":"201"}"#;
    let fields = [("key", "in/${filename}"), ("success_action_status", "201")];
    let post = |fields: &[(&str, &str)], expires: &str, file: &[u8]| {
        let (head, body) = form(&store, fields, conditions, expires, file);
        raw(store.addr, &head, &body).unwrap()
    };
    let later = "2099-01-01T00:00:00Z";
    let answer = post(&fields, later, b"hello");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("etag: \"5d41402abc4b2a76b9719d911017c592\""), "{answer}");
    assert!(answer.contains("<Key>in/photo.png</Key>"), "{answer}");
    assert_eq!(store.get("in/photo.png").await, b"hello");
    for (fields, expires, file, expected) in [
        (&fields, later, &b"tiny"[..], "EntityTooSmall"),
        (&fields, later, &[b'x'; 1001], "EntityTooLarge"),
        (&fields, "2020-01-01T00:00:00Z", b"hello", "AccessDenied"),
        (&[("key", "out/x"), ("success_action_status", "201")], later, b"hello", "AccessDenied"),
        (&[("key", "in/x"), ("success_action_status", "200")], later, b"hello", "AccessDenied"),
    ] {
        let answer = post(fields, expires, file);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert_eq!(code(&answer), expected, "{answer}");
    }
    let (head, body) = form(&store, &fields, conditions, later, b"hello");
    let forged =
        String::from_utf8(body).unwrap().replace("x-amz-signature\"\r\n\r\n", "x-amz-signature\"\r\n\r\n0");
    let head = head.replace(
        &format!("content-length: {}", forged.len() - 1),
        &format!("content-length: {}", forged.len()),
    );
    let answer = raw(store.addr, &head, forged.as_bytes()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    let unsigned = "--edge\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nin/x\r\n--edge\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhello\r\n--edge--\r\n";
    let head = format!(
        "POST /{BUCKET} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=edge\r\n\
        content-length: {}\r\n\r\n",
        store.addr,
        unsigned.len(),
    );
    let answer = raw(store.addr, &head, unsigned.as_bytes()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(store.keys().await, ["in/photo.png"]);
    store.settles_at(1).await;
}
