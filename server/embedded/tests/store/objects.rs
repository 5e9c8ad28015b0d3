//! Objects over the real SDK: put, get, ranges, conditions, copies, deletes, checksums, keys,
//! listings.

use std::time::{Duration, SystemTime};

use crate::support::*;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, Delete, ObjectCannedAcl, ObjectIdentifier, ObjectLockLegalHoldStatus,
    ServerSideEncryption,
};
use s3s::crypto::{Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_is_got_with_all_that_was_said_about_it() {
    let store = TestStore::start();
    let bytes = noise(3 * MIB + 17, 1);
    let put = store.client.put_object().bucket(BUCKET).key("a").body(bytes.clone().into());
    let put = put
        .content_type("text/plain")
        .content_disposition("attachment")
        .cache_control("no-store")
        .content_language("de")
        .metadata("owner", "someone")
        .tagging("kind=test&more=1")
        .send()
        .await
        .unwrap();
    let got = store.client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(got.content_length, Some(bytes.len() as i64));
    assert_eq!(got.e_tag, put.e_tag);
    assert_eq!(got.content_type.as_deref(), Some("text/plain"));
    assert_eq!(got.content_disposition.as_deref(), Some("attachment"));
    assert_eq!(got.cache_control.as_deref(), Some("no-store"));
    assert_eq!(got.content_language.as_deref(), Some("de"));
    assert_eq!(got.metadata.as_ref().unwrap()["owner"], "someone");
    assert_eq!(got.tag_count, Some(2));
    assert_eq!(got.accept_ranges.as_deref(), Some("bytes"));
    assert!(got.body.collect().await.unwrap().to_vec() == bytes);
    let tags = store.client.get_object_tagging().bucket(BUCKET).key("a").send().await.unwrap().tag_set;
    assert_eq!(tags[0].value, "test");

    let head = store.client.head_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!((head.content_length, head.e_tag), (Some(bytes.len() as i64), put.e_tag));
    let missing = store.client.get_object().bucket(BUCKET).key("b").send().await;
    assert_eq!(missing.refused(), ("NoSuchKey".to_owned(), 404));
    let missing = store.client.put_object().bucket("nowhere").key("b").send().await;
    assert_eq!(missing.refused(), ("NoSuchBucket".to_owned(), 404));

    store.put("empty", b"").await;
    assert_eq!(store.get("empty").await, b"");
    store.settles_at(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges() {
    let store = TestStore::start();
    store.put("a", b"0123456789").await;
    store.put("empty", b"").await;
    for (range, expected, header) in [
        ("bytes=2-5", "2345", "bytes 2-5/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=7-99", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let got = store.client.get_object().bucket(BUCKET).key("a").range(range).send().await.unwrap();
        assert_eq!(got.content_range.as_deref(), Some(header), "{range}");
        assert_eq!(got.body.collect().await.unwrap().to_vec(), expected.as_bytes(), "{range}");
    }
    for (key, range) in [("a", "bytes=10-"), ("a", "bytes=-0"), ("empty", "bytes=0-")] {
        let got = store.client.get_object().bucket(BUCKET).key(key).range(range).send().await;
        assert_eq!(got.refused(), ("InvalidRange".to_owned(), 416), "{range} of {key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_of_reads() {
    let store = TestStore::start();
    store.put("a", b"hello").await;
    let tag = store.client.head_object().bucket(BUCKET).key("a").send().await.unwrap().e_tag.unwrap();
    let get = || store.client.get_object().bucket(BUCKET).key("a");
    let (past, future) =
        (SystemTime::now() - Duration::from_secs(3600), SystemTime::now() + Duration::from_secs(3600));
    assert!(get().if_match(&tag).send().await.is_ok());
    assert_eq!(get().if_match("\"other\"").send().await.refused().1, 412);
    assert_eq!(get().if_none_match(&tag).send().await.refused().1, 304);
    assert!(get().if_none_match("\"other\"").send().await.is_ok());
    assert_eq!(get().if_modified_since(future.into()).send().await.refused().1, 304);
    assert!(get().if_modified_since(past.into()).send().await.is_ok());
    assert_eq!(get().if_unmodified_since(past.into()).send().await.refused().1, 412);
    assert!(get().if_unmodified_since(future.into()).send().await.is_ok());
    let head = store.client.head_object().bucket(BUCKET).key("a").if_none_match(&tag).send().await;
    assert_eq!(head.refused().1, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn response_overrides_of_a_presigned_get() {
    let store = TestStore::start();
    store.put("a", b"hello").await;
    let get = store.client.get_object().bucket(BUCKET).key("a");
    let get =
        get.response_content_disposition("attachment; filename=\"b.txt\"").response_content_type("text/x-b");
    let url = get.presigned(presigned()).await.unwrap().uri().to_owned();
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"b.txt\"");
    assert_eq!(answer.headers()["content-type"], "text/x-b");
    assert_eq!(answer.text().await.unwrap(), "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_puts_that_want_an_empty_place_one_wins() {
    let store = TestStore::start();
    let puts = (0..16).map(|seed| {
        let put = store.client.put_object().bucket(BUCKET).key("one").if_none_match("*");
        tokio::spawn(put.body(noise(200_000, seed).into()).send())
    });
    let mut won = Vec::new();
    for (seed, put) in puts.collect::<Vec<_>>().into_iter().enumerate() {
        match put.await.unwrap() {
            Ok(_) => won.push(seed as u64),
            refused => assert_eq!(refused.refused(), ("PreconditionFailed".to_owned(), 412)),
        }
    }
    assert_eq!(won.len(), 1);
    assert!(store.get("one").await == noise(200_000, won[0]));
    store.settles_at(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_checksums_are_refused_and_leave_nothing() {
    let store = TestStore::start();
    let body = b"the bytes that were meant";
    let put = || store.client.put_object().bucket(BUCKET).key("a").body(body.to_vec().into());
    let wrong = b"other bytes";
    let bad = ("BadDigest".to_owned(), 400);
    assert_eq!(put().content_md5(sum::<Md5>(wrong)).send().await.refused(), bad);
    assert_eq!(put().checksum_crc32(sum::<Crc32>(wrong)).send().await.refused(), bad);
    assert_eq!(put().checksum_crc32_c(sum::<Crc32c>(wrong)).send().await.refused(), bad);
    assert_eq!(put().checksum_crc64_nvme(sum::<Crc64Nvme>(wrong)).send().await.refused(), bad);
    assert_eq!(put().checksum_sha1(sum::<Sha1>(wrong)).send().await.refused(), bad);
    assert_eq!(put().checksum_sha256(sum::<Sha256>(wrong)).send().await.refused(), bad);
    assert_eq!(put().content_md5("bm8=").send().await.refused(), ("InvalidDigest".to_owned(), 400));
    assert_eq!(store.client.head_object().bucket(BUCKET).key("a").send().await.refused().1, 404);
    store.settles_at(0).await;

    put().content_md5(sum::<Md5>(body)).checksum_sha256(sum::<Sha256>(body)).send().await.unwrap();
    let head = store.client.head_object().bucket(BUCKET).key("a");
    assert_eq!(head.clone().send().await.unwrap().checksum_sha256, None);
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_sha256, Some(sum::<Sha256>(body)));
    assert_eq!(head.checksum_type.unwrap().as_str(), "FULL_OBJECT");
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_behind_the_body_are_verified_too() {
    let store = TestStore::start();
    // A stream makes the SDK send the checksum it computes as a trailer of an aws-chunked body.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), noise(300_000, 5)).unwrap();
    let body = aws_sdk_s3::primitives::ByteStream::from_path(file.path()).await.unwrap();
    let when = RequestChecksumCalculation::WhenSupported;
    let config = store.client.config().to_builder().request_checksum_calculation(when).build();
    let put = aws_sdk_s3::Client::from_conf(config).put_object().bucket(BUCKET).key("a").body(body);
    let put = put.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap();
    assert_eq!(put.checksum_crc64_nvme, Some(sum::<Crc64Nvme>(&noise(300_000, 5))));
    assert!(store.get("a").await == noise(300_000, 5));

    // The same by hand, with a wrong value.
    for (value, expected) in [(sum::<Crc32>(b"hello"), "200"), (sum::<Crc32>(b"jello"), "400")] {
        let host = store.addr.to_string();
        let headers = [
            ("host", host.as_str()),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-decoded-content-length", "5"),
        ];
        let url = format!("http://{host}/{BUCKET}/t");
        let signed = sign("PUT", &url, &headers, SignableBody::StreamingUnsignedPayloadTrailer);
        let body = format!("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{value}\r\n\r\n");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "PUT /{BUCKET}/t HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n\
            content-encoding: aws-chunked\r\n{headers}{signed}\r\n",
            body.len(),
        );
        let answer = raw(store.addr, &request, body.as_bytes()).unwrap();
        assert_eq!(&answer[9..12], expected, "{request}{answer}");
    }
    assert_eq!(store.get("t").await, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_keeps_reading_what_it_began_to_read() {
    let store = TestStore::start();
    let bytes = noise(24 * MIB, 9);
    store.put("a", &bytes).await;
    let mut got = store.client.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    let mut read = got.body.next().await.unwrap().unwrap().to_vec();
    store.put("a", b"new").await;
    store.client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    while let Some(chunk) = got.body.next().await {
        read.extend_from_slice(&chunk.unwrap());
    }
    assert!(read == bytes);
    store.settles_at(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes() {
    let store = TestStore::start();
    for key in ["a", "b", "c"] {
        store.put(key, key.as_bytes()).await;
    }
    store.client.delete_object().bucket(BUCKET).key("never there").send().await.unwrap();
    let id = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder().objects(id("a")).objects(id("none")).objects(id("b")).build().unwrap();
    let deleted = store.client.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (3, 0));
    assert_eq!(store.keys().await, ["c"]);
    store.settles_at(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_cannot_keep_it_refuses() {
    let store = TestStore::start();
    let put = || store.client.put_object().bucket(BUCKET).key("a");
    let keys = put().server_side_encryption(ServerSideEncryption::AwsKms).send().await;
    assert_eq!(keys.refused(), ("NotImplemented".to_owned(), 501));
    let locked = put().object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On).send().await;
    assert_eq!(locked.refused(), ("NotImplemented".to_owned(), 501));
    let refused = ("AccessControlListNotSupported".to_owned(), 400);
    let public = put().acl(ObjectCannedAcl::PublicRead).send().await;
    assert_eq!(public.refused(), refused);
    let create = store.client.create_multipart_upload().bucket(BUCKET).key("a");
    assert_eq!(create.acl(ObjectCannedAcl::PublicRead).send().await.refused(), refused);
    assert!(store.keys().await.is_empty());
    put().acl(ObjectCannedAcl::Private).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets() {
    let store = TestStore::start();
    let client = &store.client;
    client.create_bucket().bucket("second").send().await.unwrap();
    let again = client.create_bucket().bucket("second").send().await;
    assert_eq!(again.refused(), ("BucketAlreadyOwnedByYou".to_owned(), 409));
    let names: Vec<_> = client.list_buckets().send().await.unwrap().buckets.unwrap();
    assert_eq!(names.iter().map(|bucket| bucket.name().unwrap()).collect::<Vec<_>>(), ["second", BUCKET]);
    assert!(client.head_bucket().bucket("second").send().await.is_ok());
    assert_eq!(client.head_bucket().bucket("third").send().await.refused().1, 404);
    let location = client.get_bucket_location().bucket("second").send().await.unwrap();
    assert_eq!(location.location_constraint.unwrap().as_str(), REGION);
    client.put_object().bucket("second").key("..").send().await.unwrap();
    assert_eq!(client.delete_bucket().bucket("second").send().await.refused().0, "BucketNotEmpty");
    client.delete_object().bucket("second").key("..").send().await.unwrap();
    client.create_multipart_upload().bucket("second").key("k").send().await.unwrap();
    client.delete_bucket().bucket("second").send().await.unwrap();
    assert_eq!(client.list_objects_v2().bucket("second").send().await.refused().0, "NoSuchBucket");
    assert_eq!(client.create_bucket().bucket("Not_Valid").send().await.refused().1, 400);
}
