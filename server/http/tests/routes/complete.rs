//! Completing: once, whatever becomes of the answer, and only what the store has as it should be.

use partway_server::config::Settings;

use crate::support::*;

#[tokio::test]
async fn completing_twice_gives_the_same_answer() {
    let app = TestApp::start().await;
    for size in [10, PART + 1] {
        let upload = app.begin("a.bin", size).await;
        let sent = upload.send_all().await;
        // The first two at the same time, as when a client gives up on an answer and asks again.
        let (one, two) = tokio::join!(upload.complete(&sent), upload.complete(&sent));
        assert_eq!(one, two);
        assert_eq!(upload.complete(&sent).await, one);
        upload.assert_stored().await;
    }
}

/// The store completed the upload, and whoever asked it to never heard of it.
#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    let sent = upload.send_all().await;
    let part =
        aws_sdk_s3::types::CompletedPart::builder().part_number(1).e_tag(sent[0].etag.quoted()).build();
    let parts = aws_sdk_s3::types::CompletedMultipartUpload::builder().parts(part).build();
    let complete = app.store.complete_multipart_upload().bucket(BUCKET).key(&upload.grant.key);
    complete.upload_id(upload.upload_id()).multipart_upload(parts).send().await.unwrap();

    let completed = upload.complete(&sent).await;
    assert_eq!((completed.size, completed.checksum), (100, Some(Crc64Nvme::of(&upload.bytes).into())));
    // It is not taken for another file's.
    let other = CompleteUpload { checksum: Some(Crc64Nvme::EMPTY), ..upload.completion(&sent) };
    assert_eq!(upload.try_complete(&other).await.blamed(ErrorCode::ChecksumMismatch), "checksum");
}

#[tokio::test]
async fn a_list_that_is_not_the_plan_is_refused() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 2 * PART + 1).await;
    let sent = upload.send_all().await;
    let right = upload.completion(&sent);
    let parts = |numbers: &[usize]| {
        let parts = numbers.iter().map(|number| sent[number - 1].clone()).collect();
        CompleteUpload { parts, ..right.clone() }
    };
    for (numbers, code, field) in [
        (&[][..], ErrorCode::PartMissing, "parts"),
        (&[1, 2], ErrorCode::PartMissing, "parts"),
        (&[1, 3], ErrorCode::PartMissing, "parts"),
        (&[2, 3], ErrorCode::PartMissing, "parts"),
        (&[1, 2, 2, 3], ErrorCode::PartDuplicate, "parts[2].part_number"),
        (&[1, 1], ErrorCode::PartDuplicate, "parts[1].part_number"),
        (&[1, 2, 3, 1], ErrorCode::PartDuplicate, "parts[3].part_number"),
        (&[2, 1, 3], ErrorCode::InvalidField, "parts[1].part_number"),
        (&[1, 3, 2], ErrorCode::InvalidField, "parts[2].part_number"),
        (&[3, 1, 3], ErrorCode::InvalidField, "parts[1].part_number"),
    ] {
        assert_eq!(upload.try_complete(&parts(numbers)).await.blamed(code), field, "{numbers:?}");
    }
    for (pointer, value, code, field) in [
        ("/parts/2/part_number", json!(4), ErrorCode::PartOutOfPlan, "parts[2].part_number"),
        ("/parts/2/part_number", json!(10_000), ErrorCode::PartOutOfPlan, "parts[2].part_number"),
        ("/parts/2/part_number", json!(10_001), ErrorCode::InvalidField, "parts[2].part_number"),
        ("/parts/0/part_number", json!(0), ErrorCode::InvalidField, "parts[0].part_number"),
        ("/parts/1/etag", json!(sent[0].etag), ErrorCode::PartMismatch, "parts[1].etag"),
        ("/parts/1/etag", json!(""), ErrorCode::PartMismatch, "parts[1].etag"),
        ("/checksum", json!(Crc64Nvme::of(b"another file")), ErrorCode::ChecksumMismatch, "checksum"),
        ("/checksum", json!(null), ErrorCode::InvalidField, "checksum"),
    ] {
        let asked = changed(&right, pointer, value);
        assert_eq!(upload.try_complete(&asked).await.blamed(code), field, "{asked}");
    }
    assert!(!app.exists(&upload.grant.key).await);
    assert_eq!(upload.finish().await.part_count, 3);
}

#[tokio::test]
async fn the_store_has_the_last_word() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", PART + 100).await;
    let first = upload.send([1]).await.remove(0);
    let put = |bytes: Vec<u8>| {
        let put = app.store.upload_part().bucket(BUCKET).key(&upload.grant.key);
        put.upload_id(upload.upload_id()).part_number(2).body(bytes.into()).send()
    };
    let complete = async |etag: &str| {
        let second = CompletedPart { part_number: number(2), etag: ETag::new(etag) };
        upload.try_complete(&upload.completion(&[first.clone(), second])).await
    };
    // A part that was never sent.
    assert_eq!(complete("none").await.blamed(ErrorCode::PartMissing), "parts[1]");
    // Parts that came by another way than the signed one, too short and of other bytes.
    let short = put(noise(99, 2)).await.unwrap().e_tag.unwrap();
    assert_eq!(complete(&short).await.blamed(ErrorCode::PartMismatch), "parts[1]");
    let other = put(noise(100, 2)).await.unwrap().e_tag.unwrap();
    assert_eq!(complete(&other).await.blamed(ErrorCode::ChecksumMismatch), "checksum");
    // A good one, and then another in its place.
    let good = upload.send([2]).await.remove(0).etag;
    put(noise(100, 3)).await.unwrap();
    assert_eq!(complete(good.as_str()).await.blamed(ErrorCode::PartMismatch), "parts[1].etag");

    assert!(!app.exists(&upload.grant.key).await);
    upload.send([2]).await;
    upload.finish().await;
}

#[tokio::test]
async fn the_store_takes_exactly_the_bytes_that_were_signed() {
    let app = TestApp::start().await;
    for size in [10, 100] {
        let upload = app.begin("a.bin", size).await;
        let put = upload.sign([1]).await.remove(0);
        let mut altered = upload.bytes.clone();
        altered[size / 2] ^= 1;
        let longer = [&upload.bytes[..], b"x"].concat();
        for (body, status) in [(&altered[..], 400), (&longer, 403), (&upload.bytes[1..], 403), (b"", 403)] {
            let answer = put_bytes(&app.http, &put, body).await;
            assert_eq!(answer.status, status, "{} bytes: {}", body.len(), answer.text());
        }
        // Nor does it take other bytes with a checksum of their own.
        let mut forged = put.clone();
        forged.headers.insert("x-amz-checksum-crc64nvme".to_owned(), Crc64Nvme::of(&altered).to_string());
        assert_eq!(put_bytes(&app.http, &forged, &altered).await.status, 403);
        forged.headers.remove("x-amz-checksum-crc64nvme");
        assert_eq!(put_bytes(&app.http, &forged, &altered).await.status, 403);
        assert_eq!(upload.list().await, []);
        assert!(!app.exists(&upload.grant.key).await);
        assert_eq!(put_bytes(&app.http, &put, &upload.bytes).await.status, 200, "the URL is still good");
        upload.finish().await;
    }
}

#[tokio::test]
async fn without_checksums_lengths_are_still_exact() {
    let none = |settings: &mut Settings| settings.uploads.checksum = ChecksumSetting::None;
    let app = TestApp::with(none).await;
    for size in [10, 100] {
        let upload = app.begin("a.bin", size).await;
        let put = upload.sign([1]).await.remove(0);
        for length in [0, size - 1, size + 1] {
            assert_eq!(put_bytes(&app.http, &put, &noise(length, 1)).await.status, 403, "{length}");
        }
        assert_eq!(upload.finish().await.size, size as u64);
    }
}

#[tokio::test]
async fn a_single_put_is_looked_at_too() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 10).await;
    let part = |etag: &str| [CompletedPart { part_number: number(1), etag: ETag::new(etag) }];
    let early = upload.try_complete(&upload.completion(&part("none"))).await;
    assert_eq!(early.blamed(ErrorCode::PartMissing), "parts[0]");
    let sent = upload.send_all().await;
    let wrong = upload.try_complete(&upload.completion(&part("none"))).await;
    assert_eq!(wrong.blamed(ErrorCode::PartMismatch), "parts[0].etag");
    let wrong = CompleteUpload { checksum: Some(Crc64Nvme::EMPTY), ..upload.completion(&sent) };
    assert_eq!(upload.try_complete(&wrong).await.blamed(ErrorCode::ChecksumMismatch), "checksum");
    upload.complete(&sent).await;
}

/// The longest list that there can be is within the largest body that is read.
#[tokio::test]
async fn ten_thousand_parts_can_be_completed() {
    let app = TestApp::start().await;
    let grant = accepted(app.create(vec![file("tape.tar", 10_000 * PART as u64)]).await.remove(0));
    let etag = ETag::new(&format!("{}-1", "0".repeat(64)));
    let parts = (1..=10_000).map(|part| CompletedPart { part_number: number(part), etag: etag.clone() });
    let asked =
        CompleteUpload { token: grant.token, parts: parts.collect(), checksum: Some(Crc64Nvme::EMPTY) };
    let answer = Completed(app.post("/v1/uploads/complete", &CompleteUploads { uploads: vec![asked] }).await);
    assert_eq!(answer.blamed(ErrorCode::PartMissing), "parts[0]", "all were read, and the store has none");
}
