//! Host names: a page elsewhere that lets its name point to this machine gets no answer.

use crate::support::*;

const NAME: &str = "upload.example.com";

async fn called(app: &TestApp, host: &str, method: Method, path: &str) -> Answer {
    Answer::to(app.request(method, path).header("host", host).json(&json!({ "files": [] }))).await
}

#[tokio::test]
async fn other_names_are_not_answered_to() {
    let app = TestApp::with(|settings| settings.server.allowed_hosts = vec![NAME.to_owned()]).await;
    let port = app.url.rsplit(':').next().unwrap();
    for host in
        ["rebound.example", &format!("rebound.example:{port}"), "localhost.rebound.example", "192.0.2.1"]
    {
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/healthz"),
            (Method::GET, "/widget/index.js"),
            (Method::POST, "/v1/uploads"),
            (Method::POST, "/v1/uploads/abort"),
            (Method::OPTIONS, "/v1/uploads"),
            (Method::GET, "/nothing"),
        ] {
            let answer = called(&app, host, method, path).await;
            let problem = answer.refused(ErrorCode::HostNotAllowed);
            assert_eq!(answer.status, 421);
            assert!(
                problem.detail.contains(host) && problem.detail.contains("server.allowed_hosts"),
                "{problem}"
            );
        }
    }
    let long = called(&app, &format!("{}.example", "x".repeat(5_000)), Method::GET, "/").await;
    assert!(long.body.len() < KIB, "what comes back of a long name is short");
}

#[tokio::test]
async fn its_own_names_are() {
    let app = TestApp::with(|settings| settings.server.allowed_hosts = vec![NAME.to_owned()]).await;
    for host in ["127.0.0.1", "localhost", "localhost:1", "[::1]:8080", NAME, "UPLOAD.example.com:443"] {
        assert_eq!(called(&app, host, Method::GET, "/healthz").await.status, 200, "{host}");
        called(&app, host, Method::POST, "/v1/uploads").await.refused(ErrorCode::InvalidField);
    }
}
