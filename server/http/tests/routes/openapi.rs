//! The description of the API: as it was agreed on, and as the server behaves.

use std::path::Path;

use serde_json::Value;

use crate::support::*;

/// Where the agreed one is; `UPDATE_SNAPSHOTS=1` writes it anew.
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[tokio::test]
async fn the_description_is_the_agreed_one() {
    let app = TestApp::start().await;
    let described = app.get("/openapi.json").await;
    assert_eq!((described.status, described.header("content-type")), (200, Some("application/json")));
    let described = format!("{}\n", described.text());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, &described).unwrap();
    }
    let agreed = std::fs::read_to_string(Path::new(SNAPSHOT)).unwrap();
    assert!(
        described == agreed,
        "the API has changed: look at the difference to server/http/openapi.json after UPDATE_SNAPSHOTS=1"
    );
}

#[tokio::test]
async fn every_route_is_described_and_every_described_one_is_there() {
    let app = TestApp::start().await;
    let api: Value = serde_json::from_slice(&app.get("/openapi.json").await.body).unwrap();
    assert_eq!(api["openapi"], "3.1.0");
    let text = api.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(api.pointer(reference).is_some(), "{reference} is not there");
    }
    let paths = api["paths"].as_object().unwrap();
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = app.call(method.clone(), path).await;
            assert!(![404, 405].contains(&answer.status), "{method} {path}: {}", answer.text());
        }
    }
    for below in ["", "/sign", "/list", "/complete", "/abort"] {
        assert!(paths.contains_key(&format!("/v1/uploads{below}")), "{below}");
    }
    for below in ["", "/sign", "/look", "/delete", "/content"] {
        assert!(paths.contains_key(&format!("/v1/objects{below}")), "{below}");
    }
    // A link is what it is by its path.
    let telling: Vec<_> = paths.keys().filter(|path| path.contains('{')).collect();
    assert_eq!(telling, ["/l/{token}"], "a path that tells one upload would be in every log");
    let codes = api["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    assert_eq!(codes.len(), ErrorCode::ALL.iter().filter(|code| code.spec().status.is_some()).count());
    assert_eq!(api["components"]["schemas"]["NewUpload"]["additionalProperties"], false);
}

#[tokio::test]
async fn the_page_to_try_it_is_there_and_can_be_left_out() {
    let app = TestApp::start().await;
    let page = app.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    for named in ["docs/docs.js", "docs/docs.css", "openapi.json"] {
        assert!(page.text().contains(&format!("\"{named}\"")), "{named}");
        assert_eq!(app.get(&format!("/{named}")).await.status, 200, "{named}");
    }
    for elsewhere in ["http://", "https://", "<script>", " style=", " onclick="] {
        assert!(!page.text().contains(elsewhere), "{elsewhere}");
    }
    let app = TestApp::with(|settings| settings.operations.docs = false).await;
    for path in ["/docs", "/docs/docs.js", "/openapi.json"] {
        app.get(path).await.refused(ErrorCode::NotFound);
    }
}
