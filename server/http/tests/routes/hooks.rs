//! The application's say: asked before uploads are created, told when they are complete.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use partway_server::config::Settings;
use partway_server::signing_secret::SigningSecret;
use serde_json::Value;

use crate::support::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn before(peer: &Peer) -> impl FnOnce(&mut Settings) + use<> {
    let url = format!("{}/before", peer.url);
    |settings| {
        settings.hooks.before_create = Some(url);
        settings.hooks.secret = Some(SECRET.to_owned().into());
        settings.hooks.attempts = 2;
    }
}

fn after(peer: &Peer) -> impl FnOnce(&mut Settings) + use<> {
    let url = format!("{}/after", peer.url);
    |settings| {
        settings.hooks.after_complete = Some(url);
        settings.hooks.secret = Some(SECRET.to_owned().into());
        settings.hooks.attempts = 2;
    }
}

/// An application that decides by a file's name.
fn deciding(decide: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Peer {
    Peer::start(move |call| {
        let decisions: Vec<_> =
            call.json()["data"]["uploads"].as_array().unwrap().iter().map(&decide).collect();
        HttpResponse::Ok().json(json!({ "uploads": decisions }))
    })
}

#[tokio::test]
async fn the_application_decides_on_each_file_in_one_call() {
    let application = deciding(|upload| match upload["name"].as_str().unwrap() {
        "refused" => json!({ "refuse": "not on a Sunday" }),
        "moved" => {
            json!({ "key": "elsewhere/moved.bin", "metadata": { "album": "7" }, "tags": { "kind": "raw" } })
        }
        "limited" => json!({ "limits": { "max_file_size": 5 } }),
        _ => json!({}),
    });
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        before(&application)(settings);
    })
    .await;
    app.come_as(ticket("ada"));
    let names = ["refused", "moved", "limited", "plain", ""];
    let mut created = app
        .create(names.map(|name| NewUpload { path: Some("a/b".to_owned()), ..file(name, 10) }).to_vec())
        .await;
    let call = application.calls().remove(0);
    assert_eq!(application.calls().len(), 1);
    let event = call.json();
    assert_eq!(
        (event["type"].as_str(), event["data"]["subject"].as_str()),
        (Some("upload.before_create"), Some("ada"))
    );
    let asked = event["data"]["uploads"].as_array().unwrap();
    assert_eq!(asked.len(), 4, "what the rules refuse is not asked about");
    assert_eq!((asked[1]["name"].as_str(), asked[1]["size"].as_u64()), (Some("moved"), Some(10)));
    assert_eq!(asked[1]["type"], "application/octet-stream");
    assert_eq!(asked[1]["destination"], "default");
    assert!(asked[1]["key"].as_str().unwrap().ends_with("/moved"));

    assert_eq!(refused(created.pop().unwrap()).code, ErrorCode::InvalidField);
    accepted(created.pop().unwrap());
    assert_eq!(refused(created.pop().unwrap()).code, ErrorCode::FileTooLarge);
    let moved = Upload::new(&app, accepted(created.pop().unwrap()), noise(10, 1));
    let problem = refused(created.pop().unwrap());
    assert_eq!((problem.code, problem.detail.as_str()), (ErrorCode::UploadRefused, "not on a Sunday"));

    assert_eq!(moved.grant.key, "elsewhere/moved.bin");
    moved.finish().await;
    let head = app.store.head_object().bucket(BUCKET).key(&moved.grant.key).send().await.unwrap();
    assert_eq!((head.metadata().unwrap()["album"].as_str(), head.tag_count()), ("7", Some(1)));
}

#[tokio::test]
async fn calls_are_signed() {
    let application = deciding(|_| json!({}));
    let app = TestApp::with(|settings| {
        before(&application)(settings);
        after(&application)(settings);
    })
    .await;
    let upload = app.begin("a.bin", 10).await;
    // No decisions come back of the second call, and none are needed.
    drop(upload.try_complete(&upload.completion(&upload.send_all().await)).await);
    for call in application.calls() {
        let (id, timestamp) = (call.header("webhook-id").unwrap(), call.header("webhook-timestamp").unwrap());
        let signature =
            SigningSecret::parse(SECRET).unwrap().sign(id, timestamp.parse().unwrap(), &call.body);
        assert_eq!(call.header("webhook-signature"), Some(signature.as_str()));
        assert!(timestamp.parse::<u64>().unwrap().abs_diff(now()) < 60);
        assert_eq!(call.header("content-type"), Some("application/json"));
        assert!(!String::from_utf8_lossy(&call.body).contains("X-Amz-Signature"));
    }
}

#[tokio::test]
async fn a_file_waits_for_an_application_that_is_away() {
    for respond in [
        |_: &_| HttpResponse::InternalServerError().finish(),
        |_: &_| HttpResponse::Ok().body("not JSON"),
        |_: &_| HttpResponse::Ok().json(json!({ "uploads": [] })),
        |_: &_| HttpResponse::Ok().json(json!({ "uploads": [{ "refused": true }] })),
        |_: &_| HttpResponse::BadRequest().finish(),
    ] {
        let application = Peer::start(respond);
        let app = TestApp::with(before(&application)).await;
        let problem = app.try_create(file("a.bin", PART as u64)).await.refused(ErrorCode::HookUnavailable);
        assert_eq!(problem.retry_after.is_some(), problem.detail.contains("did not answer"), "{problem}");
        assert!(app.open_uploads().await.is_empty(), "nothing was begun");
    }
    let silent = Peer::start(|_| HttpResponse::NoContent().finish());
    let app = TestApp::with(before(&silent)).await;
    app.begin("a.bin", 10).await.finish().await;
}

/// Each of these tags is one that S3 takes, and all of them are more than a token holds, which the client would send in vain.
#[tokio::test]
async fn a_decision_that_no_token_holds() {
    let tags: BTreeMap<_, _> =
        (0..10).map(|n| (format!("{n}{}", "字".repeat(127)), "字".repeat(256))).collect();
    let application = deciding(move |_| json!({ "tags": tags }));
    let app = TestApp::with(before(&application)).await;
    for size in [10, PART as u64 + 1] {
        let problem = app.try_create(file("a.bin", size)).await.refused(ErrorCode::HookUnavailable);
        assert!(problem.detail.contains("tags is too long"), "{problem}");
        assert!(app.open_uploads().await.is_empty(), "nothing was begun");
    }
}

/// What an application decides is held to what a store takes: no path tricks, no broken headers.
#[tokio::test]
async fn decisions_that_cannot_be_followed() {
    for decision in [
        json!({ "key": "../escape" }),
        json!({ "key": "/root" }),
        json!({ "key": "" }),
        json!({ "key": ".partway/incoming/0f0e0d0c-0b0a-0908-0706-050403020100" }),
        json!({ "key": "a\u{0}b" }),
        json!({ "key": "x".repeat(2_000) }),
        json!({ "metadata": { "a": "b\r\nx-amz-acl: public-read" } }),
        json!({ "metadata": { "a:b": "c" } }),
        json!({ "metadata": { "partway-upload": "another's" } }),
        json!({ "metadata": { "a": "x".repeat(4_000) } }),
        json!({ "tags": { "a": "<b>" } }),
        json!({ "limits": { "types": ["image"] } }),
        json!({ "limits": { "extensions": ["*"] } }),
        // Limits that one upload cannot keep would be none.
        json!({ "limits": { "key_prefix": "elsewhere/" } }),
        json!({ "limits": { "max_files": 1 } }),
        json!({ "limits": { "max_file_sise": 1 } }),
    ] {
        let said = decision.clone();
        let application = deciding(move |_| said.clone());
        let app = TestApp::with(before(&application)).await;
        let answer = app.try_create(file("a.bin", 10)).await;
        assert_eq!(answer.refused(ErrorCode::HookUnavailable).field, None, "{decision}");
    }
}

#[tokio::test]
async fn a_completion_counts_once_the_application_knows() {
    let is_away = Arc::new(AtomicBool::new(true));
    let away = Arc::clone(&is_away);
    let application = Peer::start(move |_| match away.load(Ordering::SeqCst) {
        true => HttpResponse::ServiceUnavailable().finish(),
        false => HttpResponse::NoContent().finish(),
    });
    let app = TestApp::with(after(&application)).await;
    for size in [10, PART + 1] {
        is_away.store(true, Ordering::SeqCst);
        let told = application.calls().len();
        let upload = app.begin("a.bin", size).await;
        let sent = upload.send_all().await;
        let problem =
            upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::HookUnavailable);
        assert_eq!(problem.retry_after, Some(5));
        assert_eq!(application.calls().len(), told + 2, "it was tried twice");
        upload.try_list().await.refused(ErrorCode::HookUnavailable);

        is_away.store(false, Ordering::SeqCst);
        let completed = upload.complete(&sent).await;
        assert_eq!(application.calls().len(), told + 5, "once more for the list, twice, and now");
        assert_eq!(upload.complete(&sent).await, completed);
        assert_eq!(upload.listed().await.completed, Some(completed));
        let calls = application.calls().split_off(told);
        assert_eq!(calls.len(), 5, "what has answered is not told again");
        let ids: std::collections::BTreeSet<_> =
            calls.iter().map(|call| call.header("webhook-id").unwrap()).collect();
        assert_eq!(ids.len(), 1, "the same id for the same upload");
        let event = calls.last().unwrap().json();
        assert_eq!(event["type"], "upload.completed");
        let data = &event["data"];
        assert_eq!(data["id"], upload.claims().id.to_string());
        assert_eq!(
            (data["key"].as_str(), data["size"].as_u64()),
            (Some(upload.grant.key.as_str()), Some(size as u64))
        );
        assert_eq!((data["bucket"].as_str(), data["subject"].as_str()), (Some(BUCKET), Some("anyone")));
        assert_eq!(data["verified"], "crc64_nvme");
    }
}

#[tokio::test]
async fn a_silent_application_is_not_waited_for_without_end() {
    // It takes connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let app = TestApp::with(|settings| {
        settings.hooks.before_create = Some(url);
        settings.hooks.secret = Some(SECRET.to_owned().into());
        settings.hooks.attempts = 1;
        settings.hooks.timeout = Duration::from_millis(200);
    })
    .await;
    app.try_create(file("a.bin", 10)).await.refused(ErrorCode::HookUnavailable);
}

/// What a ticket says of keys holds for what a hook makes of them.
#[tokio::test]
async fn a_hook_stays_below_the_prefix_of_a_ticket() {
    let application = deciding(|upload| match upload["name"].as_str().unwrap() {
        "inside" => json!({ "key": "all/albums/7/x" }),
        _ => json!({ "key": "all/albums/8/x" }),
    });
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        before(&application)(settings);
        settings.uploads.key_prefix = "all/".to_owned();
    })
    .await;
    app.come_as(ticket_for("ada", json!({ "key_prefix": "albums/7/" })));
    let mut created = app.create(vec![file("inside", 1), file("outside", 1)]).await;
    assert_eq!(refused(created.pop().unwrap()).code, ErrorCode::HookUnavailable);
    assert_eq!(accepted(created.pop().unwrap()).key, "all/albums/7/x");
}
