//! A completed object is final: no URL, no form and no late call of its upload replaces or removes it, and what is
//! refused was never there.

use std::time::Duration;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::HttpRequest;
use actix_web::web::{self, Payload};
use partway_s3::http_client::HttpClient;
use partway_s3::probe::{self, PresignedClient, Rule};
use partway_server::config::{DestinationConfig, Settings};
use partway_server::policy::KeyTemplate;
use partway_server::stores::OpenStores;
use partway_server::token::{TokenMint, UploadClaims};

use crate::support::upload::put_request;
use crate::support::*;

/// Bytes that nobody checks, so that any others of their length are taken as well.
fn unchecked(settings: &mut Settings) {
    settings.uploads.checksum = ChecksumSetting::None;
}

/// The same, and small files are PUTs.
fn direct(settings: &mut Settings) {
    unchecked(settings);
    settings.store.post_forms = Some(false);
}

/// The same, and what is sent is looked at before it is complete.
fn sniffing(settings: &mut Settings) {
    direct(settings);
    let config = DestinationConfig { sniff: true, ..DestinationConfig::default() };
    settings.destinations.insert("default".to_owned(), config);
}

fn is_copy(request: &HttpRequest) -> bool {
    request.headers().contains_key("x-amz-copy-source")
}

async fn send(upload: &Upload<'_>, bytes: &[u8]) -> CompletedPart {
    let put = &upload.grant.parts[0];
    let answer = match &put.form {
        Some(_) => post_form(&upload.app.http, put, bytes).await,
        None => put_bytes(&upload.app.http, put, bytes).await,
    };
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    CompletedPart { part_number: number(1), etag: ETag::new(answer.header("etag").unwrap()) }
}

/// A file whose bytes may be any.
fn unheard_of(name: &str) -> NewUpload {
    NewUpload { content_type: Some("application/x-unheard-of".to_owned()), ..file(name, 0) }
}

/// What lies in the server's own keys.
async fn own(app: &TestApp) -> Vec<String> {
    app.keys_below(".partway/").await
}

/// The token of the same creation, asked for once more.
fn again(claims: &UploadClaims) -> String {
    let later = UploadClaims { expires_at: claims.expires_at + 1, ..claims.clone() };
    TokenMint::new(&TOKEN_SECRET.into()).issue(&later).unwrap()
}

#[tokio::test]
async fn a_url_creates_and_replaces_nothing() {
    let app = TestApp::with(direct).await;
    let upload = app.begin("a.bin", 10).await;
    let put = &upload.grant.parts[0];
    assert!(!is_staged(put));
    assert_eq!(&put.headers["if-none-match"], "*", "whatever the key is made of");
    let sent = send(&upload, &upload.bytes).await;
    let completed = upload.complete(std::slice::from_ref(&sent)).await;
    for bytes in [noise(10, 2), upload.bytes.clone()] {
        assert_eq!(put_bytes(&app.http, put, &bytes).await.status, 412);
    }
    let mut bare = put.clone();
    bare.headers.remove("if-none-match");
    assert_eq!(put_bytes(&app.http, &bare, &noise(10, 2)).await.status, 403, "it is signed");
    upload.try_sign([1]).await.refused(ErrorCode::AlreadyCompleted);
    upload.abort().await.refused(ErrorCode::AlreadyCompleted);
    assert_eq!(upload.complete(&[sent]).await, completed);
    upload.assert_stored().await;
}

/// A form can be sent as often as one likes, and none of it comes to the object's key.
#[tokio::test]
async fn a_form_that_is_sent_again_changes_nothing() {
    let app = TestApp::with(unchecked).await;
    let upload = app.begin("a.bin", 10).await;
    assert!(is_staged(&upload.grant.parts[0]));
    let first = send(&upload, &noise(10, 2)).await;
    assert!(!app.exists(&upload.grant.key).await, "nothing is there that nobody completed");
    let sent = send(&upload, &upload.bytes).await;
    upload.try_complete(&upload.completion(&[first])).await.refused(ErrorCode::PartMismatch);
    let completed = upload.complete(std::slice::from_ref(&sent)).await;
    assert_eq!(own(&app).await, [""; 0]);

    let other = send(&upload, &noise(10, 2)).await;
    assert_eq!(upload.complete(std::slice::from_ref(&sent)).await, completed);
    upload.assert_stored().await;
    assert_eq!(own(&app).await, [""; 0], "it is removed");
    send(&upload, &noise(10, 2)).await;
    upload.try_complete(&upload.completion(&[other])).await.refused(ErrorCode::PartMismatch);
    assert_eq!(upload.listed().await.completed, Some(completed));
    upload.try_sign([1]).await.refused(ErrorCode::AlreadyCompleted);
    upload.abort().await.refused(ErrorCode::AlreadyCompleted);
    upload.assert_stored().await;
    assert_eq!(own(&app).await, [""; 0]);
}

#[tokio::test]
async fn what_is_looked_at_is_never_sent_to_its_key() {
    let app = TestApp::with(sniffing).await;
    let image = NewUpload { content_type: Some("image/png".to_owned()), ..file("a.png", 0) };
    let page = b"<!DOCTYPE html><script>alert(1)</script>".to_vec();
    let upload = app.begin_as(image, page.clone()).await;
    assert!(is_staged(&upload.grant.parts[0]));
    for _ in 0..2 {
        let sent = send(&upload, &page).await;
        upload.try_complete(&upload.completion(&[sent])).await.refused(ErrorCode::ContentMismatch);
        assert_eq!(own(&app).await, [""; 0]);
        assert!(!app.exists(&upload.grant.key).await);
    }
    // Those that sign again get no other key.
    assert!(upload.sign([1]).await.iter().all(is_staged));
}

/// Whoever can read the bucket is shown nothing that a browser would run, before anybody has looked at it.
#[tokio::test]
async fn what_waits_is_a_download() {
    let app = TestApp::with(sniffing).await;
    let page = NewUpload { content_type: Some("text/html".to_owned()), ..file("a.html", 0) };
    let upload = app.begin_as(page, b"<!DOCTYPE html>".to_vec()).await;
    send(&upload, &upload.bytes).await;
    let key = own(&app).await.remove(0);
    let head = app.store.head_object().bucket(BUCKET).key(key).send().await.unwrap();
    assert_eq!(
        (head.content_type(), head.content_disposition()),
        (Some("application/octet-stream"), Some("attachment"))
    );
    let key = upload.finish().await.key;
    let head = app.store.head_object().bucket(BUCKET).key(key).send().await.unwrap();
    assert_eq!(head.content_type(), Some("text/html"), "as its destination says");
}

/// `Content-Encoding: gzip` and the like, which S3 stores though nobody has signed them.
#[tokio::test]
async fn headers_that_nobody_signed() {
    const HEADERS: [(&str, &str); 5] = [
        ("content-encoding", "gzip"),
        ("content-disposition", "inline"),
        ("cache-control", "public, max-age=31536000"),
        ("content-language", "de"),
        ("expires", "Wed, 21 Oct 2095 07:28:00 GMT"),
    ];
    let straight = TestApp::with(direct).await;
    let by_way = TestApp::with(sniffing).await;
    for (name, value) in HEADERS {
        let with_it = async |app: &TestApp| {
            let upload = app.begin_as(unheard_of("a.bin"), noise(10, 1)).await;
            let put = &upload.grant.parts[0];
            let signed = put.headers.contains_key(name);
            let request = put_request(&app.http, put, &upload.bytes);
            let answer = Answer::to(if signed { request } else { request.header(name, value) }).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            let etag = ETag::new(answer.header("etag").unwrap());
            let completion = upload.completion(&[CompletedPart { part_number: number(1), etag }]);
            (upload.grant.key.clone(), upload.try_complete(&completion).await)
        };
        let (key, answer) = with_it(&straight).await;
        let problem = answer.refused(ErrorCode::ContentMismatch);
        assert!(problem.detail.to_ascii_lowercase().contains(name), "{problem}");
        assert!(!straight.exists(&key).await, "{name}");

        let (key, answer) = with_it(&by_way).await;
        assert!(answer.is_done(), "{answer:?}");
        let head = by_way.store.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(
            (head.content_encoding(), head.content_disposition(), head.cache_control()),
            (None, None, None)
        );
        assert_eq!((head.content_language(), head.expires_string()), (None, None));
    }
    // One that is listed, or to be aborted, is no file either.
    for lists in [true, false] {
        let upload = straight.begin("a.bin", 10).await;
        let request = put_request(&straight.http, &upload.grant.parts[0], &upload.bytes);
        assert_eq!(Answer::to(request.header("content-encoding", "gzip")).await.status, 200);
        if lists {
            upload.try_list().await.refused(ErrorCode::ContentMismatch);
        } else {
            assert_eq!(upload.abort().await.status, 204);
        }
        assert!(!straight.exists(&upload.grant.key).await);
        upload.finish().await;
    }
}

#[tokio::test]
async fn completing_at_the_same_moment_is_completing_once() {
    let app = TestApp::with(unchecked).await;
    for _ in 0..5 {
        let upload = app.begin("a.bin", 10).await;
        let sent = [send(&upload, &upload.bytes).await];
        let (one, two, three) =
            tokio::join!(upload.complete(&sent), upload.complete(&sent), upload.complete(&sent));
        assert_eq!((&one, &one), (&two, &three));
        upload.assert_stored().await;
    }
    assert_eq!(own(&app).await, [""; 0]);
}

/// The answer to a create request was lost, and it was sent again: both tokens are of one upload.
#[tokio::test]
async fn a_creation_that_was_asked_for_twice() {
    for change in [unchecked, direct] {
        let keyed = DestinationConfig { key: KeyTemplate::parse("{filename}").unwrap(), ..<_>::default() };
        for config in [DestinationConfig::default(), keyed] {
            let app = TestApp::with(|settings| {
                change(settings);
                settings.destinations.insert("default".to_owned(), config);
            })
            .await;
            let upload = app.begin("a.bin", 10).await;
            let sent = [send(&upload, &upload.bytes).await];
            let completed = upload.complete(&sent).await;
            let claims = upload.claims();
            let grant = Grant { token: again(&claims), ..upload.grant.clone() };
            let twin = Upload::new(&app, grant, upload.bytes.clone());
            assert_eq!(twin.listed().await.completed.as_ref(), Some(&completed));
            twin.try_sign([1]).await.refused(ErrorCode::AlreadyCompleted);
            assert_eq!(twin.complete(&sent).await, completed);
            twin.abort().await.refused(ErrorCode::AlreadyCompleted);
            upload.assert_stored().await;
        }
    }
}

/// Each of them has begun an upload in parts; whichever is completed first is the object.
#[tokio::test]
async fn two_uploads_in_parts_of_one_creation() {
    let app = TestApp::with(unchecked).await;
    let upload = app.begin("a.bin", 100).await;
    let begun =
        app.store.create_multipart_upload().bucket(BUCKET).key(&upload.grant.key).send().await.unwrap();
    let claims = UploadClaims { upload_id: begun.upload_id, ..upload.claims() };
    let grant = Grant { token: again(&claims), ..upload.grant.clone() };
    let twin = Upload::new(&app, grant, noise(100, 2));
    let (sent, others) = (upload.send_all().await, twin.send_all().await);
    let completed = upload.complete(&sent).await;
    assert_eq!(twin.complete(&others).await, completed, "it is complete, and stays as it is");
    upload.assert_stored().await;
    assert_eq!(app.open_uploads().await, [""; 0], "the other parts are removed");
}

/// The store has moved the file, and nobody heard of it.
#[tokio::test]
async fn a_copy_whose_answer_is_lost_is_found_again() {
    let behind = TestApp::start().await;
    for keeps_conditions in [true, false] {
        let is_lost = Arc::new(AtomicBool::new(true));
        let lost = Arc::clone(&is_lost);
        let lax = LaxStore::altering(&behind, move |request, said| {
            if is_copy(request) && request.path().contains("/a.bin") && lost.load(Ordering::SeqCst) {
                *said = Said::error(503, "SlowDown").with_header("retry-after", "7");
            }
        });
        let blunt = LaxStore::before_lax(&lax, &behind, move |_, header| match header {
            "if-none-match" if !keeps_conditions => Manners::Ignores,
            _ => Manners::Keeps,
        });
        let app = TestApp::with(|settings| {
            before(&blunt.endpoint, behind.secret_access_key())(settings);
            settings
                .destinations
                .insert("default".to_owned(), DestinationConfig { sniff: true, ..<_>::default() });
        })
        .await;
        let upload = app.begin_as(unheard_of("a.bin"), noise(10, 1)).await;
        let sent = upload.send_all().await;
        let problem =
            upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::StoreUnavailable);
        assert_eq!(problem.retry_after, Some(7));
        assert!(behind.exists(&upload.grant.key).await);
        is_lost.store(false, Ordering::SeqCst);
        let completed = upload.complete(&sent).await;
        assert_eq!(upload.listed().await.completed, Some(completed));
        upload.assert_stored().await;
        assert_eq!(own(&behind).await, [""; 0]);
    }
}

/// Between the look and the copy, by the form that is still good.
#[tokio::test]
async fn a_file_that_changes_while_it_is_completed() {
    let behind = TestApp::start().await;
    let form: Arc<std::sync::Mutex<Option<SignedPut>>> = Arc::default();
    let held = Arc::clone(&form);
    let lax = LaxStore::holding(&behind, move |request| {
        let put = if is_copy(request) { held.lock().unwrap().take() } else { None };
        Box::pin(async move {
            if let Some(put) = put {
                assert_eq!(put_bytes(&reqwest::Client::new(), &put, &noise(10, 2)).await.status, 200);
            }
        })
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        unchecked(settings);
    })
    .await;
    let upload = app.begin("a.bin", 10).await;
    let sent = [send(&upload, &upload.bytes).await];
    *form.lock().unwrap() = Some(upload.sign([1]).await.remove(0));
    upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::PartMismatch);
    assert!(!app.exists(&upload.grant.key).await);
    let sent = [send(&upload, &upload.bytes).await];
    upload.complete(&sent).await;
    upload.assert_stored().await;
}

/// A server that dies between the copy and what comes after it.
#[tokio::test]
async fn what_could_not_be_removed_is_removed_later() {
    let behind = TestApp::start().await;
    let is_stuck = Arc::new(AtomicBool::new(true));
    let stuck = Arc::clone(&is_stuck);
    let lax = LaxStore::answering(&behind, move |request| {
        let is_removal = request.method() == "DELETE" && request.path().contains("/incoming/");
        (is_removal && stuck.load(Ordering::SeqCst)).then(|| Said::error(403, "AccessDenied"))
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        unchecked(settings);
    })
    .await;
    let upload = app.begin("a.bin", 10).await;
    let sent = [send(&upload, &upload.bytes).await];
    let completed = upload.complete(&sent).await;
    assert_eq!(own(&behind).await.len(), 1);
    assert_eq!(upload.complete(&sent).await, completed);
    assert_eq!(upload.listed().await.completed.as_ref(), Some(&completed));
    is_stuck.store(false, Ordering::SeqCst);
    assert_eq!(upload.complete(&sent).await, completed);
    assert_eq!(own(&behind).await, [""; 0]);
}

/// Two uploads to one key that may be taken twice, and nothing there that is to be replaced.
#[tokio::test]
async fn a_file_is_not_moved_over_another() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |_, header| match header {
        "if-none-match" => Manners::Ignores,
        _ => Manners::Keeps,
    });
    for endpoint in [&behind.store_origin, &lax.endpoint] {
        let keyed = DestinationConfig {
            key: KeyTemplate::parse("{filename}").unwrap(),
            sniff: true,
            ..DestinationConfig::default()
        };
        let app = TestApp::with(|settings| {
            before(endpoint, behind.secret_access_key())(settings);
            settings.destinations.insert("default".to_owned(), keyed);
        })
        .await;
        let name = format!("{}.bin", endpoint.len());
        let first = app.begin_as(unheard_of(&name), noise(10, 1)).await;
        let second = app.begin_as(unheard_of(&name), noise(10, 2)).await;
        let (sent, others) = (first.send_all().await, second.send_all().await);
        let completed = first.complete(&sent).await;
        second.try_complete(&second.completion(&others)).await.refused(ErrorCode::ObjectExists);
        assert_eq!(first.complete(&sent).await, completed);
        first.assert_stored().await;
        assert_eq!(second.abort().await.status, 204, "its own file is removed, and nobody else's");
        first.assert_stored().await;
        behind.store.delete_object().bucket(BUCKET).key(&first.grant.key).send().await.unwrap();
    }
}

/// Where a store passes over conditions, nothing is sent to the keys of objects at all.
#[tokio::test]
async fn a_store_without_conditions_keeps_objects_as_well() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |_, header| match header {
        "if-none-match" => Manners::Ignores,
        _ => Manners::Keeps,
    });
    let app = TestApp::with(before(&lax.endpoint, behind.secret_access_key())).await;
    let upload = app.begin("a.bin", 10).await;
    let put = upload.sign([1]).await.remove(0);
    assert!(is_staged(&put));
    let sent = upload.send_all().await;
    let completed = upload.complete(&sent).await;
    assert_eq!(put_bytes(&app.http, &put, &upload.bytes).await.status, 200);
    assert_eq!(upload.complete(&sent).await, completed);
    upload.assert_stored().await;
    assert_eq!(own(&behind).await, [""; 0]);
}

/// A store that looks at the condition when a request begins lets one through that ends when the object is there.
#[tokio::test]
async fn a_condition_has_to_hold_when_a_put_ends() {
    async fn put(
        request: HttpRequest,
        body: Payload,
        objects: web::Data<Objects>,
    ) -> actix_web::HttpResponse {
        let is_taken = || objects.lock().unwrap().contains(request.path());
        if is_taken() {
            return actix_web::HttpResponse::PreconditionFailed().finish();
        }
        body.to_bytes().await.unwrap();
        objects.lock().unwrap().insert(request.path().to_owned());
        actix_web::HttpResponse::Ok().finish()
    }
    type Objects = std::sync::Mutex<std::collections::BTreeSet<String>>;
    let objects = web::Data::new(Objects::default());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let careless = format!("http://{}", listener.local_addr().unwrap());
    let server = actix_web::HttpServer::new(move || {
        actix_web::App::new().app_data(objects.clone()).default_service(web::to(put))
    });
    let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    tokio::spawn(server);
    let careful = TestApp::start().await;
    let late = Rule::Broken("one that ends later replaces the object");
    for (endpoint, rule) in [(&careful.store_origin, Rule::Kept), (&careless, late)] {
        let data = tempfile::tempdir().unwrap();
        let mut settings = settings(&data);
        before(endpoint, careful.secret_access_key())(&mut settings);
        let open = OpenStores::open(&settings).await.unwrap();
        let bucket = &open.buckets[0];
        let (credentials, http) =
            (bucket.credentials.get().await.unwrap(), HttpClient::new(Duration::from_secs(20)).unwrap());
        let client = PresignedClient {
            store: &*bucket.store,
            bucket: &bucket.name,
            hosts: &bucket.hosts,
            region: &bucket.region,
            credentials: &credentials,
            http: &http,
            prefix: "",
        };
        assert_eq!(probe::late_put_if_none_match(client).await, Ok(rule), "{endpoint}");
    }
    handle.stop(false).await;
}

/// Neither a template nor a ticket lets a client write where files wait.
#[tokio::test]
async fn the_servers_own_keys_are_nobody_elses() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        settings.uploads.key_prefix = "in/".to_owned();
        let keyed = DestinationConfig { key: KeyTemplate::parse("{path}").unwrap(), ..<_>::default() };
        settings.destinations.insert("default".to_owned(), keyed);
    })
    .await;
    for prefix in [".partway/", ".partway/incoming/"] {
        app.come_as(ticket_for("ada", json!({ "key_prefix": prefix })));
        app.try_create(file("a.bin", 10)).await.refused(ErrorCode::CredentialsInvalid);
    }
    app.come_as(ticket("ada"));
    let path = Some(".partway/incoming/a.bin".to_owned());
    let grant = accepted(app.create(vec![NewUpload { path, ..file("a.bin", 10) }]).await.remove(0));
    assert!(!grant.key.starts_with("in/.partway"), "{}", grant.key);
}
