//! Traces, as a collector gets them. `just check-otel` runs this, since it takes the feature `otel`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "../routes/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the routes' tests use more of it")]
mod support;

use actix_web::HttpResponse;
use partway_server::config::LogFormat;
use partway_server::telemetry;
use secrecy::ExposeSecret as _;
use support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_spans_and_no_secrets() {
    let collector = Peer::start(|_| HttpResponse::Ok().finish());
    let endpoint = format!("{}/v1/traces", collector.url);
    // As chatty as it can be made.
    let traces = telemetry::init_traced("trace", LogFormat::Text, Some(&endpoint)).unwrap();

    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", PART + 1).await;
    let signed = upload.sign([1, 2]).await;
    let sent = upload.send_all().await;
    upload.try_complete(&upload.completion(&[])).await.refused(ErrorCode::PartMissing);
    upload.complete(&sent).await;
    app.get("/v1/uploads/nothing").await.refused(ErrorCode::NotFound);
    traces.finish().await;

    let calls = collector.calls();
    assert!(!calls.is_empty() && calls.iter().all(|call| call.path == "/v1/traces"));
    assert!(calls.iter().all(|call| call.header("content-type") == Some("application/x-protobuf")));
    // Strings stand in it as they are.
    let told: String = calls.iter().map(|call| String::from_utf8_lossy(&call.body)).collect();
    for name in [
        "service.name",
        "partway",
        "POST /v1/uploads",
        "POST /v1/uploads/sign",
        "POST /v1/uploads/complete",
        "upload completed",
        &upload.grant.key,
    ] {
        assert!(told.contains(name), "{name} is in no span");
    }
    let secret = app.secret_access_key();
    let mut hidden = vec![
        TOKEN_SECRET,
        secret.expose_secret(),
        "X-Amz-Signature",
        "X-Amz-Credential",
        env!("CARGO_MANIFEST_DIR"),
    ];
    hidden.extend(upload.grant.token.split('.'));
    hidden.extend(signed.iter().map(|put| put.url.rsplit('=').next().unwrap()));
    for hidden in hidden {
        assert!(hidden.len() > 10 && !told.contains(hidden), "{hidden} is in a span");
    }
}

#[test]
fn what_is_no_address_of_a_collector_is_refused() {
    for endpoint in ["", "collector:4318", "https://collector.example.com/v1/traces"] {
        let error = telemetry::init_traced("info", LogFormat::Text, Some(endpoint)).unwrap_err().to_string();
        assert!(error.starts_with("operations.otlp_endpoint: "), "{error}");
    }
}
