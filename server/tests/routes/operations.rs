//! What those who run the server ask it: is it ready, and how much has it done?

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::support::*;

#[tokio::test]
async fn metrics_count_what_became_of_uploads() {
    let app = TestApp::start().await;
    app.begin("film.mp4", PART + 1).await.finish().await;
    app.begin("other.mp4", 100).await.abort().await;
    let refused = app.create(vec![file("large.bin", u64::MAX), file("small.bin", 1)]).await;
    assert!(matches!(refused[0], CreatedUpload::Refused(_)));
    app.get("/nothing").await.refused(ErrorCode::NotFound);
    let answer = app.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text();
    for line in [
        r#"partway_uploads_total{destination="default",outcome="created"} 3"#,
        r#"partway_uploads_total{destination="default",outcome="refused"} 1"#,
        r#"partway_uploads_total{destination="default",outcome="completed"} 1"#,
        r#"partway_uploads_total{destination="default",outcome="aborted"} 1"#,
        &format!(r#"partway_uploaded_bytes_total{{destination="default"}} {}"#, PART + 1),
        r#"partway_store_call_seconds_count{destination="default",operation="complete_upload",outcome="ok"} 1"#,
        r#"partway_http_request_seconds_count{method="POST",route="/v1/uploads",status="201"} 3"#,
        r#"route="(none)",status="404"} 1"#,
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("film"), "nothing tells what was uploaded");
}

#[tokio::test]
async fn metrics_can_be_elsewhere_or_nowhere() {
    let app = TestApp::with(|settings| settings.operations.metrics = false).await;
    app.get("/metrics").await.refused(ErrorCode::NotFound);
    let any_port = "127.0.0.1:0".parse().unwrap();
    let app = TestApp::with(|settings| settings.operations.listen = Some(any_port)).await;
    app.get("/metrics").await.refused(ErrorCode::NotFound);
    let elsewhere = app.operations_url.clone().unwrap();
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(Answer::to(app.http.get(format!("{elsewhere}{path}"))).await.status, 200, "{path}");
    }
    let other = Answer::to(app.http.post(format!("{elsewhere}/v1/uploads"))).await;
    other.refused(ErrorCode::NotFound);
}

#[tokio::test]
async fn ready_is_who_has_a_store() {
    let behind = TestApp::start().await;
    let answer = behind.get("/readyz").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, READY));

    let state = Arc::new(AtomicU16::new(0));
    let seen = Arc::clone(&state);
    let lax = LaxStore::before(&behind, move |_, _| match seen.load(Ordering::Relaxed) {
        0 => Manners::Keeps,
        status => Manners::Refuses(status),
    });
    let app = TestApp::with(before(&lax.endpoint, behind.secret_access_key())).await;
    assert_eq!(app.get("/readyz").await.status, 200);
    for (status, code) in [(403, "store_denied"), (503, "store_unavailable"), (0, "ready")] {
        state.store(status, Ordering::Relaxed);
        let changes = async {
            // The last answer is good for some seconds.
            while !app.get("/readyz").await.text().contains(&format!(r#""name":"default","status":"{code}""#))
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), changes)
            .await
            .unwrap_or_else(|_| panic!("never {code}"));
        assert_eq!(app.get("/readyz").await.status, if code == "ready" { 200 } else { 503 });
    }
    assert_eq!(app.get("/healthz").await.status, 200);
}

const READY: &str = r#"{"status":"ready","stores":[{"name":"default","status":"ready"}]}"#;

#[tokio::test]
async fn each_answer_has_an_id_of_its_own() {
    let app = TestApp::start().await;
    let ids = [app.get("/healthz").await, app.get("/nothing").await, app.get("/v1/uploads/x/parts").await]
        .map(|answer| answer.header("x-request-id").unwrap().to_owned());
    assert!(ids.iter().all(|id| id.len() == 36) && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}
