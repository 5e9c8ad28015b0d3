//! What those who run the server ask it: is it ready, and how much has it done?

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use partway_s3::bucket::Sweeping;
use partway_server::config::{DestinationConfig, Settings};
use partway_server::stores::OpenStores;

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
    for path in ["/metrics", "/docs", "/openapi.json", "/healthz", "/readyz"] {
        assert_eq!(Answer::to(app.http.get(format!("{elsewhere}{path}"))).await.status, 200, "{path}");
    }
    let other = Answer::to(app.http.post(format!("{elsewhere}/v1/uploads"))).await;
    other.refused(ErrorCode::NotFound);
}

/// Behind a proxy on the same machine everybody comes from a loopback address.
#[tokio::test]
async fn what_is_the_operators_is_not_for_whom_a_proxy_passes_on() {
    const PATHS: [&str; 5] = ["/metrics", "/openapi.json", "/docs", "/docs/docs.js", "/docs/docs.css"];
    let allow =
        |settings: &mut Settings| settings.server.allowed_hosts = vec!["upload.example.com".to_owned()];
    let (app, open) = (
        TestApp::with(allow).await,
        TestApp::with(|settings| {
            allow(settings);
            settings.operations.public = true;
        })
        .await,
    );
    for path in PATHS {
        assert_eq!(app.get(path).await.status, 200, "{path}");
        for (name, value) in
            [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("host", "upload.example.com")]
        {
            let passed_on = Answer::to(app.request(Method::GET, path).header(name, value)).await;
            let problem = passed_on.refused(ErrorCode::NotFound);
            assert!(problem.detail.contains("operations.listen"), "{problem}");
            let public = Answer::to(open.request(Method::GET, path).header(name, value)).await;
            assert_eq!(public.status, 200, "{path}");
        }
    }
    let proxied = app.request(Method::GET, "/healthz").header("x-forwarded-for", "192.0.2.1");
    assert_eq!(Answer::to(proxied).await.status, 200, "monitors may be elsewhere");
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
    let ids = [app.get("/healthz").await, app.get("/nothing").await, app.list_of("x").await]
        .map(|answer| answer.header("x-request-id").unwrap().to_owned());
    assert!(ids.iter().all(|id| id.len() == 36) && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

/// Two destinations in one bucket, and one in another.
fn three_destinations(settings: &mut Settings) {
    let brief = Duration::from_secs(60 * 60);
    for (name, bucket, token_lifetime) in
        [("films", None, None), ("notes", None, Some(brief)), ("photos", Some("photos"), Some(brief))]
    {
        let bucket = bucket.map(str::to_owned);
        let config = DestinationConfig { bucket, token_lifetime, ..DestinationConfig::default() };
        settings.destinations.insert(name.to_owned(), config);
    }
}

#[tokio::test]
async fn each_destination_counts_for_itself() {
    let app = TestApp::with(three_destinations).await;
    let to = |name: &str| NewUpload { destination: Some(name.to_owned()), ..NewUpload::default() };
    for (name, size) in [("films", PART + 1), ("photos", 10)] {
        let file = NewUpload { name: "a".to_owned(), ..to(name) };
        let upload = app.begin_as(file, vec![7; size]).await;
        upload.complete(&upload.send_all().await).await;
    }
    let refused = app.create(vec![to("photos"), NewUpload { name: "a".to_owned(), ..to("made-up") }]).await;
    assert!(refused.iter().all(|created| matches!(created, CreatedUpload::Refused(_))), "{refused:?}");
    let text = app.get("/metrics").await.text();
    for line in [
        r#"partway_uploads_total{destination="films",outcome="completed"} 1"#,
        r#"partway_uploads_total{destination="photos",outcome="completed"} 1"#,
        r#"partway_uploads_total{destination="photos",outcome="refused"} 1"#,
        r#"partway_uploaded_bytes_total{destination="photos"} 10"#,
        r#"partway_store_call_seconds_count{destination="films",operation="complete_upload",outcome="ok"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("made-up"), "names of clients are no labels");
    let ready = app.get("/readyz").await.text();
    assert_eq!(
        ready,
        r#"{"status":"ready","stores":[{"name":"films,notes","status":"ready"},{"name":"photos","status":"ready"}]}"#
    );
}

#[tokio::test]
async fn a_bucket_is_looked_after_once_and_by_its_longest_lifetime() {
    let behind = TestApp::with(three_destinations).await;
    let data = tempfile::tempdir().unwrap();
    let mut settings = settings(&data);
    before(&behind.store_origin, behind.secret_access_key())(&mut settings);
    three_destinations(&mut settings);
    settings.uploads.key_prefix = "ours/".to_owned();
    let open = OpenStores::open(&settings).await.unwrap();
    let seen: Vec<_> = open
        .buckets
        .iter()
        .map(|bucket| (bucket.label.as_str(), bucket.name.as_str(), bucket.token_lifetime.as_secs() / 3_600))
        .collect();
    assert_eq!(seen, [("films,notes", BUCKET, 7 * 24), ("photos", "photos", 1)]);
    assert!(
        open.buckets
            .iter()
            .all(|store| store.sweeping == Sweeping::Everything && store.key_prefix == "ours/")
    );
}
