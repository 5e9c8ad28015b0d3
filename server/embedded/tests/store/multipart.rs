//! Multipart uploads over the real SDK: what completes, what is refused, and what is left behind.

use crate::support::*;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedPart};
use s3s::crypto::{Checksum as _, Crc32c, Crc64Nvme, Md5, Sha256};

const PART: usize = 5 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn parts_become_the_object_and_unused_ones_go() {
    let store = TestStore::start();
    let create = store
        .client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .content_type("text/x")
        .metadata("m", "1");
    let id = create.send().await.unwrap().upload_id.unwrap();
    let pieces = [noise(PART, 1), noise(PART + 3, 2), noise(10, 3)];
    let mut parts = Vec::new();
    // Out of order, one of them twice, and one that Complete leaves out.
    for (number, piece) in
        [(9, &pieces[2]), (1, &pieces[1]), (1, &pieces[0]), (4, &pieces[1]), (5, &pieces[2])]
    {
        let part = store.part("a", &id, number, piece).await;
        parts.retain(|known: &CompletedPart| known.part_number != part.part_number);
        parts.push(part);
    }
    store.settles_at(4).await;
    parts.sort_by_key(|part| part.part_number);
    parts.retain(|part| part.part_number != Some(5));
    // Without quotes, as some clients send them.
    parts[0].e_tag = parts[0].e_tag.as_ref().map(|etag| etag.trim_matches('"').to_owned());
    let complete = || {
        let complete = store.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        complete.multipart_upload(completed(parts.clone()))
    };
    let done = complete().mpu_object_size((2 * PART + 13) as i64).send().await.unwrap();
    let md5s: Vec<u8> = pieces.iter().flat_map(|piece| Md5::checksum(piece)).collect();
    let expected: String = Md5::checksum(&md5s).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(done.e_tag, Some(format!("\"{expected}-3\"")));
    assert!(store.get("a").await == pieces.concat());
    store.settles_at(3).await;

    let head = store.client.head_object().bucket(BUCKET).key("a").part_number(2).send().await.unwrap();
    assert_eq!((head.parts_count, head.content_length), (Some(3), Some(PART as i64 + 3)));
    assert_eq!(head.content_type.as_deref(), Some("text/x"));
    let across = format!("bytes={}-{}", PART - 2, 2 * PART + 5);
    let got = store.client.get_object().bucket(BUCKET).key("a").range(across).send().await.unwrap();
    assert!(got.body.collect().await.unwrap().to_vec() == pieces.concat()[PART - 2..2 * PART + 6]);

    // The upload is over: a second Complete gives the same answer, whatever has become of the object, and there is no
    // late part and no listing.
    let again = complete().if_none_match("*").send().await.unwrap();
    assert_eq!((again.e_tag, again.checksum_crc64_nvme), (done.e_tag, done.checksum_crc64_nvme));
    let other = store.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    let other = other.multipart_upload(completed(parts[..1].to_vec())).send().await;
    assert_eq!(other.refused(), ("NoSuchUpload".to_owned(), 404));
    let late = store
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&id)
        .part_number(1)
        .body(noise(9, 9).into());
    assert_eq!(late.send().await.refused(), ("NoSuchUpload".to_owned(), 404));
    let list = store.client.list_parts().bucket(BUCKET).key("a").upload_id(&id).send().await;
    assert_eq!(list.refused(), ("NoSuchUpload".to_owned(), 404));
    assert!(store.get("a").await == pieces.concat());

    // A copy of it shares its parts.
    store
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("b")
        .copy_source(format!("{BUCKET}/a"))
        .send()
        .await
        .unwrap();
    store.client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    store.settles_at(3).await;
    assert!(store.get("b").await == pieces.concat());
    store.client.delete_object().bucket(BUCKET).key("b").send().await.unwrap();
    store.settles_at(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complete_is_refused_unless_its_list_is_right() {
    let store = TestStore::start();
    let id = store.create("a").await;
    let one = store.part("a", &id, 1, &noise(PART, 1)).await;
    let small = store.part("a", &id, 2, b"small").await;
    let three = store.part("a", &id, 3, b"last").await;
    let wrong = CompletedPart::builder().part_number(1).e_tag("\"00000000000000000000000000000000\"").build();
    let missing = CompletedPart::builder().part_number(7).set_e_tag(one.e_tag.clone()).build();
    let complete = |parts: &[&CompletedPart]| {
        let complete = store.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        complete.multipart_upload(completed(parts.iter().copied().cloned()))
    };
    for (parts, code) in [
        (vec![&wrong], "InvalidPart"),
        (vec![&one, &missing], "InvalidPart"),
        (vec![&three, &one], "InvalidPartOrder"),
        (vec![&one, &one], "InvalidPartOrder"),
        (vec![&one, &small, &three], "EntityTooSmall"),
    ] {
        assert_eq!(complete(&parts).send().await.refused(), (code.to_owned(), 400), "{parts:?}");
    }
    let size = complete(&[&one, &three]).mpu_object_size(7).send().await;
    assert_eq!(size.refused(), ("InvalidRequest".to_owned(), 400));
    assert_eq!(store.client.head_object().bucket(BUCKET).key("a").send().await.refused().1, 404);

    // The id is good for its own key only.
    let other = store.client.complete_multipart_upload().bucket(BUCKET).key("b").upload_id(&id);
    let other = other.multipart_upload(completed([one.clone()])).send().await;
    assert_eq!(other.refused(), ("NoSuchUpload".to_owned(), 404));
    let other = store.client.upload_part().bucket(BUCKET).key("b").upload_id(&id).part_number(1).send().await;
    assert_eq!(other.refused(), ("NoSuchUpload".to_owned(), 404));
    let other = store.client.abort_multipart_upload().bucket(BUCKET).key("b").upload_id(&id).send().await;
    assert_eq!(other.refused(), ("NoSuchUpload".to_owned(), 404));
    for number in [0, 10_001] {
        let part = store
            .client
            .upload_part()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&id)
            .part_number(number)
            .send()
            .await;
        assert_eq!(part.refused(), ("InvalidArgument".to_owned(), 400));
    }

    store.put("a", b"there before").await;
    let taken = complete(&[&one, &three]).if_none_match("*").send().await;
    assert_eq!(taken.refused(), ("PreconditionFailed".to_owned(), 412));
    assert_eq!(store.get("a").await, b"there before");
    complete(&[&one, &three]).send().await.unwrap();
    assert_eq!(store.get("a").await.len(), PART + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_completes_of_one_key_one_wins_and_a_racing_part_changes_nothing() {
    let store = TestStore::start();
    for round in 0..8 {
        let key = format!("race-{round}");
        let (first, second) = (store.create(&key).await, store.create(&key).await);
        let parts =
            [store.part(&key, &first, 1, b"first").await, store.part(&key, &second, 1, b"second").await];
        let completes = [&first, &second].into_iter().zip(parts).map(|(id, part)| {
            let complete = store.client.complete_multipart_upload().bucket(BUCKET).key(&key).upload_id(id);
            tokio::spawn(complete.multipart_upload(completed([part])).if_none_match("*").send())
        });
        let late = store.client.upload_part().bucket(BUCKET).key(&key).upload_id(&first).part_number(1);
        let late = tokio::spawn(late.body(b"late".to_vec().into()).send());
        let completes: Vec<_> = completes.collect();
        let mut won = 0;
        for complete in completes {
            won += usize::from(complete.await.unwrap().is_ok());
        }
        // The late part may have come first; then the first Complete names a part that is no longer
        // there.
        let early = late.await.unwrap().is_ok();
        assert!(won == 1, "{won} won, early: {early}");
        let object = store.get(&key).await;
        assert!(object == b"first" || object == b"second", "{object:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_listed_in_order_and_by_pages() {
    let store = TestStore::start();
    let create = store.client.create_multipart_upload().bucket(BUCKET).key("a");
    let id = create.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap().upload_id.unwrap();
    for number in [11, 2, 10_000, 1, 100, 9] {
        store.part("a", &id, number, format!("part {number}").as_bytes()).await;
    }
    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let page = store.client.list_parts().bucket(BUCKET).key("a").upload_id(&id).max_parts(2);
        let page = page.set_part_number_marker(marker).send().await.unwrap();
        assert_eq!(page.checksum_algorithm, Some(ChecksumAlgorithm::Crc64Nvme));
        for part in page.parts() {
            let (number, bytes) = (part.part_number.unwrap(), format!("part {}", part.part_number.unwrap()));
            assert_eq!(part.size, Some(bytes.len() as i64));
            // Computed even though no request gave it.
            assert_eq!(part.checksum_crc64_nvme, Some(sum::<Crc64Nvme>(bytes.as_bytes())));
            listed.push(number);
        }
        if page.is_truncated != Some(true) {
            break;
        }
        marker = page.next_part_number_marker;
    }
    assert_eq!(listed, [1, 2, 9, 11, 100, 10_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_listed_by_pages_and_aborted_ones_leave_nothing() {
    let store = TestStore::start();
    let mut all = Vec::new();
    for key in ["a", "b/1", "b/2", "b/2", "c"] {
        let id = store.create(key).await;
        store.part(key, &id, 1, b"x").await;
        all.push((key.to_owned(), id));
    }
    let (mut listed, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let page = store.client.list_multipart_uploads().bucket(BUCKET).max_uploads(2);
        let page = page.set_key_marker(key).set_upload_id_marker(id).send().await.unwrap();
        listed.extend(
            page.uploads()
                .iter()
                .map(|upload| (upload.key.clone().unwrap(), upload.upload_id.clone().unwrap())),
        );
        if page.is_truncated != Some(true) {
            break;
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
    }
    all.sort();
    assert_eq!(listed, all);
    let groups = store.client.list_multipart_uploads().bucket(BUCKET).delimiter("/").send().await.unwrap();
    assert_eq!((groups.uploads().len(), groups.common_prefixes()[0].prefix()), (2, Some("b/")));
    let inner = store.client.list_multipart_uploads().bucket(BUCKET).prefix("b/").send().await.unwrap();
    assert_eq!(inner.uploads().len(), 3);
    for (key, id) in all {
        store.client.abort_multipart_upload().bucket(BUCKET).key(key).upload_id(id).send().await.unwrap();
    }
    assert!(store.client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap().uploads().is_empty());
    store.settles_at(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checksum_of_the_whole_object_is_combined_and_compared() {
    let store = TestStore::start();
    let pieces = [noise(PART, 1), noise(PART + 1, 2), noise(77, 3)];
    let whole = pieces.concat();
    for (algorithm, right, wrong) in [
        (ChecksumAlgorithm::Crc64Nvme, sum::<Crc64Nvme>(&whole), sum::<Crc64Nvme>(b"")),
        (ChecksumAlgorithm::Crc32C, sum::<Crc32c>(&whole), sum::<Crc32c>(b"")),
    ] {
        let create = store
            .client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .checksum_algorithm(algorithm.clone());
        let created = create.checksum_type(ChecksumType::FullObject).send().await.unwrap();
        assert_eq!(created.checksum_type, Some(ChecksumType::FullObject));
        let id = created.upload_id.unwrap();
        let mut parts = Vec::new();
        for (number, piece) in (1..).zip(&pieces) {
            parts.push(store.part("a", &id, number, piece).await);
        }
        let complete = |value: &str| {
            let complete = store.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
            let complete =
                complete.multipart_upload(completed(parts.clone())).checksum_type(ChecksumType::FullObject);
            match algorithm {
                ChecksumAlgorithm::Crc64Nvme => complete.checksum_crc64_nvme(value),
                _ => complete.checksum_crc32_c(value),
            }
        };
        assert_eq!(complete(&wrong).send().await.refused(), ("BadDigest".to_owned(), 400));
        let done = complete(&right).send().await.unwrap();
        assert_eq!(done.checksum_crc32_c.or(done.checksum_crc64_nvme), Some(right.clone()));
        let head = store.client.head_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        assert_eq!(head.checksum_crc32_c.or(head.checksum_crc64_nvme), Some(right));
        assert_eq!(head.checksum_type, Some(ChecksumType::FullObject));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn composite_checksums_are_those_of_the_parts_checksums() {
    let store = TestStore::start();
    let pieces = [noise(PART, 1), noise(5, 2)];
    let create = store.client.create_multipart_upload().bucket(BUCKET).key("a");
    let id = create.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap().upload_id.unwrap();
    let (mut parts, mut joined) = (Vec::new(), Vec::new());
    for (number, piece) in (1..).zip(&pieces) {
        let value = sum::<Sha256>(piece);
        let part = store.client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(number);
        let part = part.checksum_sha256(&value).body(piece.clone().into()).send().await.unwrap();
        joined.extend(Sha256::checksum(piece));
        let part =
            CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).checksum_sha256(value).build();
        parts.push(part);
    }
    let complete = || store.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    let mut wrong = parts.clone();
    wrong[0].checksum_sha256 = Some(sum::<Sha256>(b""));
    let refused = complete().multipart_upload(completed(wrong)).send().await;
    assert_eq!(refused.refused(), ("InvalidPart".to_owned(), 400));
    let refused = complete()
        .multipart_upload(completed(parts.clone()))
        .checksum_sha256(sum::<Sha256>(b""))
        .send()
        .await;
    assert_eq!(refused.refused(), ("BadDigest".to_owned(), 400));
    let done = complete().multipart_upload(completed(parts)).send().await.unwrap();
    assert_eq!(done.checksum_sha256, Some(format!("{}-2", sum::<Sha256>(&joined))));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_with_wrong_checksums_are_refused() {
    let store = TestStore::start();
    let create = store.client.create_multipart_upload().bucket(BUCKET).key("a");
    let id = create.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap().upload_id.unwrap();
    let part = || {
        let part = store.client.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(1);
        part.body(b"right".to_vec().into())
    };
    let bad = ("BadDigest".to_owned(), 400);
    assert_eq!(part().checksum_crc64_nvme(sum::<Crc64Nvme>(b"wrong")).send().await.refused(), bad);
    assert_eq!(part().content_md5(sum::<Md5>(b"wrong")).send().await.refused(), bad);
    let other = part().checksum_crc32_c(sum::<Crc32c>(b"right")).send().await;
    assert_eq!(other.refused(), ("InvalidRequest".to_owned(), 400));
    store.settles_at(0).await;
    let sent = part().checksum_crc64_nvme(sum::<Crc64Nvme>(b"right")).send().await.unwrap();
    assert_eq!(sent.checksum_crc64_nvme, Some(sum::<Crc64Nvme>(b"right")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_can_be_copied_from_an_object() {
    let store = TestStore::start();
    let bytes = noise(PART + 100, 4);
    store.put("from", &bytes).await;
    let id = store.create("a").await;
    let copy = |number: i32, range: &str| {
        let copy = store.client.upload_part_copy().bucket(BUCKET).key("a").upload_id(&id).part_number(number);
        copy.copy_source(format!("{BUCKET}/from")).copy_source_range(range)
    };
    let mut parts = Vec::new();
    for (number, range) in [(1, format!("bytes=0-{}", PART - 1)), (2, "bytes=5-9".to_owned())] {
        let copied = copy(number, &range).send().await.unwrap().copy_part_result.unwrap();
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(copied.e_tag).build());
    }
    let outside = copy(3, &format!("bytes=0-{}", PART + 100)).send().await;
    assert_eq!(outside.refused().0, "InvalidRange");
    let complete = store.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    complete.multipart_upload(completed(parts)).send().await.unwrap();
    assert!(store.get("a").await == [&bytes[..PART], &bytes[5..10]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_depends_on_the_number_of_parts_only() {
    let store = TestStore::start();
    let create = store.client.create_multipart_upload().bucket(BUCKET).key("a");
    let id = create.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap().upload_id.unwrap();
    let piece = noise(16 * MIB, 1);
    let mut parts = Vec::new();
    for number in 1..=16 {
        parts.push(store.part("a", &id, number, &piece).await);
    }
    let complete = store.client.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    let start = std::time::Instant::now();
    complete.multipart_upload(completed(parts)).send().await.unwrap();
    assert!(start.elapsed().as_millis() < 200, "{:?}", start.elapsed());
}
