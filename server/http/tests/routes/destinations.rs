//! Destinations: what may land where, for whom, and under which key.

use std::collections::BTreeSet;

use bytesize::ByteSize;
use partway_server::config::{DestinationConfig, Settings, StoreConfig};
use partway_server::embedded_secrets::ACCESS_KEY_ID;
use partway_server::policy::KeyTemplate;

use crate::support::*;

fn to(destination: &str, file: NewUpload) -> NewUpload {
    NewUpload { destination: Some(destination.to_owned()), ..file }
}

fn destination(name: &str, config: DestinationConfig) -> impl FnOnce(&mut Settings) + use<> {
    let name = name.to_owned();
    |settings| drop(settings.destinations.insert(name, config))
}

fn keyed(template: &str) -> DestinationConfig {
    DestinationConfig { key: KeyTemplate::parse(template).unwrap(), ..DestinationConfig::default() }
}

#[tokio::test]
async fn several_buckets_of_one_store() {
    let app = TestApp::with(|settings| {
        destination("default", DestinationConfig::default())(settings);
        destination(
            "photos",
            DestinationConfig { bucket: Some("photos".to_owned()), ..keyed("p/{uuid}.{extension}") },
        )(settings);
    })
    .await;
    let upload = app.begin("a.bin", 10).await;
    upload.finish().await;
    for size in [10, PART + 1] {
        let upload = app.begin_as(to("photos", file("A.JPG", 0)), vec![7; size]).await;
        assert!(
            upload.grant.key.starts_with("p/") && upload.grant.key.ends_with(".jpg"),
            "{}",
            upload.grant.key
        );
        let completed = upload.complete(&upload.send_all().await).await;
        assert_eq!(completed.bucket, "photos");
        let stored = app.store.head_object().bucket("photos").key(&upload.grant.key).send().await.unwrap();
        assert_eq!(stored.content_length(), Some(size as i64));
        assert!(!app.exists(&upload.grant.key).await, "it is in no other bucket");
    }
}

/// A second store with credentials of its own beside the first.
#[tokio::test]
async fn several_stores() {
    let other = TestApp::start().await;
    let archive = StoreConfig {
        bucket: Some(BUCKET.to_owned()),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(other.store_origin.clone()),
        access_key_id: Some(ACCESS_KEY_ID.to_owned()),
        secret_access_key: Some(other.secret_access_key()),
        ..StoreConfig::default()
    };
    let app = TestApp::with(|settings| {
        settings.stores.insert("archive".to_owned(), archive);
        destination("default", DestinationConfig::default())(settings);
        destination(
            "old",
            DestinationConfig { store: Some("archive".to_owned()), ..DestinationConfig::default() },
        )(settings);
    })
    .await;
    let here = app.begin("a.bin", PART + 1).await;
    here.finish().await;
    let there = app.begin_as(to("old", file("b.bin", 0)), vec![7; PART + 1]).await;
    there.complete(&there.send_all().await).await;
    assert!(other.exists(&there.grant.key).await && !app.exists(&there.grant.key).await);
    let page = app.get("/").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(&app.store_origin) && policy.contains(&other.store_origin), "{policy}");
}

#[tokio::test]
async fn each_has_its_own_rules() {
    let app = TestApp::with(|settings| {
        let photos = DestinationConfig {
            max_file_size: Some(ByteSize::b(50)),
            types: vec!["image/*".to_owned()],
            extensions: vec!["png".to_owned()],
            ..DestinationConfig::default()
        };
        destination("photos", photos)(settings);
        destination("default", DestinationConfig::default())(settings);
    })
    .await;
    let png = |name: &str, size| NewUpload {
        content_type: Some("image/png".to_owned()),
        ..to("photos", file(name, size))
    };
    let typed = |kind: &str| NewUpload { content_type: Some(kind.to_owned()), ..png("a.png", 1) };
    accepted(app.create(vec![png("a.png", 50)]).await.remove(0));
    accepted(app.create(vec![file("a.exe", 5_000)]).await.remove(0));
    for (bad, code, field) in [
        (png("a.png", 51), ErrorCode::FileTooLarge, "size"),
        (png("a.exe", 1), ErrorCode::TypeNotAllowed, "name"),
        (png("a.png\0.exe", 1), ErrorCode::TypeNotAllowed, "name"),
        (typed("text/html"), ErrorCode::TypeNotAllowed, "type"),
        (to("photos", file("a.exe.zip", 1)), ErrorCode::TypeNotAllowed, "type"),
        // Chromium would take the last of these, and run it.
        (typed("image/png; a=b, text/html"), ErrorCode::InvalidField, "type"),
        (to("nowhere", file("a.png", 1)), ErrorCode::UnknownDestination, "destination"),
        (to("", file("a.png", 1)), ErrorCode::UnknownDestination, "destination"),
        (to("../photos", file("a.png", 1)), ErrorCode::UnknownDestination, "destination"),
    ] {
        let problem = refused(app.create(vec![bad]).await.remove(0));
        assert_eq!(
            (problem.code, problem.field.as_deref()),
            (code, Some(format!("files[0].{field}").as_str()))
        );
    }
}

#[tokio::test]
async fn a_file_without_a_type_has_that_of_its_extension() {
    let app = TestApp::with(|settings| {
        let photos = DestinationConfig { types: vec!["image/*".to_owned()], ..DestinationConfig::default() };
        destination("default", photos)(settings);
    })
    .await;
    for (name, kind, stored) in [
        ("IMG_1.HEIC", None, "image/heic"),
        ("a.png", Some(""), "image/png"),
        ("a.jpg", Some("jpeg"), "image/jpeg"),
    ] {
        let typeless = NewUpload { content_type: kind.map(str::to_owned), ..file(name, 0) };
        let key = app.begin_as(typeless, noise(10, 1)).await.finish().await.key;
        let head = app.store.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(head.content_type(), Some(stored), "{name}");
    }
    let word = NewUpload { content_type: Some("jpeg".to_owned()), ..file("a", 1) };
    let problem = refused(app.create(vec![word]).await.remove(0));
    assert!(problem.detail.contains("\"jpeg\" is not a media type such as image/jpeg"), "{problem}");
}

/// No cleaning and no shortening lets two files meet; only the very same path is taken twice.
#[tokio::test]
async fn different_files_have_different_keys() {
    let app = TestApp::with(|settings| {
        destination("default", DestinationConfig { overwrite: true, ..keyed("{subject}/{path}") })(settings);
        destination("flat", DestinationConfig { overwrite: true, ..keyed("{filename}") })(settings);
    })
    .await;
    let long = "x".repeat(300);
    let files = [
        "a?.txt",
        "a*.txt",
        "a_.txt",
        "a\u{ad}.txt",
        " a_.txt",
        "d/a_.txt",
        "d//a_.txt",
        "d/./a_.txt",
        "d\\a_.txt",
        "/d/a_.txt",
        &format!("{long}1"),
        &format!("{long}2"),
        &format!("{}b/a_.txt", "d/".repeat(300)),
        &format!("{}b/a_.txt", "d/".repeat(301)),
    ]
    .map(|path| {
        let name = path.rsplit('/').next().unwrap();
        NewUpload { path: Some(path.to_owned()), ..file(name, 1) }
    });
    for name in ["default", "flat"] {
        let all = files.iter().map(|file| to(name, file.clone()));
        let created = app.create(all.clone().chain(all).collect()).await;
        let keys: Vec<_> = created.into_iter().map(|created| accepted(created).key).collect();
        let (first, again) = keys.split_at(files.len());
        assert_eq!(first, again, "the same path has the same key");
        assert_eq!(BTreeSet::from_iter(first).len(), files.len(), "{first:?}");
    }
}

/// What a caller may not use, it cannot tell from what is not there.
#[tokio::test]
async fn what_one_may_not_use_does_not_exist() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        destination(
            "team",
            DestinationConfig { subjects: vec!["team-*".to_owned()], ..DestinationConfig::default() },
        )(settings);
        destination("granted", DestinationConfig { granted_only: true, ..DestinationConfig::default() })(
            settings,
        );
        destination("default", DestinationConfig::default())(settings);
    })
    .await;
    let answer = |name: &'static str| async { app.create(vec![to(name, file("a", 1))]).await.remove(0) };
    app.come_as(ticket("ada"));
    let nowhere = serde_json::to_string(&refused(answer("nowhere").await)).unwrap();
    for hidden in ["team", "granted"] {
        let problem = serde_json::to_string(&refused(answer(hidden).await)).unwrap();
        assert_eq!(problem.replace(hidden, "nowhere"), nowhere);
    }
    app.come_as(ticket("team-1"));
    accepted(answer("team").await);
    app.come_as(ticket_for("ada", json!({ "destinations": ["granted", "team"] })));
    accepted(answer("granted").await);
    assert_eq!(refused(answer("team").await).code, ErrorCode::UnknownDestination, "a ticket adds no rights");
    assert_eq!(refused(answer("default").await).code, ErrorCode::UnknownDestination);
    app.come_as(ticket_for("ada", json!({ "destinations": ["granted"] })));
    let grant = accepted(app.create(vec![file("a", 1)]).await.remove(0));
    assert_eq!(claims(&grant.token).destination, "granted", "the only one there is needs no name");
}

#[tokio::test]
async fn several_and_none_the_default() {
    let app = TestApp::with(|settings| {
        destination("one", DestinationConfig::default())(settings);
        destination("two", DestinationConfig::default())(settings);
    })
    .await;
    let problem = refused(app.create(vec![file("a", 1)]).await.remove(0));
    assert_eq!(problem.code, ErrorCode::UnknownDestination);
    assert!(problem.detail.contains("name a destination"), "{problem}");
}

#[tokio::test]
async fn keys_are_made_of_what_the_template_says() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        settings.uploads.key_prefix = "in/".to_owned();
        destination("default", keyed("{subject}/{path}"))(settings);
    })
    .await;
    app.come_as(ticket("../eve@example.org"));
    let up = |name: &str, path: &str| NewUpload { path: Some(path.to_owned()), ..file(name, 0) };
    for (name, path, key) in [
        ("a.txt", "trip/a.txt", "trip/a.txt"),
        ("../../x", "../../../x", "x"),
        ("b\r\nSet-Cookie: a=b", "c\0d/b", "c_d/b_Set-Cookie_ a_b"),
        ("é.txt", "日本/é.txt", "日本/é.txt"),
    ] {
        let upload = app.begin_as(up(name, path), b"hello".to_vec()).await;
        // What is not as it was given has a mark.
        let unmarked = upload.grant.key.split("!!").next().unwrap();
        assert_eq!(unmarked, format!("in/!2e.!2feve!40example.org/{key}"));
        assert_eq!(unmarked == upload.grant.key, key == path);
        upload.finish().await;
    }
}

/// Garage and Ceph's gateway complete an upload whatever its condition says.
#[tokio::test]
async fn an_object_stays_where_the_store_knows_no_conditions() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |_, header| match header {
        "if-none-match" => Manners::Ignores,
        _ => Manners::Keeps,
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        destination("default", keyed("{filename}"))(settings);
    })
    .await;
    let first = app.begin("a.bin", PART + 1).await;
    let second = app.begin_as(file("a.bin", 0), vec![7; PART + 1]).await;
    let (sent, others) = (first.send_all().await, second.send_all().await);
    let completed = first.complete(&sent).await;
    second.try_complete(&second.completion(&others)).await.refused(ErrorCode::ObjectExists);
    assert_eq!(first.complete(&sent).await, completed, "twice is once");
    first.assert_stored().await;
}

#[tokio::test]
async fn an_object_that_is_there_stays() {
    let app = TestApp::with(destination("default", keyed("{filename}"))).await;
    for size in [10, PART + 1] {
        let name = format!("{size}.bin");
        let first = app.begin(&name, size).await;
        // Another tab, another user: both begin before either is done.
        let second = app.begin_as(file(&name, 0), vec![7; size]).await;
        let sent = first.send_all().await;
        let completed = first.complete(&sent).await;
        assert_eq!(first.complete(&sent).await, completed, "twice is once");
        if size == 10 {
            let put = second.sign([1]).await.remove(0);
            assert_eq!(&put.headers["if-none-match"], "*");
            assert_eq!(put_bytes(&app.http, &put, second.piece(1)).await.status, 412, "the store refuses it");
            assert_eq!(second.abort().await.status, 204, "aborting removes nobody else's object");
        } else {
            let sent = second.send_all().await;
            second.try_complete(&second.completion(&sent)).await.refused(ErrorCode::ObjectExists);
            assert_eq!(second.abort().await.status, 204);
            second.try_complete(&second.completion(&sent)).await.refused(ErrorCode::UploadGone);
        }
        first.assert_stored().await;
        let problem = refused(app.create(vec![file(&name, 1)]).await.remove(0));
        assert_eq!(
            (problem.code, problem.field.as_deref()),
            (ErrorCode::ObjectExists, Some("files[0].name"))
        );
    }
}

#[tokio::test]
async fn unless_it_may_be_replaced() {
    let app =
        TestApp::with(destination("default", DestinationConfig { overwrite: true, ..keyed("{filename}") }))
            .await;
    for size in [10, PART + 1] {
        app.begin("a.bin", size).await.finish().await;
        let second = app.begin_as(file("a.bin", 0), vec![7; size]).await;
        second.finish().await;
        second.assert_stored().await;
    }
}

#[tokio::test]
async fn tokens_live_as_long_as_the_destination_says() {
    let lifetime = std::time::Duration::from_secs(120);
    let config = DestinationConfig { token_lifetime: Some(lifetime), ..DestinationConfig::default() };
    let app = TestApp::with(destination("default", config)).await;
    let upload = app.begin("a.bin", 10).await;
    assert_eq!(upload.grant.expires_in, 120);
    assert!((now() + 110..=now() + 120).contains(&upload.claims().expires_at));
}
