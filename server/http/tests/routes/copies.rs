//! Copies: small ones at once, large ones in parts that the client asks the store for.

use actix_web::HttpResponse;
use bytesize::ByteSize;
use partway_server::config::{DestinationConfig, Settings};
use partway_server::policy::KeyTemplate;

use crate::support::*;

/// A ticket that lets its holder upload and copy.
fn copier(subject: &str) -> String {
    ticket_for(subject, json!({ "allow": ["upload", "copy"] }))
}

/// Puts an object that has everything that an object can have.
async fn put_dressed(app: &TestApp, key: &str, bytes: Vec<u8>) {
    let put = app.store.put_object().bucket(BUCKET).key(key).body(bytes.into());
    let put = put.content_type("text/csv").cache_control("max-age=60").content_encoding("identity");
    let put = put.content_disposition("attachment; filename=\"a.csv\"").content_language("de");
    let put = put.expires(aws_sdk_s3::primitives::DateTime::from_secs(1_800_000_000));
    let put = put.metadata("one", "1").metadata("partway-upload", "of another").tagging("a=1&b=2");
    put.send().await.unwrap();
}

/// Asserts that a copy has what `put_dressed` puts.
async fn assert_dressed(app: &TestApp, key: &str) {
    let head = app.head(key).await;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!((head.content_type, head.cache_control), (text("text/csv"), text("max-age=60")));
    assert_eq!(head.content_disposition, text("attachment; filename=\"a.csv\""));
    assert_eq!((head.content_encoding, head.content_language), (text("identity"), text("de")));
    assert_eq!(head.expires_string, text("Fri, 15 Jan 2027 08:00:00 GMT"));
    let mut metadata = head.metadata.unwrap_or_default();
    assert_ne!(metadata.remove("partway-upload"), text("of another"), "it is of this copy, or of none");
    assert_eq!(metadata, [("one".to_owned(), "1".to_owned())].into());
    assert_eq!(
        app.tags(key).await,
        [("a", "1"), ("b", "2")].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    );
}

#[tokio::test]
async fn a_small_object_is_copied_by_one_call() {
    let app = TestApp::with(copies("")).await;
    put_dressed(&app, "a+% /ü 1.csv", noise(64, 1)).await;
    let copied = app.copy(json!({ "from": { "key": "a+% /ü 1.csv" } })).await;
    assert_eq!(copied.key, "anyone/ü 1.csv", "the destination makes the key, of the source's name");
    assert_eq!((copied.size, copied.verified, copied.part_count), (64, ChecksumKind::Crc64Nvme, 1));
    assert_eq!(copied.checksum, Some(Crc64Nvme::of(&noise(64, 1)).into()));
    assert_eq!(app.object(&copied.key).await, noise(64, 1));
    assert_dressed(&app, &copied.key).await;
    app.put("none", "text/plain", b"").await;
    let none = app.copy(json!({ "from": { "key": "none" }, "to": { "name": "b.txt" } })).await;
    assert_eq!((none.key.as_str(), none.size), ("anyone/b.txt", 0));
    let metrics = app.get("/metrics").await.text();
    let line = "partway_objects_total{destination=\"default\",operation=\"copy\",outcome=\"done\"} 2";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_large_object_is_copied_in_parts() {
    let app = TestApp::with(copies("")).await;
    let bytes = noise(2 * PART + 7, 1);
    put_dressed(&app, "a/ü 1+%.csv", bytes.clone()).await;
    let request = json!({ "from": { "key": "a/ü 1+%.csv" }, "to": { "key": "b/film.csv" } });
    let copy = app.copy_in_parts(request, bytes).await;
    let grant = &copy.grant;
    assert_eq!(
        (grant.key.as_str(), grant.checksum, copy.plan.part_count()),
        ("b/film.csv", ChecksumKind::None, 3)
    );
    // The first URLs come with the answer.
    let first = &grant.parts[0];
    let headers: Vec<_> = first.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let etag = app.look(&["a/ü 1+%.csv"]).await.remove(0).unwrap().etag.quoted();
    assert_eq!(
        headers,
        [
            ("x-amz-copy-source", "uploads/a/%C3%BC%201%2B%25.csv"),
            ("x-amz-copy-source-if-match", etag.as_str()),
            ("x-amz-copy-source-range", "bytes=0-5242879"),
        ]
    );
    assert_eq!(grant.parts.len(), 3);
    assert_eq!(put_bytes(&app.http, first, b"").await.status, 200);
    // Whoever comes back learns what is there, and goes on.
    let stored = copy.list().await;
    assert_eq!((stored.len(), stored[0].size), (1, PART as u64));
    let mut parts = vec![CompletedPart { part_number: number(1), etag: stored[0].etag.clone() }];
    parts.extend(copy.copy_parts([2, 3]).await);
    let completed = copy.complete(&parts).await;
    assert_eq!(
        (completed.size, completed.verified, completed.part_count),
        (copy.plan.size().unwrap(), ChecksumKind::Crc64Nvme, 3)
    );
    assert_eq!(completed.checksum, Some(Crc64Nvme::of(&copy.bytes).into()));
    copy.assert_stored().await;
    assert_dressed(&app, "b/film.csv").await;
    assert_eq!(copy.complete(&parts).await, completed, "twice is once");
    assert_eq!(copy.listed().await.completed, Some(completed));
    copy.abort().await.refused(ErrorCode::AlreadyCompleted);
    // One that is aborted is gone.
    let other = app.copy_in_parts(json!({ "from": { "key": "b/film.csv" } }), copy.bytes.clone()).await;
    other.copy_parts([1]).await;
    assert_eq!(other.abort().await.status, 204);
    assert!(app.open_uploads().await.is_empty() && app.keys_below("anyone/").await.is_empty());
}

#[tokio::test]
async fn what_is_given_replaces_what_the_object_has() {
    let app = TestApp::with(|settings| {
        copies("")(settings);
        let destination = settings.destinations.get_mut("default").unwrap();
        destination.metadata = [("app".to_owned(), "demo".to_owned())].into();
        destination.tags = [("b".to_owned(), "theirs".to_owned())].into();
        destination.cache_control = Some("no-store".to_owned());
    })
    .await;
    for size in [10, PART + 1] {
        let bytes = noise(size, 1);
        put_dressed(&app, "a.csv", bytes.clone()).await;
        let copy = async |mut request: Value, name: &str| {
            request["from"] = json!({ "key": "a.csv" });
            request["to"] = json!({ "key": format!("{size}/{name}") });
            if size > 64 {
                let copy = app.copy_in_parts(request, bytes.clone()).await;
                copy.complete(&copy.copy_all_parts().await).await.key
            } else {
                app.copy(request).await.key
            }
        };
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        let key = copy(json!({ "metadata": { "app": "mine", "two": "2" } }), "metadata.csv").await;
        let mut head = app.head(&key).await;
        head.metadata.as_mut().unwrap().remove("partway-upload");
        assert_eq!(head.metadata, Some(pairs(&[("app", "demo"), ("two", "2")]).into_iter().collect()));
        assert_eq!((head.content_type(), head.cache_control()), (Some("text/csv"), Some("no-store")));
        assert_eq!(app.tags(&key).await, pairs(&[("a", "1"), ("b", "theirs")]).into_iter().collect());
        let key = copy(json!({ "tags": { "c": "3" }, "metadata": {} }), "tags.csv").await;
        assert_eq!(app.tags(&key).await, pairs(&[("b", "theirs"), ("c", "3")]).into_iter().collect());
        assert_eq!(app.head(&key).await.metadata.unwrap()["app"], "demo");
        // What a browser would run is stored to be downloaded, whatever it was before.
        let key = copy(json!({ "type": "text/html" }), "type.html").await;
        let head = app.head(&key).await;
        assert_eq!(head.content_type(), Some("text/html"));
        assert!(head.content_disposition().unwrap().starts_with("attachment"), "{head:?}");
        assert_eq!(head.metadata.unwrap()["one"], "1");
    }
    app.put("page.html", "text/html", b"<p>").await;
    let key = app.copy(json!({ "from": { "key": "page.html" } })).await.key;
    assert!(app.head(&key).await.content_disposition().unwrap().starts_with("attachment"));
}

#[tokio::test]
async fn bad_requests_are_refused_by_field() {
    let app = TestApp::with(copies("")).await;
    put_dressed(&app, "a.csv", noise(10, 1)).await;
    let put = app.store.put_object().bucket(BUCKET).key("odd").content_type("text/html, image/png");
    put.send().await.unwrap();
    let many: Value =
        (0..11).map(|index| (format!("t{index}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    for (request, code, field) in [
        (json!({ "from": { "key": "never" } }), ErrorCode::ObjectNotFound, "from.key"),
        (json!({ "from": { "key": "a.csv", "etag": "another" } }), ErrorCode::ObjectChanged, "from.etag"),
        (
            json!({ "from": { "key": "a.csv", "destination": "x" } }),
            ErrorCode::UnknownDestination,
            "from.destination",
        ),
        (
            json!({ "from": { "key": "a.csv" }, "to": { "destination": "x" } }),
            ErrorCode::UnknownDestination,
            "to.destination",
        ),
        (json!({ "from": { "key": "a\r\nb" } }), ErrorCode::InvalidField, "from.key"),
        (json!({ "from": { "key": "a.csv" }, "to": { "name": "" } }), ErrorCode::InvalidField, "to.name"),
        (
            json!({ "from": { "key": "a.csv" }, "to": { "name": "a", "key": "a" } }),
            ErrorCode::InvalidField,
            "to.name",
        ),
        (json!({ "from": { "key": "a.csv" }, "to": { "key": "a//b" } }), ErrorCode::InvalidField, "to.key"),
        (json!({ "from": { "key": "a.csv" }, "to": { "key": "../b" } }), ErrorCode::InvalidField, "to.key"),
        (
            json!({ "from": { "key": "a.csv" }, "to": { "key": ".partway/b" } }),
            ErrorCode::ObjectNotFound,
            "to.key",
        ),
        (json!({ "from": { "key": ".partway/b" } }), ErrorCode::ObjectNotFound, "from.key"),
        (
            json!({ "from": { "key": "a.csv" }, "metadata": { "A b": "c" } }),
            ErrorCode::InvalidField,
            "metadata",
        ),
        (
            json!({ "from": { "key": "a.csv" }, "metadata": { "partway-upload": "c" } }),
            ErrorCode::InvalidField,
            "metadata",
        ),
        (json!({ "from": { "key": "a.csv" }, "tags": many }), ErrorCode::InvalidField, "tags"),
        (json!({ "from": { "key": "a.csv" }, "type": "html, png" }), ErrorCode::InvalidField, "type"),
        (json!({ "from": { "key": "odd" } }), ErrorCode::InvalidField, "type"),
    ] {
        assert_eq!(app.try_copy(request.clone()).await.blamed(code), field, "{request}");
    }
    app.try_copy(json!({ "from": { "key": "a.csv", "bucket": "b" } })).await.refused(ErrorCode::UnknownField);
    app.try_copy(json!({ "to": {} })).await.refused(ErrorCode::InvalidField);
    let archived = app.store.put_object().bucket(BUCKET).key("old").storage_class("GLACIER".into());
    archived.send().await.unwrap();
    assert_eq!(
        app.try_copy(json!({ "from": { "key": "old" } })).await.blamed(ErrorCode::ObjectArchived),
        "from.key"
    );
    assert!(app.keys_below("anyone/").await.is_empty() && app.open_uploads().await.is_empty());
    // A type that says nothing to browsers can be replaced.
    app.copy(json!({ "from": { "key": "odd" }, "type": "image/png" })).await;
}

#[tokio::test]
async fn each_copies_what_is_its_own() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        settings.uploads.key_prefix = "in/".to_owned();
        copies("{subject}/")(settings);
    })
    .await;
    let all = ["in/ada/a", "in/ada2/a", "in/ada", "in/eve/a", "ada/a"];
    app.put_all(&all).await;
    app.come_as(copier("ada"));
    let unknown =
        app.try_copy(json!({ "from": { "key": "in/ada/never" } })).await.refused(ErrorCode::ObjectNotFound);
    for key in &all[1..] {
        let problem =
            app.try_copy(json!({ "from": { "key": key } })).await.refused(ErrorCode::ObjectNotFound);
        assert_eq!(problem, unknown, "nothing tells another's object from one that nobody has: {key}");
        let to = json!({ "from": { "key": "in/ada/a" }, "to": { "key": key } });
        let problem = app.try_copy(to).await.refused(ErrorCode::ObjectNotFound);
        assert_eq!(problem, Problem { field: Some("to.key".to_owned()), ..unknown.clone() }, "{key}");
    }
    for out in ["in/ada2/b", "in/adab", "in/b", "b", "in/.partway/b", "in/ada/../eve/b"] {
        let answer = app.try_copy(json!({ "from": { "key": "in/ada/a" }, "to": { "key": out } })).await;
        assert!((400..500).contains(&answer.status), "{out}: {}", answer.text());
    }
    assert_eq!(
        app.copy(json!({ "from": { "key": "in/ada/a" }, "to": { "key": "in/ada/b" } })).await.key,
        "in/ada/b"
    );
    assert_eq!(
        app.copy(json!({ "from": { "key": "in/ada/a" }, "to": { "name": "c" } })).await.key,
        "in/ada/c"
    );
    assert_eq!(app.keys_below("").await.len(), all.len() + 2);
    // A ticket that does not say so copies nothing, and one that may only copy has nowhere to copy to.
    for (limits, allowed) in [
        (json!({}), false),
        (json!({ "allow": ["get", "upload"] }), false),
        (json!({ "allow": ["copy"] }), false),
        (json!({ "allow": ["copy", "upload"], "keys": ["in/ada/b"] }), false),
        (json!({ "allow": ["copy", "upload"], "keys": ["in/ada/a"] }), true),
    ] {
        app.come_as(ticket_for("ada", limits.clone()));
        let answer = app.try_copy(json!({ "from": { "key": "in/ada/a" }, "to": { "name": "d" } })).await;
        assert_eq!(answer.status == 201, allowed, "{limits}: {}", answer.text());
    }
    let key = json!({ "from": { "key": "in/ada/a" }, "to": { "key": "in/ada/e" } });
    app.try_copy(key).await.refused(ErrorCode::ObjectNotFound);
}

#[tokio::test]
async fn destinations_say_what_is_copied_from_where_to_where() {
    let app = TestApp::with(|settings| {
        copies("")(settings);
        let key = KeyTemplate::parse("{uuid}").unwrap();
        let images = DestinationConfig {
            bucket: Some("images".to_owned()),
            key,
            types: vec!["image/*".to_owned()],
            extensions: vec!["png".to_owned()],
            max_file_size: Some(ByteSize::mib(8)),
            ..DestinationConfig::default()
        };
        settings.destinations.insert("images".to_owned(), images);
    })
    .await;
    app.put("a.png", "image/png", b"png").await;
    app.put("a.txt", "text/plain", b"txt").await;
    app.put("large.png", "image/png", &noise(PART + 1, 1)).await;
    app.put("huge.png", "image/png", &noise(8 * MIB + 1, 1)).await;
    let to = |key: &str| json!({ "from": { "key": key }, "to": { "destination": "images" } });
    let copied = app.copy(to("a.png")).await;
    assert_eq!((copied.bucket.as_str(), copied.verified), ("images", ChecksumKind::Crc64Nvme));
    let got = app.store.get_object().bucket("images").key(&copied.key).send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"png");
    let large = app.copy_in_parts(to("large.png"), noise(PART + 1, 1)).await;
    let completed = large.complete(&large.copy_all_parts().await).await;
    assert_eq!((completed.bucket.as_str(), completed.verified), ("images", ChecksumKind::Crc64Nvme));
    for (request, code, field) in [
        (to("a.txt"), ErrorCode::TypeNotAllowed, "type"),
        (to("huge.png"), ErrorCode::FileTooLarge, "from.key"),
        (
            json!({ "from": { "key": "a.png" }, "to": { "destination": "images", "name": "a.jpg" } }),
            ErrorCode::TypeNotAllowed,
            "to.name",
        ),
        // It takes uploads, and nobody copies what it has, nor to keys of a caller's choice.
        (
            json!({ "from": { "key": copied.key, "destination": "images" } }),
            ErrorCode::OperationNotAllowed,
            "from.destination",
        ),
        (
            json!({ "from": { "key": "a.png" }, "to": { "destination": "images", "key": "b.png" } }),
            ErrorCode::OperationNotAllowed,
            "to.destination",
        ),
    ] {
        assert_eq!(app.try_copy(request.clone()).await.blamed(code), field, "{request}");
    }
}

#[tokio::test]
async fn an_object_that_is_there_stays() {
    for overwrite in [false, true] {
        let app = TestApp::with(|settings| {
            copies("")(settings);
            settings.destinations.get_mut("default").unwrap().overwrite = overwrite;
        })
        .await;
        for size in [10, PART + 1] {
            let (from, there) = (format!("{size}-from"), format!("{size}-there"));
            app.put(&from, "text/plain", &noise(size, 1)).await;
            app.put(&there, "text/plain", b"there").await;
            let request = json!({ "from": { "key": from }, "to": { "key": there } });
            let named = json!({ "from": { "key": from }, "to": { "name": "named" } });
            if !overwrite {
                assert_eq!(app.try_copy(request.clone()).await.blamed(ErrorCode::ObjectExists), "to.key");
                app.put("anyone/named", "text/plain", b"there").await;
                assert_eq!(app.try_copy(named).await.blamed(ErrorCode::ObjectExists), "to.name");
                // Metadata is not changed in place either.
                let onto = json!({ "from": { "key": from }, "to": { "key": from } });
                app.try_copy(onto).await.refused(ErrorCode::ObjectExists);
                assert_eq!(app.object(&there).await, b"there");
                // Of a copy that began before it was there.
                if size > 64 {
                    let late = json!({ "from": { "key": from }, "to": { "key": "late" } });
                    let late = app.copy_in_parts(late, noise(size, 1)).await;
                    let parts = late.copy_all_parts().await;
                    app.put("late", "text/plain", b"there").await;
                    late.try_complete(&late.completion(&parts)).await.refused(ErrorCode::ObjectExists);
                    assert_eq!(app.object("late").await, b"there");
                }
                continue;
            }
            let onto = json!({ "from": { "key": from }, "to": { "key": from }, "metadata": { "new": "1" } });
            for request in [request, onto] {
                let key = request["to"]["key"].as_str().unwrap().to_owned();
                if size > 64 {
                    let copy = app.copy_in_parts(request, noise(size, 1)).await;
                    copy.complete(&copy.copy_all_parts().await).await;
                } else {
                    app.copy(request).await;
                }
                assert!(app.object(&key).await == noise(size, 1), "{key}");
            }
            assert_eq!(app.head(&from).await.metadata.unwrap()["new"], "1");
        }
    }
}

#[tokio::test]
async fn asking_twice_is_asking_once() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        copies("")(settings);
        settings.limits.bytes_per_day = Some(ByteSize::b(100));
        settings.limits.open_uploads = Some(1);
    })
    .await;
    app.put("a", "text/plain", &noise(60, 1)).await;
    app.put("b", "text/plain", &noise(60, 2)).await;
    app.come_as(copier("ada"));
    for to in [json!({ "name": "named" }), json!({ "key": "keyed" })] {
        app.come_as(copier(if to["key"].is_null() { "ada" } else { "eve" }));
        let request =
            json!({ "id": "6fa459ea-ee8a-4ca4-894e-db77e160355e", "from": { "key": "a" }, "to": to });
        let copied = app.copy(request.clone()).await;
        assert_eq!(app.copy(request.clone()).await, copied, "{to}");
        // The id of another request is no way to its copy.
        let other = changed(&request, "/from/key", json!("b"));
        app.try_copy(other).await.refused(ErrorCode::ObjectExists);
        // It counts once, and what is open is closed.
        let more = json!({ "from": { "key": "b" }, "to": { "name": "more" } });
        let problem = app.try_copy(more).await.refused(ErrorCode::QuotaExceeded);
        assert!(problem.detail.contains("100 B"), "{problem}");
    }
}

#[tokio::test]
async fn an_application_is_asked_and_told() {
    let application = Peer::start(|call| {
        let json = call.json();
        match json["type"].as_str().unwrap() {
            "object.before_access" => {
                let asked = json["data"]["accesses"].as_array().unwrap().clone();
                let decide = |access: &Value| {
                    if access["key"] == "secret" { json!({ "refuse": "not for you" }) } else { json!({}) }
                };
                HttpResponse::Ok().json(json!({ "accesses": asked.iter().map(decide).collect::<Vec<_>>() }))
            }
            "upload.before_create" => {
                let upload = &json["data"]["uploads"][0];
                let decision = if upload["name"] == "no" {
                    json!({ "refuse": "no" })
                } else {
                    json!({ "metadata": { "by": "app" } })
                };
                HttpResponse::Ok().json(json!({ "uploads": [decision] }))
            }
            _ => HttpResponse::Ok().finish(),
        }
    });
    let url = application.url.clone();
    let app = TestApp::with(|settings: &mut Settings| {
        settings.hooks.before_access = Some(url.clone());
        settings.hooks.before_create = Some(url.clone());
        settings.hooks.after_complete = Some(url);
        settings.hooks.secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into());
        settings.hooks.attempts = 1;
        copies("")(settings);
    })
    .await;
    app.put_all(&["open", "secret"]).await;
    app.put("large", "text/plain", &noise(PART + 1, 1)).await;
    let copied = app.copy(json!({ "from": { "key": "open" }, "to": { "key": "b" } })).await;
    assert_eq!(app.head("b").await.metadata.unwrap()["by"], "app");
    let calls = application.calls();
    let seen: Vec<Value> = calls.iter().map(|call| serde_json::from_slice(&call.body).unwrap()).collect();
    assert_eq!(
        seen[0]["data"]["accesses"],
        json!([
            { "operation": "copy", "destination": "default", "key": "open" },
            { "operation": "copy", "destination": "default", "key": "b" },
        ])
    );
    let source = json!({ "destination": "default", "key": "open" });
    assert_eq!(
        (&seen[1]["data"]["uploads"][0]["source"], &seen[1]["data"]["uploads"][0]["key"]),
        (&source, &json!("b"))
    );
    assert_eq!((&seen[2]["data"]["source"], &seen[2]["data"]["etag"]), (&source, &json!(copied.etag)));
    assert_eq!(seen.len(), 3);
    let large = app.copy_in_parts(json!({ "from": { "key": "large" } }), noise(PART + 1, 1)).await;
    large.complete(&large.copy_all_parts().await).await;
    let told = application.calls().last().unwrap().json();
    assert_eq!(
        (&told["type"], &told["data"]["source"]["key"]),
        (&json!("upload.completed"), &json!("large"))
    );
    let refused = |request| async { app.try_copy(request).await };
    assert_eq!(
        refused(json!({ "from": { "key": "secret" } })).await.blamed(ErrorCode::AccessRefused),
        "from.key"
    );
    let onto = json!({ "from": { "key": "open" }, "to": { "key": "secret" } });
    assert_eq!(refused(onto).await.blamed(ErrorCode::AccessRefused), "to.key");
    refused(json!({ "from": { "key": "open" }, "to": { "name": "no" } }))
        .await
        .refused(ErrorCode::UploadRefused);
    assert!(app.keys_below(".partway/").await.is_empty(), "no mark is left");
}

#[tokio::test]
async fn what_is_something_else_is_not_copied() {
    let app = TestApp::with(|settings| {
        copies("")(settings);
        settings.destinations.get_mut("default").unwrap().sniff = true;
    })
    .await;
    for size in [10, PART + 1] {
        let page: Vec<_> = b"<!DOCTYPE html>".iter().copied().chain(noise(size, 1)).collect();
        app.put("a.png", "image/png", &page).await;
        let refused = app.try_copy(json!({ "from": { "key": "a.png" } })).await;
        assert_eq!(refused.blamed(ErrorCode::ContentMismatch), "from.key");
    }
    assert!(app.keys_below("anyone/").await.is_empty() && app.open_uploads().await.is_empty());
}

#[tokio::test]
async fn a_source_that_changes_in_the_middle() {
    let app = TestApp::with(copies("")).await;
    let bytes = noise(PART + 1, 1);
    app.put("a", "text/plain", &bytes).await;
    let copy = app.copy_in_parts(json!({ "from": { "key": "a" } }), bytes).await;
    let mut parts = copy.copy_parts([1]).await;
    app.put("a", "text/plain", &noise(PART + 1, 2)).await;
    let put = copy.sign([2]).await.remove(0);
    assert_eq!(put_bytes(&app.http, &put, b"").await.status, 412);
    // A URL is for what was signed, and copies nothing else.
    for (name, value) in [
        ("x-amz-copy-source", "uploads/b"),
        ("x-amz-copy-source-range", "bytes=0-0"),
        ("x-amz-copy-source-if-match", "*"),
    ] {
        let mut other = put.clone();
        other.headers.insert(name.to_owned(), value.to_owned());
        assert_eq!(put_bytes(&app.http, &other, b"").await.status, 403, "{name}");
        other.headers.remove(name);
        assert_eq!(put_bytes(&app.http, &other, b"").await.status, 403, "without {name}");
    }
    parts.push(CompletedPart { part_number: number(2), etag: parts[0].etag.clone() });
    copy.try_complete(&copy.completion(&parts)).await.refused(ErrorCode::PartMissing);
    app.store.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    let gone = put_bytes(&app.http, &put, b"").await;
    assert_eq!((gone.status, gone.text().contains("NoSuchKey")), (404, true));
}

/// Of a store that passes over the condition, the checksum and a second look tell.
#[tokio::test]
async fn a_store_that_copies_whatever_is_there() {
    for checksum in [ChecksumSetting::Crc64Nvme, ChecksumSetting::None] {
        let behind = TestApp::start().await;
        let lax = LaxStore::before(&behind, |_, name| {
            if name == "x-amz-copy-source-if-match" { Manners::Ignores } else { Manners::Keeps }
        });
        let app = TestApp::with(|settings| {
            before(&lax.endpoint, behind.secret_access_key())(settings);
            settings.uploads.checksum = checksum;
            copies("")(settings);
        })
        .await;
        let bytes = noise(PART + 1, 1);
        app.put("a", "text/plain", &bytes).await;
        let copy = app.copy_in_parts(json!({ "from": { "key": "a" } }), bytes.clone()).await;
        let mut parts = copy.copy_parts([1]).await;
        app.put("a", "text/plain", &noise(PART + 1, 2)).await;
        parts.extend(copy.copy_parts([2]).await);
        copy.try_complete(&copy.completion(&parts)).await.refused(ErrorCode::ObjectChanged);
        app.store.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
        copy.try_complete(&copy.completion(&parts)).await.refused(ErrorCode::ObjectNotFound);
        assert!(!behind.exists(&copy.grant.key).await);
        // What stayed as it was is copied, and is said to be verified by what took place.
        app.put("a", "text/plain", &bytes).await;
        let copy = app.copy_in_parts(json!({ "from": { "key": "a" } }), bytes).await;
        let completed = copy.complete(&copy.copy_all_parts().await).await;
        let verified = checksum.kind().unwrap();
        assert_eq!(
            (completed.verified, completed.checksum.is_some()),
            (verified, verified == ChecksumKind::Crc64Nvme)
        );
        copy.assert_stored().await;
    }
}

#[tokio::test]
async fn an_error_in_a_success_is_an_error() {
    let behind = TestApp::start().await;
    let lax = LaxStore::altering(&behind, |request, said| {
        let headers = request.headers();
        let Some(source) = headers.get("x-amz-copy-source").and_then(|source| source.to_str().ok()) else {
            return;
        };
        if source.ends_with("/busy") {
            *said = Said::error(200, "InternalError");
        } else if source.ends_with("/gone") {
            *said = Said::error(404, "NoSuchKey");
        } else if source.ends_with("/changed") {
            *said = Said::error(412, "PreconditionFailed");
        } else if source.ends_with("/unknown") {
            *said = Said::error(501, "NotImplemented");
        }
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
        copies("")(settings);
        // Else what the store has made all the same would be there the second time.
        settings.destinations.get_mut("default").unwrap().overwrite = true;
    })
    .await;
    for (key, code) in [
        ("busy", ErrorCode::StoreUnavailable),
        ("gone", ErrorCode::ObjectNotFound),
        ("changed", ErrorCode::ObjectChanged),
        ("unknown", ErrorCode::CopyNotPossible),
    ] {
        app.put(key, "text/plain", b"a").await;
        app.try_copy(json!({ "from": { "key": key } })).await.refused(code);
    }
}

/// A store that was seen not to copy parts is not asked to.
#[tokio::test]
async fn a_store_that_copies_no_parts() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |request, name| {
        let is_part = request.query_string().contains("partNumber") && name == "x-amz-copy-source";
        if is_part { Manners::Refuses(501) } else { Manners::Keeps }
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        copies("")(settings);
    })
    .await;
    app.put("small", "text/plain", b"a").await;
    app.put("large", "text/plain", &noise(PART + 1, 1)).await;
    let large = app.try_copy(json!({ "from": { "key": "large" } })).await;
    assert_eq!(large.blamed(ErrorCode::CopyNotPossible), "to.destination");
    app.copy(json!({ "from": { "key": "small" } })).await;
}

/// A right that was taken away ends a copy that is under way.
#[tokio::test]
async fn what_may_not_be_copied_any_more_is_not_signed_for() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        copies("{subject}/")(settings);
    })
    .await;
    let bytes = noise(PART + 1, 1);
    app.put("ada/a", "text/plain", &bytes).await;
    app.come_as(copier("ada"));
    let copy = app.copy_in_parts(json!({ "from": { "key": "ada/a" }, "to": { "name": "b" } }), bytes).await;
    copy.copy_parts([1]).await;
    for limits in [json!({}), json!({ "allow": ["upload", "copy"], "keys": ["ada/b"] })] {
        app.come_as(ticket_for("ada", limits));
        copy.try_sign([2]).await.refused(ErrorCode::OperationNotAllowed);
    }
    app.come_as(copier("eve"));
    copy.try_sign([2]).await.refused(ErrorCode::TokenForeign);
    app.come_as(copier("ada"));
    copy.copy_parts([2]).await;
}
