//! What a monitor asks.

use crate::support::*;

#[tokio::test]
async fn health_is_answered_to_get_and_head() {
    let app = TestApp::start().await;
    let answer = app.get("/healthz").await;
    assert_eq!(answer.status, 200);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }));
    let head = app.call(Method::HEAD, "/healthz").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), answer.header("content-length"));
}
