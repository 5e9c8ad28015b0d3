//! Files that are not what they say are refused and removed.

use partway_server::config::DestinationConfig;

use crate::support::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const HTML: &[u8] = b"<!DOCTYPE html><script>alert(document.domain)</script>";

async fn sniffing() -> TestApp {
    let config = DestinationConfig { sniff: true, ..DestinationConfig::default() };
    TestApp::with(|settings| drop(settings.destinations.insert("default".to_owned(), config))).await
}

fn bytes(first: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = first.to_vec();
    bytes.resize(size.max(first.len()), 0);
    bytes
}

async fn begin<'a>(app: &'a TestApp, kind: &str, first: &[u8], size: usize) -> Upload<'a> {
    let image = NewUpload { content_type: Some(kind.to_owned()), ..file("a.png", 0) };
    app.begin_as(image, bytes(first, size)).await
}

#[tokio::test]
async fn a_file_that_is_what_it_says() {
    let app = sniffing().await;
    for size in [PNG.len(), PART + 1] {
        begin(&app, "image/png", PNG, size).await.finish().await;
        begin(&app, "application/x-unheard-of", b"anything", size).await.finish().await;
    }
    begin(&app, "text/plain", b"", 0).await.finish().await;
    for unknown in ["application/octet-stream", "binary/octet-stream"] {
        begin(&app, unknown, b"", 0).await.finish().await;
        begin(&app, unknown, b"of no known kind", 0).await.finish().await;
    }
}

#[tokio::test]
async fn a_file_that_is_something_else_is_removed() {
    let app = sniffing().await;
    for size in [HTML.len(), PART + 1] {
        let upload = begin(&app, "image/png", HTML, size).await;
        let sent = upload.send_all().await;
        let completion = upload.completion(&sent);
        let problem = upload.try_complete(&completion).await.refused(ErrorCode::ContentMismatch);
        assert!(problem.detail.contains("text/html"), "{problem}");
        assert!(!app.exists(&upload.grant.key).await);
        let again = upload.try_complete(&completion).await;
        assert!(!again.is_done(), "nothing is left to complete: {again:?}");
    }
}

/// A client that lost the answer looks at what is there, and must not find what was never looked at.
#[tokio::test]
async fn listing_is_no_way_around() {
    let app = sniffing().await;
    let upload = begin(&app, "image/png", HTML, HTML.len()).await;
    upload.send_all().await;
    assert_eq!(upload.listed().await.completed, None, "it waits");
    assert!(!app.exists(&upload.grant.key).await, "and was never where it is to be");
}
