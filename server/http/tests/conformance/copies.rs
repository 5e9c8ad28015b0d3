//! Objects that the store copies: at once and in parts, over each store.

use partway_server::config::DestinationConfig;

use crate::stores::{OTHER_BUCKET, Site, Traits};
use crate::support::*;

async fn server(site: &Site) -> TestApp {
    site.server_with(copies("")).await
}

async fn put(app: &TestApp, key: &str, bytes: &[u8], tagging: Option<&str>) {
    let put = app.store.put_object().bucket(BUCKET).key(key).body(bytes.to_vec().into());
    let put = put.content_type("text/csv").cache_control("max-age=60").metadata("one", "1");
    put.set_tagging(tagging.map(str::to_owned)).send().await.unwrap();
}

/// Makes a copy as its size wants it.
async fn copy(app: &TestApp, request: Value, bytes: &[u8]) -> CompletedUpload {
    if bytes.len() <= 64 {
        return app.copy(request).await;
    }
    let copy = app.copy_in_parts(request, bytes.to_vec()).await;
    let completed = copy.complete(&copy.copy_all_parts().await).await;
    assert_eq!(copy.listed().await.completed.as_ref(), Some(&completed));
    completed
}

pub(crate) async fn objects_are_copied_with_what_they_have(site: &Site, traits: &Traits) {
    let app = server(site).await;
    for size in [0, 60, 2 * PART + 7] {
        let bytes = noise(size, 1);
        let from = format!("copies/ü 写+&{size}.csv");
        let has_tags = traits.copied_tags && if size > 64 { traits.tags[1] } else { traits.tags[0] };
        put(&app, &from, &bytes, traits.tags[0].then_some("a=1&b=2")).await;
        let to = format!("copies/kept-{size}.csv");
        let request = json!({ "from": { "key": from }, "to": { "key": to } });
        let completed = copy(&app, request, &bytes).await;
        assert_eq!((completed.key.as_str(), completed.size), (to.as_str(), size as u64));
        assert_eq!(completed.verified, verified(traits, size), "{size} bytes");
        assert!(app.object(&to).await == bytes, "{size} bytes");
        let head = app.head(&to).await;
        assert_eq!((head.content_type(), head.cache_control()), (Some("text/csv"), Some("max-age=60")));
        assert_eq!(head.metadata.unwrap()["one"], "1");
        if has_tags {
            let kept = [("a", "1"), ("b", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(app.tags(&to).await, kept.into(), "{size} bytes");
        }
        let to = format!("copies/replaced-{size}.csv");
        let mut request = json!({
            "from": { "key": from }, "to": { "key": to }, "metadata": { "two": "2" }, "type": "text/plain",
        });
        if has_tags {
            request["tags"] = json!({ "c": "3" });
        }
        copy(&app, request, &bytes).await;
        let head = app.head(&to).await;
        assert_eq!(head.content_type(), Some("text/plain"));
        let metadata = head.metadata.unwrap();
        assert_eq!((metadata.get("two").map(String::as_str), metadata.get("one")), (Some("2"), None));
        if has_tags {
            assert_eq!(app.tags(&to).await, [("c".to_owned(), "3".to_owned())].into());
        }
    }
}

/// A key is percent-encoded in a header. A store that decodes it twice would copy another object.
pub(crate) async fn the_object_that_was_named_is_copied(site: &Site, traits: &Traits) {
    let app = server(site).await;
    for size in [60, PART + 1] {
        let (right, wrong) = (noise(size, 1), noise(size, 2));
        put(&app, "named/a%41.csv", &right, None).await;
        put(&app, "named/aA.csv", &wrong, None).await;
        let request =
            json!({ "from": { "key": "named/a%41.csv" }, "to": { "key": format!("named/{size}.csv") } });
        if traits.copied_keys || size <= 64 {
            let completed = copy(&app, request, &right).await;
            assert!(app.object(&completed.key).await == right, "{size} bytes");
        } else {
            assert_eq!(app.try_copy(request).await.blamed(ErrorCode::CopyNotPossible), "from.key");
        }
    }
}

/// What shows that a copy of this size has its object's bytes.
fn verified(traits: &Traits, size: usize) -> ChecksumKind {
    match traits.checksum {
        ChecksumKind::Crc64Nvme if traits.plain_crc => ChecksumKind::Crc64Nvme,
        _ if size > 64 => ChecksumKind::None,
        _ => ChecksumKind::Md5,
    }
}

/// An upload of ours has a checksum that the store has verified, and its copy the same.
pub(crate) async fn what_was_verified_is_verified_again(site: &Site, traits: &Traits) {
    let app = server(site).await;
    for size in [60, PART + 5] {
        let path = Some(format!("copied/{size}.bin"));
        let upload = app.begin_as(NewUpload { path, ..file("a.bin", 0) }, noise(size, 1)).await;
        let uploaded = upload.complete(&upload.send_all().await).await;
        let request =
            json!({ "from": { "key": uploaded.key }, "to": { "key": format!("copied/again-{size}") } });
        let completed = copy(&app, request, &upload.bytes).await;
        let expected = match traits.checksum {
            ChecksumKind::Crc64Nvme => ChecksumKind::Crc64Nvme,
            _ if size > 64 => ChecksumKind::None,
            _ => ChecksumKind::Md5,
        };
        assert_eq!((completed.verified, &completed.checksum), (expected, &uploaded.checksum), "{size} bytes");
    }
}

pub(crate) async fn a_source_that_changes_is_noticed(site: &Site, _: &Traits) {
    let app = server(site).await;
    let bytes = noise(PART + 1, 1);
    put(&app, "changing", &bytes, None).await;
    let request = json!({ "from": { "key": "changing" }, "to": { "key": "changed" } });
    let copy = app.copy_in_parts(request, bytes).await;
    let mut parts = copy.copy_parts([1]).await;
    put(&app, "changing", &noise(PART + 1, 2), None).await;
    let answer = put_bytes(&app.http, &copy.sign([2]).await.remove(0), b"").await;
    if answer.status == 200 {
        // A store that passes over the condition has copied something else.
        let etag = copy.list().await.pop().unwrap().etag;
        parts.push(CompletedPart { part_number: number(2), etag });
        copy.try_complete(&copy.completion(&parts)).await.refused(ErrorCode::ObjectChanged);
    } else {
        assert_eq!(answer.status, 412, "{}", answer.text());
    }
    app.store.delete_object().bucket(BUCKET).key("changing").send().await.unwrap();
    let answer = put_bytes(&app.http, &copy.sign([2]).await.remove(0), b"").await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(copy.abort().await.status, 204);
    assert!(!app.exists("changed").await);
    let gone = json!({ "from": { "key": "changing" } });
    app.try_copy(gone).await.refused(ErrorCode::ObjectNotFound);
}

pub(crate) async fn objects_are_copied_to_another_bucket(site: &Site, _: &Traits) {
    let app = site
        .server_with(|settings| {
            copies("")(settings);
            let other =
                DestinationConfig { bucket: Some(OTHER_BUCKET.to_owned()), ..DestinationConfig::default() };
            settings.destinations.insert("other".to_owned(), other);
        })
        .await;
    for size in [60, PART + 1] {
        let bytes = noise(size, 1);
        put(&app, "other/from.csv", &bytes, None).await;
        let request = json!({ "from": { "key": "other/from.csv" }, "to": { "destination": "other" } });
        let completed = copy(&app, request, &bytes).await;
        assert_eq!((completed.bucket.as_str(), completed.size), (OTHER_BUCKET, size as u64));
        let got = app.store.get_object().bucket(OTHER_BUCKET).key(&completed.key).send().await.unwrap();
        assert_eq!(got.metadata.as_ref().unwrap()["one"], "1");
        assert!(got.body.collect().await.unwrap().to_vec() == bytes, "{size} bytes");
    }
}
