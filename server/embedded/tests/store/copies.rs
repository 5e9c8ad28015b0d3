//! Copies within the store: what they share, what they say, and that they cost records and no bytes.

use crate::support::*;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, MetadataDirective, TaggingDirective};
use s3s::crypto::{Crc64Nvme, Sha256};

#[tokio::test(flavor = "multi_thread")]
async fn copies_share_their_bytes() {
    let store = TestStore::start();
    let bytes = noise(MIB, 3);
    let put = store.client.put_object().bucket(BUCKET).key("from /ü+").body(bytes.clone().into());
    put.content_type("text/a").metadata("a", "1").send().await.unwrap();
    let source = format!("{BUCKET}/from%20/%C3%BC%2B");
    let copy = |key: &str| store.client.copy_object().bucket(BUCKET).key(key).copy_source(&source);
    copy("same").send().await.unwrap();
    copy("new").metadata_directive(MetadataDirective::Replace).content_type("text/b").send().await.unwrap();
    let head = |key: &str| store.client.head_object().bucket(BUCKET).key(key).send();
    let (same, new) = (head("same").await.unwrap(), head("new").await.unwrap());
    assert_eq!((same.content_type.as_deref(), same.metadata.unwrap().len()), (Some("text/a"), 1));
    assert_eq!((new.content_type.as_deref(), new.metadata.unwrap_or_default().len()), (Some("text/b"), 0));
    store.settles_at(1).await;

    assert_eq!(copy("from /ü+").send().await.refused(), ("InvalidRequest".to_owned(), 400));
    assert_eq!(copy("x").copy_source_if_match("\"other\"").send().await.refused().1, 412);
    assert_eq!(copy("same").if_none_match("*").send().await.refused().1, 412);
    let missing = store.client.copy_object().bucket(BUCKET).key("x").copy_source(format!("{BUCKET}/none"));
    assert_eq!(missing.send().await.refused(), ("NoSuchKey".to_owned(), 404));

    store.client.delete_object().bucket(BUCKET).key("from /ü+").send().await.unwrap();
    assert!(store.get("same").await == bytes);
    store.put("same", b"new").await;
    assert!(store.get("new").await == bytes);
    store.client.delete_object().bucket(BUCKET).key("new").send().await.unwrap();
    store.settles_at(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_the_headers_and_tags_that_the_request_says() {
    let store = TestStore::start();
    let put = store.client.put_object().bucket(BUCKET).key("incoming").body(b"bytes".to_vec().into());
    let put = put.content_type("text/html").content_encoding("gzip").cache_control("public");
    let put =
        put.content_disposition("inline").content_language("de").metadata("own", "1").tagging("a=1&b=2");
    let etag = put.send().await.unwrap().e_tag.unwrap();
    let copy = store.client.copy_object().bucket(BUCKET).key("final");
    let copy = copy.copy_source(format!("{BUCKET}/incoming")).copy_source_if_match(&etag).if_none_match("*");
    let copy = copy.metadata_directive(MetadataDirective::Replace).content_type("application/pdf");
    let copy = copy.metadata("theirs", "2").tagging_directive(TaggingDirective::Replace).tagging("c=3");
    let copied = copy.send().await.unwrap().copy_object_result.unwrap();
    assert_eq!(copied.e_tag.as_deref(), Some(etag.as_str()));
    assert_eq!(copied.checksum_crc64_nvme, Some(sum::<Crc64Nvme>(b"bytes")));
    assert_eq!(copied.checksum_type, Some(ChecksumType::FullObject));

    let head = head(&store, "final").await;
    assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
    let unsaid = [head.content_encoding, head.cache_control, head.content_disposition, head.content_language];
    assert_eq!(unsaid, [const { None }; 4]);
    assert_eq!(head.metadata.unwrap(), [("theirs".to_owned(), "2".to_owned())].into());
    let tags = store.client.get_object_tagging().bucket(BUCKET).key("final").send().await.unwrap().tag_set;
    assert_eq!(tags.iter().map(|tag| (tag.key(), tag.value())).collect::<Vec<_>>(), [("c", "3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_copies_to_an_empty_place_one_wins() {
    let store = TestStore::start();
    let mut copies = Vec::new();
    for seed in 0..16 {
        let from = format!("from-{seed}");
        store.put(&from, &noise(1000, seed)).await;
        let copy = store.client.copy_object().bucket(BUCKET).key("one").if_none_match("*");
        copies.push(copy.copy_source(format!("{BUCKET}/{from}")));
    }
    let mut won = Vec::new();
    let running: Vec<_> = copies.into_iter().map(|copy| tokio::spawn(copy.send())).collect();
    for (seed, copy) in (0..).zip(running) {
        match copy.await.unwrap() {
            Ok(_) => won.push(seed),
            refused => assert_eq!(refused.refused(), ("PreconditionFailed".to_owned(), 412)),
        }
    }
    assert_eq!(won.len(), 1);
    assert!(store.get("one").await == noise(1000, won[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_has_a_crc64nvme_however_it_came_about() {
    let store = TestStore::start();
    let bytes = noise(5 * MIB + 3, 7);
    let expected = Some(sum::<Crc64Nvme>(&bytes));
    let put = |key: &str| store.client.put_object().bucket(BUCKET).key(key).body(bytes.clone().into());
    assert_eq!(put("plain").send().await.unwrap().checksum_crc64_nvme, expected);
    put("other").checksum_sha256(sum::<Sha256>(&bytes)).send().await.unwrap();
    for (key, algorithm) in [("parts", None), ("composite", Some(ChecksumAlgorithm::Sha256))] {
        let create = store.client.create_multipart_upload().bucket(BUCKET).key(key);
        let id = create.set_checksum_algorithm(algorithm).send().await.unwrap().upload_id.unwrap();
        let mut parts = Vec::new();
        for (number, piece) in [(1, &bytes[..5 * MIB]), (2, &bytes[5 * MIB..])] {
            let mut part = store.part(key, &id, number, piece).await;
            part.checksum_sha256 = (key == "composite").then(|| sum::<Sha256>(piece));
            parts.push(part);
        }
        let complete = store.client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id);
        let done = complete.multipart_upload(completed(parts)).send().await.unwrap();
        assert_eq!(done.checksum_crc64_nvme, expected, "{key}");
    }
    for key in ["plain", "other", "parts", "composite"] {
        assert_eq!(head(&store, key).await.checksum_crc64_nvme, expected, "{key}");
        let copy = store.client.copy_object().bucket(BUCKET).key(format!("{key}-copy"));
        let copied = copy.copy_source(format!("{BUCKET}/{key}")).send().await.unwrap();
        assert_eq!(copied.copy_object_result.unwrap().checksum_crc64_nvme, expected, "{key}");
        assert_eq!(head(&store, &format!("{key}-copy")).await.checksum_crc64_nvme, expected, "{key}");
    }
    store.put("empty", b"").await;
    assert_eq!(head(&store, "empty").await.checksum_crc64_nvme, Some(sum::<Crc64Nvme>(b"")));
}

async fn head(store: &TestStore, key: &str) -> HeadObjectOutput {
    let head = store.client.head_object().bucket(BUCKET).key(key).checksum_mode(ChecksumMode::Enabled);
    head.send().await.unwrap()
}
