//! Requests that are refused: each says which field and why, and an upload under way survives it.

use crate::support::*;

const ROUTES: [&str; 5] =
    ["/v1/uploads", "/v1/uploads/sign", "/v1/uploads/list", "/v1/uploads/complete", "/v1/uploads/abort"];

/// A body that is not what the route takes: the code, the field to blame, and a word of the reason.
type Case = (serde_json::Value, ErrorCode, &'static str, &'static str);

async fn all_refused(app: &TestApp, path: &str, cases: impl IntoIterator<Item = Case>) {
    for (body, code, field, reason) in cases {
        let problem = app.post(path, &body).await.refused(code);
        assert_eq!(problem.field.as_deref().unwrap_or_default(), field, "{body}");
        assert!(problem.detail.contains(reason), "{body} gave {:?}", problem.detail);
    }
}

#[tokio::test]
async fn a_create_request_that_is_wrong() {
    let app = TestApp::start().await;
    let good = CreateUploads { files: vec![file("a.bin", 100), file("b.bin", 100)] };
    let with = |pointer: &str, value: serde_json::Value| changed(&good, pointer, value);
    let (unknown, invalid) = (ErrorCode::UnknownField, ErrorCode::InvalidField);
    let cases = [
        (with("/bucket", json!("photos")), unknown, "bucket", "unknown field"),
        (with("/files/1/key", json!("admin/config")), unknown, "files[1].key", "unknown field"),
        (with("/files/1/Size", json!(1)), unknown, "files[1].Size", "unknown field"),
        (with("/files/1/acl", json!({ "a": { "b": [] } })), unknown, "files[1].acl", "unknown field"),
        (with("/files/1/size", json!(-1)), invalid, "files[1].size", "-1"),
        (with("/files/1/size", json!(1.5)), invalid, "files[1].size", "1.5"),
        (with("/files/1/size", json!(1e3)), invalid, "files[1].size", "1000.0"),
        (with("/files/1/size", json!("100")), invalid, "files[1].size", "string"),
        (with("/files/1/size", json!(true)), invalid, "files[1].size", "boolean"),
        (with("/files/1/name", json!(7)), invalid, "files[1].name", "7"),
        (with("/files/1/part_size", json!(-5)), invalid, "files[1].part_size", "-5"),
        (with("/files/1/last_modified", json!("today")), invalid, "files[1].last_modified", "string"),
        (with("/files/1/checksums", json!(["AAAA"])), invalid, "files[1].checksums[0]", "eight bytes"),
        (with("/files/1/checksums", json!({})), invalid, "files[1].checksums", "map"),
        (with("/files/1", json!({ "size": 1 })), invalid, "files[1]", "missing field `name`"),
        (with("/files/1", json!([])), invalid, "files[1]", "sequence, expected an object"),
        (with("/files/1", json!(["b.bin", 100])), invalid, "files[1]", "sequence, expected an object"),
        (with("/files/1", json!("b.bin")), invalid, "files[1]", "string \"b.bin\", expected an object"),
        (json!([[{ "name": "a.bin", "size": 100 }]]), invalid, "", "sequence, expected an object"),
        (with("/files", json!([])), invalid, "files", "not 0"),
        (with("/files", json!(null)), invalid, "files", "null"),
        (json!({}), invalid, "", "missing field `files`"),
        (json!(null), invalid, "", "null"),
        (json!("files"), invalid, "", "string"),
    ];
    all_refused(&app, "/v1/uploads", cases).await;
    assert!(app.open_uploads().await.is_empty(), "nothing was begun");
    assert_eq!(app.create(good.files).await.len(), 2);
}

#[tokio::test]
async fn a_request_for_signatures_that_is_wrong() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", PART + 1).await;
    upload.send([1]).await;
    let parts = vec![upload.to_sign(1), upload.to_sign(2)];
    let good = SignParts { token: upload.token(), parts, strategy: None };
    let with = |pointer: &str, value: serde_json::Value| changed(&good, pointer, value);
    let (unknown, invalid) = (ErrorCode::UnknownField, ErrorCode::InvalidField);
    let number = "parts[1].part_number";
    let checksum = "parts[1].checksum";
    let cases = [
        (with("/key", json!("a")), unknown, "key", "unknown field"),
        (with("/parts/1/length", json!(9)), unknown, "parts[1].length", "unknown field"),
        (with("/parts/1/part_number", json!(0)), invalid, number, "from 1 to 10000, not 0"),
        (with("/parts/1/part_number", json!(10_001)), invalid, number, "from 1 to 10000, not 10001"),
        (with("/parts/1/part_number", json!(-1)), invalid, number, "-1"),
        (with("/parts/1/part_number", json!(1.5)), invalid, number, "1.5"),
        (with("/parts/1/part_number", json!(1_u64 << 32)), invalid, number, "4294967296"),
        (with("/parts/1/part_number", json!("2")), invalid, number, "string"),
        (with("/parts/1/part_number", json!(3)), ErrorCode::PartOutOfPlan, number, "2 parts, and no part 3"),
        (with("/parts/1/part_number", json!(1)), ErrorCode::PartDuplicate, number, "part 1 is given twice"),
        (with("/parts/1/checksum", json!("rosUhgp5mI")), invalid, checksum, "eight bytes"),
        (with("/parts/1/checksum", json!("rosUhgp5mIgA")), invalid, checksum, "eight bytes"),
        (with("/parts/1/checksum", json!("ros-hgp5m_g=")), invalid, checksum, "eight bytes"),
        (with("/parts/1/checksum", json!("")), invalid, checksum, "eight bytes"),
        (with("/parts/1/checksum", json!(7)), invalid, checksum, "7"),
        (with("/parts/1/checksum", json!(null)), invalid, checksum, "CRC64NVME"),
        (with("/parts/1", json!({ "checksum": null })), invalid, "parts[1]", "missing field `part_number`"),
        (with("/parts/1", json!([2, null])), invalid, "parts[1]", "sequence, expected an object"),
        (with("/parts", json!([])), invalid, "parts", "not 0"),
        (with("/parts", json!(vec![upload.to_sign(1); 1_001])), invalid, "parts", "not 1001"),
    ];
    all_refused(&app, "/v1/uploads/sign", cases).await;
    upload.finish().await;
}

#[tokio::test]
async fn a_completion_that_is_wrong() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", PART + 1).await;
    let one = upload.completion(&upload.send_all().await);
    let good = CompleteUploads { uploads: vec![one.clone()] };
    let with = |pointer: &str, value: serde_json::Value| changed(&good, pointer, value);
    let (unknown, invalid) = (ErrorCode::UnknownField, ErrorCode::InvalidField);
    let cases = [
        (with("/key", json!("a")), unknown, "key", "unknown field"),
        (with("/uploads/0/key", json!("a")), unknown, "uploads[0].key", "unknown field"),
        (with("/uploads/0/parts/1/size", json!(1)), unknown, "uploads[0].parts[1].size", "unknown field"),
        (with("/uploads/0/parts/1/etag", json!(7)), invalid, "uploads[0].parts[1].etag", "7"),
        (
            with("/uploads/0/parts/1/part_number", json!("2")),
            invalid,
            "uploads[0].parts[1].part_number",
            "string",
        ),
        (
            with("/uploads/0/parts/1", json!({ "part_number": 2 })),
            invalid,
            "uploads[0].parts[1]",
            "missing field `etag`",
        ),
        (
            with("/uploads/0/parts/1", json!([2, "x"])),
            invalid,
            "uploads[0].parts[1]",
            "sequence, expected an object",
        ),
        (
            with("/uploads/0", json!([one.token, one.parts])),
            invalid,
            "uploads[0]",
            "sequence, expected an object",
        ),
        (with("/uploads/0/checksum", json!("short")), invalid, "uploads[0].checksum", "eight bytes"),
        (with("/uploads/0/checksum", json!({ "a": "CRC64NVME" })), invalid, "uploads[0].checksum", "map"),
        (with("/uploads/0", json!({ "token": "a" })), invalid, "uploads[0]", "missing field `parts`"),
        (with("/uploads/0", json!({ "parts": [] })), invalid, "uploads[0]", "missing field `token`"),
        (json!({}), invalid, "", "missing field `uploads`"),
    ];
    all_refused(&app, "/v1/uploads/complete", cases).await;
    assert!(!app.exists(&upload.grant.key).await);
    upload.finish().await;
}

#[tokio::test]
async fn a_body_that_is_not_json() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    upload.send_all().await;
    for path in ROUTES {
        for body in ["", "{", "{]", "parts=1", "\u{feff}{}", "{\"a\u{0}\":1}", "{'files':[]}"] {
            let problem = app.post_text(path, body).await.refused(ErrorCode::InvalidJson);
            assert!(problem.detail.contains("line 1 column"), "{body:?} gave {:?}", problem.detail);
        }
        app.post_text(path, &b"{\"\xff\":1}"[..]).await.refused(ErrorCode::InvalidJson);
        let deep = ["{\"files\":", &"[".repeat(60_000)].concat();
        let answer = app.post_text(path, deep).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        for kind in
            [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")]
        {
            let request = app.request(Method::POST, path).body("{}");
            let request =
                kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
            Answer::to(request).await.refused(ErrorCode::UnsupportedMediaType);
        }
    }
    let twice = "{\"files\":[{\"name\":\"a\",\"size\":1}]} {}";
    app.post_text("/v1/uploads", twice).await.refused(ErrorCode::InvalidJson);
    let request =
        app.request(Method::POST, "/v1/uploads").header("content-type", "Application/JSON; charset=UTF-8");
    let files = CreateUploads { files: vec![file("a", 1)] };
    let answer = Answer::to(request.body(serde_json::to_vec(&files).unwrap())).await;
    answer.is::<CreatedUploads>(201);
    upload.finish().await;
}

#[tokio::test]
async fn a_body_over_the_limit() {
    let app = TestApp::with(|settings| settings.server.max_body = bytesize::ByteSize::kib(64)).await;
    let upload = app.begin("a.bin", 100).await;
    upload.send_all().await;
    let files = serde_json::to_string(&CreateUploads { files: vec![file("a", 1)] }).unwrap();
    let fits = files.clone() + &" ".repeat(64 * KIB - files.len());
    app.post_text("/v1/uploads", fits).await.is::<CreatedUploads>(201);
    for path in ROUTES {
        for size in [64 * KIB + 1, 8 * MIB] {
            let problem = app.post_text(path, " ".repeat(size)).await.refused(ErrorCode::BodyTooLarge);
            assert!(problem.detail.contains("65536"), "{}", problem.detail);
            // Without a length that could be looked at first.
            let chunks =
                (0..size).step_by(KIB).map(|at| Ok::<_, std::io::Error>(vec![b' '; KIB.min(size - at)]));
            let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks.collect::<Vec<_>>()));
            app.post_text(path, chunked).await.refused(ErrorCode::BodyTooLarge);
        }
    }
    upload.finish().await;
}

/// What a client sent comes back in the reason, but not all of a megabyte of it.
#[tokio::test]
async fn a_reason_is_short() {
    let app = TestApp::start().await;
    let long = "x".repeat(MIB);
    let good = CreateUploads { files: vec![file("a", 1)] };
    for (pointer, value) in [
        (format!("/{long}"), json!(1)),
        (format!("/files/0/{long}"), json!(1)),
        ("/files/0/size".to_owned(), json!(long)),
        ("/files/0/destination".to_owned(), json!(long)),
    ] {
        let answer = app.post("/v1/uploads", &changed(&good, &pointer, value)).await;
        assert!(answer.body.len() < 4 * KIB, "{} bytes about {:.40}", answer.body.len(), pointer);
    }
}

#[tokio::test]
async fn where_there_is_nothing() {
    let app = TestApp::start().await;
    for path in [
        "/v1",
        "/v1/uploads/",
        "/v1/uploads//parts",
        "/v1/uploads/a/b",
        "/v2/uploads",
        "/widget/none.js",
        "/%ff",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = app.call(method.clone(), path).await;
            if answer.status != 405 {
                answer.refused(ErrorCode::NotFound);
            }
        }
        app.get(path).await.refused(ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take() {
    let app = TestApp::start().await;
    for (path, allowed) in [
        ("/healthz", "GET, HEAD"),
        ("/v1/uploads", "POST"),
        ("/v1/uploads/sign", "POST"),
        ("/v1/uploads/list", "POST"),
        ("/v1/uploads/complete", "POST"),
        ("/v1/uploads/abort", "POST"),
    ] {
        for method in [Method::PUT, Method::PATCH, Method::OPTIONS] {
            let answer = app.call(method, path).await;
            answer.refused(ErrorCode::MethodNotAllowed);
            assert_eq!(answer.header("allow"), Some(allowed), "{path}");
        }
        let head = app.call(Method::HEAD, path).await;
        assert_eq!((head.status == 405, head.body.len()), (!allowed.contains("HEAD"), 0), "{path}");
    }
}
