//! What is in the bucket: read, listed, looked at and deleted, by whom it is granted to.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpResponse;
use bytesize::ByteSize;
use partway_server::config::{DestinationConfig, Settings};
use partway_server::policy::KeyTemplate;

use crate::support::*;

#[tokio::test]
async fn what_was_uploaded_is_read() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    let upload = app
        .begin_as(
            NewUpload { content_type: Some("text/plain".to_owned()), ..file("ü 1.txt", 0) },
            noise(PART + 5, 1),
        )
        .await;
    let completed = upload.complete(&upload.send_all().await).await;
    let signed = app.sign(json!({ "key": completed.key })).await;
    let object = signed.object.clone().unwrap();
    assert_eq!((object.size, &object.etag), (completed.size, &completed.etag));
    assert_eq!(
        (object.checksum.clone(), object.content_type.as_deref()),
        (completed.checksum, Some("text/plain"))
    );
    assert!(object.last_modified.unwrap() > 1_700_000_000_000 && object.version_id.is_none());
    assert_eq!(signed.expires_in, 900);
    let read = app.read(&signed.url).await;
    assert_eq!((read.status, &read.body), (200, &upload.bytes));
    // In ranges, and as its head by a URL of its own.
    let part = Answer::to(app.http.get(&signed.url).header("range", "bytes=2-5")).await;
    assert_eq!((part.status, &part.body[..]), (206, &upload.bytes[2..6]));
    assert_eq!(Answer::to(app.http.head(&signed.url)).await.status, 403, "it was signed for GET");
    let head = app.sign(json!({ "key": completed.key, "method": "head" })).await;
    let answer = Answer::to(app.http.head(&head.url)).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("5242885")));
}

#[tokio::test]
async fn nothing_is_readable_until_a_destination_says_so() {
    let app = TestApp::start().await;
    let key = app.begin("a.bin", 10).await.finish().await.key;
    for (path, body) in [
        ("/v1/objects/sign", json!({ "objects": [{ "key": key }] })),
        ("/v1/objects/look", json!({ "objects": [{ "key": key }] })),
        ("/v1/objects/delete", json!({ "objects": [{ "key": key }] })),
    ] {
        let answer = app.post(path, &body).await;
        let results: BTreeMap<String, Vec<BTreeMap<String, Problem>>> = answer.is(200);
        let problem = &results["objects"][0]["refused"];
        assert_eq!(
            (problem.code, problem.field.as_deref()),
            (ErrorCode::OperationNotAllowed, Some("objects[0].destination")),
            "{path}"
        );
        assert!(problem.detail.contains("destinations.default.objects.allow"), "{problem}");
    }
    app.get("/v1/objects").await.refused(ErrorCode::OperationNotAllowed);
    app.get(&format!("/v1/objects/content?key={key}")).await.refused(ErrorCode::OperationNotAllowed);
    app.post("/v1/links", &json!({ "key": key })).await.refused(ErrorCode::OperationNotAllowed);
    assert!(app.exists(&key).await);
    let there: DestinationList = app.get("/v1/destinations").await.is(200);
    let [only] = &there.destinations[..] else { panic!("{there:?}") };
    assert_eq!(
        (only.name.as_str(), only.is_default, &only.allow[..]),
        ("default", true, &[Operation::Upload][..])
    );
}

#[tokio::test]
async fn each_reaches_what_is_its_own() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        settings.uploads.key_prefix = "in/".to_owned();
        objects(&ALL, "{subject}/")(settings);
    })
    .await;
    let all = ["in/ada/a", "in/ada2/a", "in/ada", "in/eve/a", "ada/a", "in/.partway/x"];
    app.put_all(&all).await;
    app.come_as(ticket("ada"));
    let seen = app.look(&all).await;
    assert!(seen[0].is_ok());
    let unknown = app.look(&["in/ada/never"]).await.remove(0).unwrap_err();
    for (index, (key, problem)) in all.iter().zip(&seen).enumerate().skip(1) {
        let problem = problem.clone().unwrap_err();
        // Nothing tells another's object from one that nobody has.
        let field = Some(format!("objects[{index}].key"));
        assert_eq!(problem, Problem { field, ..unknown.clone() }, "{key}");
    }
    assert_eq!(unknown.code, ErrorCode::ObjectNotFound);
    for key in &all[1..] {
        assert_eq!(
            app.sign_refused(json!({ "key": key, "look": false })).await.code,
            ErrorCode::ObjectNotFound,
            "{key}"
        );
        assert_eq!(
            app.delete(json!([{ "key": key }])).await[0].as_ref().unwrap_err().code,
            ErrorCode::ObjectNotFound
        );
        app.get(&format!("/v1/objects/content?key={key}")).await.refused(ErrorCode::ObjectNotFound);
        assert!(app.exists(key).await, "{key}");
    }
    // A listing begins at the scope, and neither a prefix nor a page leads out of it.
    let listed = app.list("").await;
    assert_eq!((listed.prefix.as_str(), listed.objects.len()), ("in/ada/", 1));
    for out in ["in/", "in/ada", "in/ada2/", "in/eve/", "in/.partway/", "ada/"] {
        let listed = app.list(&format!("prefix={out}")).await;
        assert_eq!((listed.objects.len(), listed.prefixes.len(), listed.next), (0, 0, None), "{out}");
    }
    let problem = app.get("/v1/objects?after=in/ada2/").await.refused(ErrorCode::InvalidField);
    assert_eq!(problem.field.as_deref(), Some("after"));
}

#[tokio::test]
async fn a_ticket_grants_what_it_names() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        objects(&ALL, "")(settings);
    })
    .await;
    app.put_all(&["a", "b", "ada/c"]).await;
    let refused_look = async |limits: Value| {
        app.come_as(ticket_for("ada", limits));
        app.look(&["a"]).await.remove(0).unwrap_err().code
    };
    // What tickets were before there was anything to read.
    for old in [json!({}), json!({ "max_file_size": 10 }), json!({ "allow": null })] {
        assert_eq!(refused_look(old.clone()).await, ErrorCode::OperationNotAllowed, "{old}");
        accepted(app.create(vec![file("a.bin", 1)]).await.remove(0));
    }
    assert_eq!(refused_look(json!({ "allow": ["list"] })).await, ErrorCode::OperationNotAllowed);
    assert_eq!(app.list("").await.objects.len(), 3);
    assert_eq!(
        refused(app.create(vec![file("a.bin", 1)]).await.remove(0)).code,
        ErrorCode::OperationNotAllowed
    );
    // Certain keys.
    app.come_as(ticket_for("ada", json!({ "allow": ["get"], "keys": ["a", "x"] })));
    let seen = app.look(&["a", "b", "x"]).await;
    assert!(seen[0].is_ok());
    for other in &seen[1..] {
        assert_eq!(other.as_ref().unwrap_err().code, ErrorCode::ObjectNotFound);
    }
    app.get("/v1/objects").await.refused(ErrorCode::OperationNotAllowed);
    // Below a prefix.
    app.come_as(ticket_for("ada", json!({ "allow": ["get", "list"], "key_prefix": "ada/" })));
    assert_eq!(app.list("").await.objects[0].key, "ada/c");
    assert_eq!(app.look(&["a"]).await[0].as_ref().unwrap_err().code, ErrorCode::ObjectNotFound);
    let info: DestinationList = app.get("/v1/destinations").await.is(200);
    assert_eq!(info.destinations[0].allow, [Operation::Get, Operation::List]);
    // What cannot be kept is refused, not passed over.
    app.come_as(ticket_for("ada", json!({ "allow": ["get", "list"], "keys": ["a"] })));
    app.get("/v1/objects").await.refused(ErrorCode::CredentialsInvalid);
    app.come_as(ticket_for("ada", json!({ "allow": ["read"] })));
    app.get("/v1/objects").await.refused(ErrorCode::CredentialsInvalid);
}

#[tokio::test]
async fn a_listing_has_pages_and_folders() {
    let app = TestApp::with(objects(&ALL, "")).await;
    let keys = ["a b+c", "a/", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "b/1", "c&<>\"'", "ü"];
    app.put_all(&keys).await;
    let all = app.list("").await;
    assert_eq!(all.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), keys);
    let first = &all.objects[0];
    assert_eq!((first.size, first.etag.is_empty(), first.storage_class.as_deref()), (5, false, None));
    assert!(first.last_modified.unwrap() > 1_700_000_000_000);
    // Whatever the size of a page, its pages have each key and each folder once.
    for (prefix, expected) in [
        ("", vec!["a b+c", "a/", "a0", "b/", "c&<>\"'", "ü"]),
        ("a/", vec!["a/", "a/1", "a/2/", "a/3"]),
        ("a/2/", vec!["a/2/x", "a/2/y"]),
        ("a/2", vec!["a/2/"]),
        ("z", vec![]),
    ] {
        for limit in [1, 2, 3, 1_000] {
            let mut seen = Vec::new();
            let mut after = String::new();
            loop {
                let query = format!("prefix={prefix}&delimiter=/&limit={limit}{after}");
                let page = app.list(&query).await;
                assert_eq!(page.prefix, prefix);
                let objects = page.objects.into_iter().map(|object| object.key);
                let mut names: Vec<_> = objects.chain(page.prefixes).collect();
                assert!(names.len() <= limit);
                names.sort();
                seen.extend(names);
                assert!(seen.len() <= expected.len(), "{query} {seen:?}");
                let Some(next) = page.next else { break };
                let next = reqwest::Url::parse_with_params("x:", [("after", next)]).unwrap();
                after = format!("&{}", next.query().unwrap());
            }
            assert_eq!(seen, expected, "{prefix} {limit}");
        }
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("delimiter=", "delimiter"),
        ("prefix=%00", "prefix"),
        ("prefix=a&after=b", "after"),
    ] {
        assert_eq!(
            app.get(&format!("/v1/objects?{query}")).await.blamed(ErrorCode::InvalidField),
            field,
            "{query}"
        );
    }
    app.get("/v1/objects?limit=many").await.refused(ErrorCode::InvalidField);
    app.get("/v1/objects?start=a").await.refused(ErrorCode::UnknownField);
}

#[tokio::test]
async fn keys_travel_as_they_are() {
    let app = TestApp::with(objects(&ALL, "")).await;
    let longest = "x".repeat(1_024);
    let keys = ["a//b", "/a", "a/", "a b", "a+b", "a%2Fb", "a?b#c", "写/ü", "a\"b\\c", longest.as_str()];
    app.put_all(&keys).await;
    for (key, seen) in keys.iter().zip(app.look(&keys).await) {
        assert_eq!(seen.unwrap().key, *key);
        let signed = app.sign(json!({ "key": key })).await;
        assert_eq!(app.read(&signed.url).await.body, key.as_bytes(), "{key}");
        let query = reqwest::Url::parse_with_params("x:", [("key", key)]).unwrap();
        let content = app.get(&format!("/v1/objects/content?{}", query.query().unwrap())).await;
        assert_eq!((content.status, &content.body[..]), (200, key.as_bytes()), "{key}");
    }
    for dots in ["a/../b", "..", "./a", "a/."] {
        let problem = app.sign_refused(json!({ "key": dots, "look": false })).await;
        assert_eq!(
            (problem.code, problem.field.as_deref()),
            (ErrorCode::InvalidField, Some("objects[0].key")),
            "{dots}"
        );
    }
    for bad in ["", "a\u{0}", "a\r\nb", &"x".repeat(1_025)] {
        assert_eq!(app.look(&[bad]).await[0].as_ref().unwrap_err().code, ErrorCode::InvalidField, "{bad:?}");
    }
    let deleted = app.delete(json!(keys.map(|key| json!({ "key": key })))).await;
    for (key, deleted) in keys.iter().zip(deleted) {
        assert_eq!(deleted.unwrap(), *key);
        assert!(!app.exists(key).await, "{key}");
    }
}

#[tokio::test]
async fn the_answer_says_what_was_asked() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    app.put("a/ü \"1\".txt", "text/plain", b"abc").await;
    let signed = app
        .sign(json!({
            "key": "a/ü \"1\".txt", "filename": "../x\r\nSet-Cookie: ü \"1\".txt", "disposition": "inline", "type": "text/csv; charset=utf-8",
            "cache_control": "private, max-age=60", "content_language": "de", "content_encoding": "identity",
            "expires": "Wed, 21 Oct 2026 07:28:00 GMT", "expires_in": 60,
        }))
        .await;
    assert_eq!((signed.expires_in, parameters(&signed.url)["X-Amz-Expires"].as_str()), (60, "60"));
    let read = app.read(&signed.url).await;
    assert_eq!(read.status, 200, "{}", read.text());
    for (name, value) in [
        (
            "content-disposition",
            "inline; filename=\"x_Set-Cookie_ _ _1_.txt\"; filename*=UTF-8''x_Set-Cookie_%20%C3%BC%20_1_.txt",
        ),
        ("content-type", "text/csv; charset=utf-8"),
        ("cache-control", "private, max-age=60"),
        ("content-language", "de"),
        ("content-encoding", "identity"),
        ("expires", "Wed, 21 Oct 2026 07:28:00 GMT"),
    ] {
        assert_eq!(read.header(name), Some(value), "{name}");
    }
    assert!(read.header("set-cookie").is_none());
    for (bad, field) in [
        (json!({ "cache_control": "a\nb" }), "cache_control"),
        (json!({ "type": "html" }), "type"),
        (json!({ "expires": "soon" }), "expires"),
        (json!({ "expires_in": 0 }), "expires_in"),
        (json!({ "expires_in": 604_801 }), "expires_in"),
    ] {
        let (name, value) = bad.as_object().unwrap().iter().next().unwrap();
        let problem = app.sign_refused(json!({ "key": "a/ü \"1\".txt", name: value })).await;
        assert_eq!(
            (problem.code, problem.field),
            (ErrorCode::InvalidField, Some(format!("objects[0].{field}"))),
            "{bad}"
        );
    }
    for (body, code, field) in [
        (json!({ "objects": [{ "key": "a", "file_name": "x" }] }), ErrorCode::UnknownField, "objects[0]"),
        (json!({ "objects": [{ "key": 1 }] }), ErrorCode::InvalidField, "objects[0]"),
        (
            json!({ "objects": [{ "key": "a", "disposition": "download" }] }),
            ErrorCode::InvalidField,
            "objects[0]",
        ),
        (json!({ "objects": [] }), ErrorCode::InvalidField, "objects"),
        (json!({ "objects": vec![json!({ "key": "a" }); 1_001] }), ErrorCode::InvalidField, "objects"),
    ] {
        let problem = app.post("/v1/objects/sign", &body).await.refused(code);
        assert!(
            problem.field.clone().unwrap_or_default().starts_with(field),
            "{problem} {:?}",
            problem.field
        );
    }
}

#[tokio::test]
async fn what_would_run_is_downloaded() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    for (key, content_type) in [("a.html", "text/html"), ("a.svg", "image/svg+xml"), ("a.png", "image/png")] {
        app.put(key, content_type, b"<script>").await;
        for asked in
            [json!({}), json!({ "disposition": "inline" }), json!({ "disposition": "inline", "look": false })]
        {
            let mut asked = asked;
            asked["key"] = json!(key);
            let read = app.read(&app.sign(asked.clone()).await.url).await;
            let is_shown = key == "a.png" && asked["look"] != json!(false);
            let disposition = read.header("content-disposition").unwrap_or("inline");
            assert_eq!(disposition.starts_with("inline"), is_shown, "{asked}: {disposition}");
        }
    }
    let as_html = app.sign(json!({ "key": "a.png", "type": "text/html", "disposition": "inline" })).await;
    assert!(app.read(&as_html.url).await.header("content-disposition").unwrap().starts_with("attachment"));
}

#[tokio::test]
async fn a_thousand_are_signed_at_once() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    app.put("a", "text/plain", b"a").await;
    let objects: Vec<_> =
        (0..1_000).map(|index| json!({ "key": if index % 2 == 0 { "a" } else { "b" } })).collect();
    let signed: SignedObjects = app.post("/v1/objects/sign", &json!({ "objects": objects })).await.is(200);
    assert_eq!(signed.objects.len(), 1_000);
    for (index, signed) in signed.objects.iter().enumerate() {
        match signed {
            ObjectSigning::Signed(signed) => assert!(index % 2 == 0 && signed.object.is_some()),
            ObjectSigning::Refused(problem) => {
                assert_eq!((index % 2, problem.code), (1, ErrorCode::ObjectNotFound));
                assert_eq!(problem.field, Some(format!("objects[{index}].key")));
            }
        }
    }
    let unseen = app.sign(json!({ "key": "b", "look": false })).await;
    assert_eq!((unseen.object, app.read(&unseen.url).await.status), (None, 404));
}

#[tokio::test]
async fn a_browser_is_led_to_the_bytes() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    app.put("a.txt", "text/plain", b"abc").await;
    let stay = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let path = format!("{}/v1/objects/content?key=a.txt", app.url);
    let led = Answer::to(stay.get(&path)).await;
    assert_eq!((led.status, led.header("cache-control")), (302, Some("private, max-age=450")));
    assert_eq!(led.header("referrer-policy"), Some("no-referrer"));
    assert!(led.header("vary").unwrap().starts_with("Authorization, Cookie"));
    let etag = led.header("etag").unwrap().to_owned();
    let modified = led.header("last-modified").unwrap().to_owned();
    let stored = app.read(led.header("location").unwrap()).await;
    assert_eq!(
        (stored.header("etag"), stored.header("last-modified")),
        (Some(etag.as_str()), Some(modified.as_str()))
    );
    // The store answers ranges and conditions, which the client sends it again.
    let part = Answer::to(app.http.get(&path).header("range", "bytes=1-1")).await;
    assert_eq!(
        (part.status, &part.body[..], part.header("content-range")),
        (206, &b"b"[..], Some("bytes 1-1/3"))
    );
    let beyond = Answer::to(app.http.get(&path).header("range", "bytes=9-")).await;
    assert_eq!(beyond.status, 416);
    for (name, value, status) in [
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"other\", W/\"x\"", 302),
        ("if-modified-since", modified.as_str(), 304),
        ("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT", 302),
        ("if-modified-since", "garbage", 302),
    ] {
        let answer = Answer::to(stay.get(&path).header(name, value)).await;
        assert_eq!((answer.status, answer.header("etag")), (status, Some(etag.as_str())), "{name} {value}");
        assert_eq!(answer.header("location").is_some(), status == 302);
    }
    let both = stay.get(&path).header("if-none-match", "\"other\"").header("if-modified-since", &modified);
    assert_eq!(Answer::to(both).await.status, 302, "the tag is what counts");
    let head = Answer::to(app.http.head(&path)).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("3"), 0));
    app.get("/v1/objects/content?key=never").await.refused(ErrorCode::ObjectNotFound);
    app.get("/v1/objects/content?key=a.txt&name=b").await.refused(ErrorCode::UnknownField);
    app.get("/v1/objects/content").await.refused(ErrorCode::InvalidField);
    let named = app.get("/v1/objects/content?key=a.txt&filename=%C3%BC.txt&type=text/csv").await;
    assert!(named.header("content-disposition").unwrap().starts_with("attachment; filename=\"_.txt\""));
}

#[tokio::test]
async fn deleting_tells_of_each() {
    let app = TestApp::with(objects(&ALL, "a/")).await;
    app.put_all(&["a/1", "a/2", "a/3", "b"]).await;
    let tag = |key: &str| app.store.head_object().bucket(BUCKET).key(key).send();
    let (one, two) = (tag("a/1").await.unwrap(), tag("a/2").await.unwrap());
    let deleted = app
        .delete(json!([
            { "key": "a/1", "etag": one.e_tag().unwrap() },
            { "key": "a/2", "etag": "\"another\"" },
            { "key": "a/3" },
            { "key": "b" },
            { "key": "a/never" },
            { "key": "a/never", "etag": "x" },
            { "key": "a/3" },
        ]))
        .await;
    let codes: Vec<_> =
        deleted.iter().map(|one| one.as_ref().map(|_| ()).map_err(|problem| problem.code)).collect();
    assert_eq!(
        codes,
        [
            Ok(()),
            Err(ErrorCode::ObjectChanged),
            Ok(()),
            Err(ErrorCode::ObjectNotFound),
            Ok(()),
            Ok(()),
            Ok(())
        ]
    );
    for (key, is_there) in [("a/1", false), ("a/2", true), ("a/3", false), ("b", true)] {
        assert_eq!(app.exists(key).await, is_there, "{key}");
    }
    assert_eq!(
        app.delete(json!([{ "key": "a/2", "etag": two.e_tag().unwrap() }])).await[0].as_ref().unwrap(),
        "a/2"
    );
    let many: Vec<_> = (0..1_000).map(|index| json!({ "key": format!("a/{index}") })).collect();
    assert!(app.delete(json!(many)).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_store_that_deletes_one_by_one() {
    let behind = TestApp::with(objects(&ALL, "")).await;
    behind.put_all(&["a", "b"]).await;
    let lax = LaxStore::before(&behind, |request, _| {
        let is_batch = request.method() == "POST" && request.query_string().contains("delete");
        if is_batch { Manners::Refuses(501) } else { Manners::Keeps }
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
        objects(&ALL, "")(settings);
    })
    .await;
    assert!(
        app.delete(json!([{ "key": "a" }, { "key": "b" }, { "key": "c" }])).await.iter().all(Result::is_ok)
    );
    assert!(!behind.exists("a").await && !behind.exists("b").await);
}

#[tokio::test]
async fn a_store_that_is_away_is_said_once() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |_, _| Manners::Refuses(503));
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
        objects(&ALL, "")(settings);
    })
    .await;
    let two = json!({ "objects": [{ "key": "a" }, { "key": "b" }] });
    for path in ["/v1/objects/sign", "/v1/objects/look", "/v1/objects/delete"] {
        app.post(path, &two).await.refused(ErrorCode::StoreUnavailable);
    }
    app.get("/v1/objects").await.refused(ErrorCode::StoreUnavailable);
}

#[tokio::test]
async fn what_is_archived_is_said_to_be() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    let put = app.store.put_object().bucket(BUCKET).key("old").storage_class("GLACIER".into());
    put.send().await.unwrap();
    let problem = app.sign_refused(json!({ "key": "old" })).await;
    assert_eq!(problem.code, ErrorCode::ObjectArchived);
    assert!(problem.detail.contains("RestoreObject"), "{problem}");
    app.get("/v1/objects/content?key=old").await.refused(ErrorCode::ObjectArchived);
    app.sign(json!({ "key": "old", "method": "head" })).await;
    assert!(app.look(&["old"]).await[0].is_ok());
}

#[tokio::test]
async fn the_application_is_asked_once_about_all() {
    let application = Peer::start(|call| {
        let asked = call.json()["data"]["accesses"].as_array().unwrap().clone();
        let decide = |access: &Value| {
            if access["key"] == "secret" { json!({ "refuse": "not for you" }) } else { json!({}) }
        };
        HttpResponse::Ok().json(json!({ "accesses": asked.iter().map(decide).collect::<Vec<_>>() }))
    });
    let url = application.url.clone();
    let app = TestApp::with(|settings: &mut Settings| {
        settings.hooks.before_access = Some(url);
        settings.hooks.secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into());
        settings.hooks.attempts = 1;
        objects(&ALL, "")(settings);
    })
    .await;
    app.put_all(&["open", "secret"]).await;
    let seen = app.look(&["open", "", "secret"]).await;
    assert!(seen[0].is_ok());
    let problem = seen[2].as_ref().unwrap_err();
    assert_eq!((problem.code, problem.detail.as_str()), (ErrorCode::AccessRefused, "not for you"));
    let calls = application.calls();
    assert_eq!(calls.len(), 1);
    let data = &calls[0].json()["data"];
    assert_eq!(
        data["accesses"],
        json!([
            { "operation": "get", "destination": "default", "key": "open" },
            { "operation": "get", "destination": "default", "key": "secret" },
        ]),
        "what the rules refuse is not asked about"
    );
    app.list("prefix=o").await;
    assert_eq!(
        application.calls()[1].json()["data"]["accesses"][0],
        json!({ "operation": "list", "destination": "default", "key": "o" })
    );
    app.get("/v1/objects?prefix=secret").await.refused(ErrorCode::AccessRefused);
    app.post("/v1/links", &json!({ "key": "secret" })).await.refused(ErrorCode::AccessRefused);
    assert!(app.exists("secret").await);
}

#[tokio::test]
async fn bytes_that_are_signed_for_are_counted_by_the_day() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        objects(&[Operation::Get], "")(settings);
        settings.limits.signed_bytes_per_day = Some(ByteSize::b(10));
    })
    .await;
    for (key, size) in [("a", 6), ("b", 4), ("c", 1)] {
        app.put(key, "text/plain", &noise(size, 1)).await;
    }
    app.come_as(ticket("ada"));
    // The same object again, its head, and what nobody looked at.
    for object in [
        json!({ "key": "a" }),
        json!({ "key": "a" }),
        json!({ "key": "c", "method": "head" }),
        json!({ "key": "b", "look": false }),
    ] {
        app.sign(object).await;
    }
    let problem = app
        .post("/v1/objects/sign", &json!({ "objects": [{ "key": "c" }] }))
        .await
        .refused(ErrorCode::QuotaExceeded);
    assert!(problem.retry_after.unwrap() > 0 && problem.detail.contains("10 B"), "{problem}");
    app.get("/v1/objects/content?key=c").await.refused(ErrorCode::QuotaExceeded);
    app.come_as(ticket("eve"));
    app.sign(json!({ "key": "c" })).await;
}

#[tokio::test]
async fn settings_that_grant_to_nobody_in_particular_are_refused() {
    let with = |key: &str, toml: &str| {
        let text = format!("[destinations.d]\nkey = \"{key}\"\n[destinations.d.objects]\n{toml}");
        let settings = Settings::from_toml(std::path::Path::new("partway.toml"), &text)?;
        settings.validate()?;
        Ok::<_, partway_server::config::SettingsError>(settings)
    };
    let settings = with("u/{subject}/{path}", "allow = [\"get\", \"list\"]").unwrap();
    let policy = settings.destinations["d"].policy(&settings.uploads);
    assert_eq!(policy.scope.render("ada"), "u/ada/");
    assert!(with("{path}", "allow = [\"get\"]\nscope = \"\"").is_ok());
    for (key, toml, why) in [
        ("{path}", "allow = [\"get\"]", "destinations.d.objects.scope"),
        ("{path}", "allow = [\"gett\"]", "did you mean \"get\"?"),
        ("{path}", "allow = [\"upload\"]", "uploading is not named here"),
        ("{path}", "scope = \"{subject}\"", "slash"),
        ("{path}", "scope = \"{date}/\"", "{date}"),
        ("{path}", "link_lifetime = \"400d\"", "link_lifetime"),
        ("{path}", "url_lifetime = \"8d\"", "url_lifetime"),
        ("{path}", "allowed = []", "did you mean `allow`?"),
    ] {
        let error = with(key, toml).unwrap_err().to_string();
        assert!(error.contains(why), "{toml}: {error}");
    }
}

/// Of several destinations, each grants by itself.
#[tokio::test]
async fn each_destination_by_itself() {
    let app = TestApp::with(|settings| {
        objects(&[Operation::Get], "")(settings);
        let key = KeyTemplate::parse("{uuid}").unwrap();
        let closed =
            DestinationConfig { bucket: Some("closed".to_owned()), key, ..DestinationConfig::default() };
        settings.destinations.insert("closed".to_owned(), closed);
        settings.destinations.get_mut("default").unwrap().objects.url_lifetime =
            Some(Duration::from_secs(90));
    })
    .await;
    app.put("a", "text/plain", b"a").await;
    assert_eq!(app.sign(json!({ "key": "a", "expires_in": 600 })).await.expires_in, 90);
    let problem = app.sign_refused(json!({ "key": "a", "destination": "closed" })).await;
    assert_eq!(problem.code, ErrorCode::OperationNotAllowed);
    let problem = app.sign_refused(json!({ "key": "a", "destination": "never" })).await;
    assert_eq!(
        (problem.code, problem.field.as_deref()),
        (ErrorCode::UnknownDestination, Some("objects[0].destination"))
    );
}

/// What an older object has in place of a checksum: an ETag made of its parts', which can be checked by who knows the parts.
#[tokio::test]
async fn the_size_of_parts_is_told_where_nothing_better_is_known() {
    let behind = TestApp::start().await;
    for (tells, expected) in [(true, Some(PART as u64)), (false, None)] {
        let lax = LaxStore::altering(&behind, move |request, said| {
            said.headers.retain(|(name, _)| !name.starts_with("x-amz-checksum"));
            // As a store does that does not know `partNumber`.
            if !tells && request.query_string().contains("partNumber=1") && request.method() == "HEAD" {
                let whole = (PART + 5).to_string();
                said.headers.retain(|(name, _)| name != "content-length");
                said.headers.push(("content-length".to_owned(), whole));
            }
        });
        let app = TestApp::with(|settings| {
            before(&lax.endpoint, behind.secret_access_key())(settings);
            settings.uploads.checksum = ChecksumSetting::Md5;
            objects(&ALL, "")(settings);
        })
        .await;
        let upload = app.begin(&format!("{tells}.bin"), PART + 5).await;
        let key = upload.complete(&upload.send_all().await).await.key;
        let object = app.look(&[&key]).await.remove(0).unwrap();
        assert_eq!((object.checksum, object.part_size), (None, expected));
        assert!(object.has_md5_etag && object.etag.as_str().contains("-2"), "{}", object.etag);
    }
}
