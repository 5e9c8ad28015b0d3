//! What objects have beside their bytes, whichever way the bytes came: by PUT, as a form, or in parts.

use std::collections::BTreeMap;

use aws_sdk_s3::types::StorageClass;
use partway_s3::attributes::Encryption;
use partway_server::config::DestinationConfig;

use crate::support::*;

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn config() -> DestinationConfig {
    DestinationConfig {
        metadata: pairs(&[("app", "demo; v=1"), ("x", "y z")]),
        cache_control: Some("private, max-age=60".to_owned()),
        storage_class: Some("STANDARD_IA".to_owned()),
        acl: Some("bucket-owner-full-control".to_owned()),
        ..DestinationConfig::default()
    }
}

async fn assert_attributes(app: &TestApp, key: &str) {
    let head = app.store.head_object().bucket(BUCKET).key(key).send().await.unwrap();
    let metadata = head.metadata().unwrap();
    assert_eq!((metadata["app"].as_str(), metadata["x"].as_str()), ("demo; v=1", "y z"));
    assert_eq!(head.cache_control(), Some("private, max-age=60"));
    assert_eq!(head.storage_class().map(StorageClass::as_str), Some("STANDARD_IA"));
}

#[tokio::test]
async fn puts_forms_and_parts_all_have_them() {
    let app = TestApp::with(|settings| {
        settings.destinations.insert("default".to_owned(), config());
    })
    .await;
    for size in [10, PART + 1] {
        let upload = app.begin("a.bin", size).await;
        upload.finish().await;
        assert_attributes(&app, &upload.grant.key).await;
    }
    let bytes = noise(10, 1);
    let checksums = vec![Crc64Nvme::of(&bytes).into()];
    let upload = app.begin_as(NewUpload { checksums, ..file("form.bin", 0) }, bytes).await;
    let put = upload.grant.parts.first().unwrap();
    let form = put.form.as_ref().expect("a form");
    assert_eq!(
        (form["Content-Type"].as_str(), form.get("x-amz-meta-app")),
        ("application/octet-stream", None)
    );
    assert_eq!(post_form(&app.http, put, &upload.bytes).await.status, 201);
    upload.finish().await;
    assert_attributes(&app, &upload.grant.key).await;
}

#[tokio::test]
async fn tags_go_with_a_put_and_with_parts() {
    let tagged = DestinationConfig { tags: pairs(&[("team", "a/b c"), ("kind", "raw=1")]), ..config() };
    let app =
        TestApp::with(|settings| drop(settings.destinations.insert("default".to_owned(), tagged))).await;
    for size in [10, PART + 1] {
        let bytes = noise(size, 1);
        let checksums = vec![Crc64Nvme::of(&bytes[..size.min(PART)]).into()];
        let upload = app.begin_as(NewUpload { checksums, ..file("a.bin", 0) }, bytes).await;
        if size == 10 {
            let form = post_form(&app.http, &upload.grant.parts[0], &upload.bytes).await;
            assert_eq!(form.status, 201, "the tags come when it is complete");
        }
        upload.finish().await;
        let tags = app.store.get_object_tagging().bucket(BUCKET).key(&upload.grant.key).send().await.unwrap();
        let tags: BTreeMap<_, _> =
            tags.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
        assert_eq!(tags, pairs(&[("team", "a/b c"), ("kind", "raw=1")]));
        assert_attributes(&app, &upload.grant.key).await;
    }
}

/// A header that is signed cannot be left out or changed by whoever sends the bytes.
#[tokio::test]
async fn what_is_signed_has_to_be_sent() {
    let app =
        TestApp::with(|settings| drop(settings.destinations.insert("default".to_owned(), config()))).await;
    let upload = app.begin("a.bin", 10).await;
    let put = upload.sign([1]).await.remove(0);
    for name in ["x-amz-meta-app", "cache-control", "x-amz-storage-class", "x-amz-acl"] {
        let mut without = put.clone();
        assert!(without.headers.remove(name).is_some(), "{name}");
        assert_eq!(put_bytes(&app.http, &without, &upload.bytes).await.status, 403, "{name} left out");
        let mut other = put.clone();
        other.headers.insert(name.to_owned(), "other".to_owned());
        assert_eq!(put_bytes(&app.http, &other, &upload.bytes).await.status, 403, "{name} changed");
    }
    let mut more = put.clone();
    more.headers.insert("x-amz-meta-more".to_owned(), "sneaked in".to_owned());
    assert_ne!(put_bytes(&app.http, &more, &upload.bytes).await.status, 200, "an unsigned header is refused");
    upload.finish().await;
}

/// The embedded store does not encrypt, and says so rather than pretending; what is asked of it is what S3 is asked.
#[tokio::test]
async fn encryption_is_asked_for() {
    let config = DestinationConfig {
        encryption: Some(Encryption::Kms),
        kms_key_id: Some("alias/uploads".to_owned()),
        ..DestinationConfig::default()
    };
    let app =
        TestApp::with(|settings| drop(settings.destinations.insert("default".to_owned(), config))).await;
    let upload = app.begin("a.bin", 10).await;
    let put = upload.sign([1]).await.remove(0);
    assert_eq!(&put.headers["x-amz-server-side-encryption"], "aws:kms");
    assert_eq!(&put.headers["x-amz-server-side-encryption-aws-kms-key-id"], "alias/uploads");
    let answer = put_bytes(&app.http, &put, &upload.bytes).await;
    assert_eq!(answer.status, 501, "{}", answer.text());
}

#[tokio::test]
async fn active_types_are_attachments_unless_allowed() {
    for (inline, disposition) in [(false, Some("attachment; filename*=UTF-8''a.html")), (true, None)] {
        let config = DestinationConfig { inline_active_types: inline, ..DestinationConfig::default() };
        let app =
            TestApp::with(|settings| drop(settings.destinations.insert("default".to_owned(), config))).await;
        for size in [10, PART + 1] {
            let page = NewUpload { content_type: Some("text/html".to_owned()), ..file("a.html", 0) };
            let upload = app.begin_as(page, noise(size, 1)).await;
            upload.finish().await;
            let head = app.store.head_object().bucket(BUCKET).key(&upload.grant.key).send().await.unwrap();
            assert_eq!(head.content_disposition(), disposition);
            assert_eq!(head.content_type(), Some("text/html"));
        }
    }
}
