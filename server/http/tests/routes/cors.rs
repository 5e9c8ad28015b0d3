//! Pages of other origins: those that are configured may call the server, others may not.

use crate::support::*;

const PAGE: &str = "https://app.example.com";

async fn embedded_in_page() -> TestApp {
    TestApp::with(|settings| settings.server.allowed_origins = vec![PAGE.to_owned()]).await
}

async fn preflight(app: &TestApp, path: &str, origin: &str, method: &str) -> Answer {
    let request = app.request(Method::OPTIONS, path).header("origin", origin);
    let request = request.header("access-control-request-method", method);
    Answer::to(request.header("access-control-request-headers", "content-type,authorization")).await
}

#[tokio::test]
async fn an_allowed_page_may_call_every_route() {
    let app = embedded_in_page().await;
    for (path, method) in [
        ("/v1/uploads", "POST"),
        ("/v1/uploads/sign", "POST"),
        ("/v1/uploads/list", "POST"),
        ("/v1/uploads/complete", "POST"),
        ("/v1/uploads/abort", "POST"),
    ] {
        let answer = preflight(&app, path, PAGE, method).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(PAGE)));
        assert!(answer.header("access-control-allow-methods").unwrap().contains(method));
        assert_eq!(answer.header("access-control-allow-headers"), Some("content-type,authorization"));
        assert_eq!(
            answer.header("access-control-max-age"),
            Some("7200"),
            "a preflight for each call is slow"
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true"),
            "the widget sends cookies"
        );
    }
    let other_method = preflight(&app, "/v1/uploads", PAGE, "PUT").await;
    other_method.refused(ErrorCode::MethodNotAllowed);
    assert_eq!(other_method.header("access-control-allow-origin"), None);
}

/// A page that cannot read a refusal could not tell anybody why.
#[tokio::test]
async fn an_allowed_page_can_read_answers_and_refusals() {
    let app = embedded_in_page().await;
    let refused =
        app.request(Method::POST, "/v1/uploads").header("content-type", "application/json").body("{");
    let missing = app.request(Method::GET, "/v1/nothing");
    let wrong_method = app.request(Method::PUT, "/v1/uploads");
    let fine = app.request(Method::POST, "/v1/uploads").json(&CreateUploads { files: vec![file("a", 1)] });
    for (request, status) in [(refused, 400), (missing, 404), (wrong_method, 405), (fine, 201)] {
        let answer = Answer::to(request.header("origin", PAGE)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("retry-after") && exposed.contains("x-request-id"), "{exposed}");
        assert!(
            answer.header("vary").unwrap().to_ascii_lowercase().contains("origin"),
            "caches keep them apart"
        );
    }
}

#[tokio::test]
async fn other_pages_get_no_leave() {
    for app in [embedded_in_page().await, TestApp::start().await] {
        for origin in [
            "https://evil.example.com",
            "http://app.example.com",
            "https://app.example.com.evil.test",
            "null",
        ] {
            let answer = preflight(&app, "/v1/uploads", origin, "POST").await;
            let problem = answer.refused(ErrorCode::OriginNotAllowed);
            assert!(problem.detail.contains("Origin"), "{problem}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
            let answer = Answer::to(app.request(Method::GET, "/healthz").header("origin", origin)).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        }
    }
}

#[tokio::test]
async fn pages_below_a_domain_and_of_no_origin_may_be_allowed() {
    let named = ["https://*.example.com".to_owned(), "null".to_owned()];
    let app = TestApp::with(|settings| settings.server.allowed_origins = named.to_vec()).await;
    for origin in ["https://a.example.com", "https://a.b.example.com", "null"] {
        let answer = preflight(&app, "/v1/uploads", origin, "POST").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)));
    }
    for origin in ["https://example.com", "https://a.example.com.evil.test", "http://a.example.com"] {
        preflight(&app, "/v1/uploads", origin, "POST").await.refused(ErrorCode::OriginNotAllowed);
    }
}

/// Browsers send the header with requests of the page's own origin too, which needs no entry.
#[tokio::test]
async fn the_servers_own_page_needs_no_leave() {
    let app = TestApp::start().await;
    let request = app.request(Method::POST, "/v1/uploads").header("origin", &app.url);
    Answer::to(request.json(&CreateUploads { files: vec![file("a", 1)] })).await.is::<CreatedUploads>(201);
}

/// Any page may embed the widget; what it may upload is asked elsewhere.
#[tokio::test]
async fn the_widget_is_for_every_page() {
    let app = TestApp::start().await;
    let answer = Answer::to(app.request(Method::GET, "/widget/index.js").header("origin", PAGE)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
}

/// CORS keeps a page from reading an answer; by then the request would have been carried out.
#[tokio::test]
async fn a_foreign_page_changes_nothing() {
    let app = embedded_in_page().await;
    let upload = app.begin("a.bin", 100).await;
    upload.send_all().await;
    let abort = AbortUpload { token: upload.token() };
    for (header, value) in [
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("origin", "https://app.example.com.evil.test"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in [
            "/v1/uploads",
            "/v1/uploads/sign",
            "/v1/uploads/list",
            "/v1/uploads/complete",
            "/v1/uploads/abort",
        ] {
            let request = app.request(Method::POST, path).header(header, value);
            let answer = Answer::to(request.json(&abort)).await;
            answer.refused(ErrorCode::OriginNotAllowed);
            assert_eq!(answer.header("access-control-allow-origin"), None, "{header}: {value}");
        }
    }
    for own in [PAGE, &app.url] {
        let request = app.request(Method::POST, "/v1/uploads/list").header("origin", own);
        let list = ListParts { token: upload.token() };
        Answer::to(request.json(&list)).await.is::<ListedParts>(200);
    }
    upload.finish().await;
}
