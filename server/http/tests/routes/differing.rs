//! Stores that differ from S3: found out, done without, and told in their own words.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpRequest;
use partway_s3::doctor::{Options, Outcome, examine};
use partway_server::stores::OpenStores;

use crate::support::*;

/// The server before a store.
async fn app_before(lax: &LaxStore, behind: &TestApp) -> TestApp {
    TestApp::with(before(&lax.endpoint, behind.secret_access_key())).await
}

fn is_completion(request: &HttpRequest) -> bool {
    request.method() == "POST" && request.query_string().contains("uploadId=")
}

fn is_copy(request: &HttpRequest) -> bool {
    request.headers().contains_key("x-amz-copy-source")
}

/// Of an upload, and of none of the probes.
fn is_of_a_file(request: &HttpRequest) -> bool {
    request.path().contains("a.bin")
}

/// Single PUTs by way of the server's own keys, and uploads in parts.
async fn all_arrive(app: &TestApp) {
    for size in [0, 10, 100, PART + 1] {
        let upload = app.begin("a.bin", size).await;
        let completed = upload.finish().await;
        assert_eq!(upload.listed().await.completed, Some(completed));
    }
}

#[tokio::test]
async fn headers_that_a_store_refuses_are_left_out() {
    let behind = TestApp::start().await;
    let of_completion =
        |request: &HttpRequest, header: &str| header == "if-none-match" && is_completion(request);
    let of_copy = |request: &HttpRequest, header: &str| header == "if-none-match" && is_copy(request);
    type Refused = fn(&HttpRequest, &str) -> bool;
    let cases: [(Refused, Option<&str>); 6] = [
        (|_, header| header == "x-amz-checksum-mode", Some("x-amz-checksum-mode of HeadObject")),
        (
            |_, header| header == "x-amz-mp-object-size",
            Some("x-amz-mp-object-size of CompleteMultipartUpload"),
        ),
        (of_completion, Some("If-None-Match of CompleteMultipartUpload")),
        (of_copy, Some("If-None-Match of CopyObject")),
        (|_, header| header == "x-amz-tagging-directive", Some("x-amz-tagging-directive of CopyObject")),
        // Those of checksums are found out by probes.
        (|_, header| header.starts_with("x-amz-checksum-") || header == "x-amz-mp-object-size", None),
    ];
    for (is_refused, name) in cases {
        for status in [501, 400] {
            let lax = LaxStore::before(&behind, move |request, header| {
                if is_refused(request, header) { Manners::Refuses(status) } else { Manners::Keeps }
            });
            all_arrive(&app_before(&lax, &behind).await).await;
            // Where nobody has tried it out, the first upload does.
            let trusting = TestApp::with(|settings| {
                before(&lax.endpoint, behind.secret_access_key())(settings);
                settings.uploads.checksum = ChecksumSetting::Md5;
            })
            .await;
            all_arrive(&trusting).await;

            let Some(name) = name else { continue };
            let data = tempfile::tempdir().unwrap();
            let mut settings = settings(&data);
            before(&lax.endpoint, behind.secret_access_key())(&mut settings);
            let open = OpenStores::open(&settings).await.unwrap();
            let report = Box::pin(examine(&open.buckets, &Options::default())).await;
            let finding = report.stores[0].findings.iter().find(|finding| finding.check == name);
            let finding = finding.unwrap_or_else(|| panic!("{name}:\n{report}"));
            assert_eq!(finding.outcome, Outcome::Warning);
            let words = if name.contains("Head") { status.to_string() } else { format!("{status} Refused") };
            let words = if status == 501 { words.replace("Refused", "NotImplemented") } else { words };
            assert!(finding.detail.contains(&words), "{name}: {}", finding.detail);
        }
    }
}

/// A proxy that compresses makes them weak, and some stores leave the quotes out.
#[tokio::test]
async fn etags_that_are_weak_or_bare() {
    let behind = TestApp::start().await;
    for change in [|etag: &str| format!("W/{etag}"), |etag: &str| etag.trim_matches('"').to_owned()] {
        let lax = LaxStore::altering(&behind, move |_, said| {
            for (name, value) in &mut said.headers {
                if name == "etag" {
                    *value = change(value);
                }
            }
            let body = String::from_utf8_lossy(&said.body).into_owned();
            if body.contains("<ETag>") {
                said.body = body
                    .replace("&quot;", "")
                    .replace("<ETag>\"", "<ETag>")
                    .replace("\"</ETag>", "</ETag>")
                    .into();
            }
        });
        let app = app_before(&lax, &behind).await;
        all_arrive(&app).await;
        let md5 = TestApp::with(|settings| {
            before(&lax.endpoint, behind.secret_access_key())(settings);
            settings.uploads.checksum = ChecksumSetting::Md5;
        })
        .await;
        all_arrive(&md5).await;
    }
}

/// Garage names a version of each object that is put or copied, and knows of none afterwards.
#[tokio::test]
async fn versions_that_are_no_versions() {
    let behind = TestApp::start().await;
    let named = LaxStore::altering(&behind, |request, said| {
        if request.method() == "PUT" {
            *said = said.clone().with_header("x-amz-version-id", "0f0e0d0c0b0a09080706050403020100");
        }
    });
    let lax = LaxStore::before_lax(&named, &behind, |request, _| {
        if request.query_string().contains("versionId=") { Manners::Refuses(501) } else { Manners::Keeps }
    });
    let application = Peer::start(|_| actix_web::HttpResponse::NoContent().finish());
    let url = application.url.clone();
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.hooks.after_complete = Some(url);
        settings.hooks.secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into());
    })
    .await;
    all_arrive(&app).await;
    assert_eq!(application.calls().len(), 4, "each is told once");
    assert_eq!(behind.keys_below(".partway/").await, [""; 0]);
}

/// A store that takes long answers at once, and says afterwards how it went.
#[tokio::test]
async fn a_success_that_turns_out_to_be_none() {
    let behind = TestApp::start().await;
    for said in [
        Said::error(200, "InternalError"),
        Said::error(200, "SlowDown"),
        Said { body: b"<?xml version=\"1.0\"?>\n   ".to_vec(), ..Said::error(200, "") },
        Said::error(409, "ConditionalRequestConflict"),
        Said::error(409, "OperationAborted"),
        Said::error(500, "InternalError"),
    ] {
        let left = Arc::new(AtomicUsize::new(0));
        let (count, answer) = (Arc::clone(&left), said.clone());
        let lax = LaxStore::answering(&behind, move |request| {
            let takes_long = is_of_a_file(request) && (is_completion(request) || is_copy(request));
            let fails = takes_long
                && count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            fails.then(|| answer.clone())
        });
        let app = TestApp::with(|settings| {
            before(&lax.endpoint, behind.secret_access_key())(settings);
            // Files are moved to their keys then, whatever the store keeps.
            settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
        })
        .await;
        for size in [10, 100] {
            let upload = app.begin("a.bin", size).await;
            let sent = upload.send_all().await;
            // More often than the SDK tries.
            left.store(10, Ordering::SeqCst);
            let problem =
                upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::StoreUnavailable);
            assert!(problem.code.spec().retryable);
            assert!(!behind.exists(&upload.grant.key).await);
            left.store(1, Ordering::SeqCst);
            // What can pass is tried again, by the SDK or by whoever asked.
            let first = upload.try_complete(&upload.completion(&sent)).await;
            if !first.is_done() {
                first.refused(ErrorCode::StoreUnavailable);
            }
            upload.complete(&sent).await;
            upload.assert_stored().await;
        }
    }
}

/// The store's `Retry-After` comes to the client, who heeds it; nobody asks before.
#[tokio::test]
async fn when_a_store_wants_to_be_asked_again() {
    let behind = TestApp::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lax = LaxStore::answering(&behind, move |request| {
        let is_busy = request.path().contains("busy");
        is_busy.then(|| {
            count.fetch_add(1, Ordering::SeqCst);
            Said::error(503, "SlowDown").with_header("retry-after", "17")
        })
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
    })
    .await;
    let asked_once = |what: &str| assert_eq!(asked.swap(0, Ordering::SeqCst), 1, "{what}");
    let answer = app.try_create(file("busy.bin", 100)).await;
    assert_eq!(answer.refused(ErrorCode::StoreUnavailable).retry_after, Some(17));
    assert_eq!(answer.header("retry-after"), Some("17"));
    asked_once("an upload was begun");
    // Of one file of many.
    let mut created = app.create(vec![file("a.bin", 100), file("busy.bin", 100)]).await;
    let problem = refused(created.pop().unwrap());
    assert_eq!((problem.code, problem.retry_after), (ErrorCode::StoreUnavailable, Some(17)));
    accepted(created.pop().unwrap());
    asked_once("one of two was begun");
}
