//! Stories that end well: a file is created, sent and completed, and the object is the file.

use partway_server::config::UploadsConfig;
use partway_shared::plan::Strategy;

use crate::support::*;

#[tokio::test]
async fn a_file_of_no_bytes_or_one_is_a_single_put() {
    let app = TestApp::start().await;
    for size in [0, 1] {
        let upload = app.begin("note.txt", size).await;
        assert_eq!(upload.grant.strategy, Strategy::SinglePut);
        let completed = upload.finish().await;
        assert_eq!((completed.size, completed.part_count), (size as u64, 1));
        assert_eq!(completed.checksum, Some(Crc64Nvme::of(&upload.bytes).into()));
        assert!(app.open_uploads().await.is_empty());
    }
}

/// The whole story with the limits that come out of the box, under which the first URLs come with the grant.
#[tokio::test]
async fn a_large_file_goes_in_parts() {
    let app = TestApp::with(|settings| settings.uploads = UploadsConfig::default()).await;
    let bytes = noise(16 * MIB + 3, 1);
    let asked = NewUpload {
        content_type: Some("video/mp4".to_owned()),
        part_size: Some(PART as u64),
        checksums: bytes.chunks(PART).take(2).map(|part| Crc64Nvme::of(part).into()).collect(),
        last_modified: Some(-1),
        path: Some("Ferien/film.mp4".to_owned()),
        ..file("film.mp4", 0)
    };
    let upload = app.begin_as(asked, bytes).await;
    assert_eq!(upload.grant.strategy, Strategy::equal(PART as u64));
    assert!(upload.grant.key.ends_with("/film.mp4"), "{}", upload.grant.key);

    let window: Vec<_> = upload.grant.parts.iter().map(|put| put.part_number.get()).collect();
    assert_eq!(window, [1, 2], "as many as checksums came along");
    let mut sent = Vec::new();
    for put in &upload.grant.parts {
        let answer = put_bytes(&app.http, put, upload.piece(put.part_number.get())).await;
        let etag = ETag::new(answer.header("etag").expect("an ETag"));
        sent.push(CompletedPart { part_number: put.part_number, etag });
    }
    // The rest in an order of its own, as parallel parts arrive.
    sent.extend(upload.send([4, 3]).await);
    sent.sort_by_key(|part| part.part_number);

    let listed = upload.list().await;
    assert_eq!(listed.iter().map(|part| part.size).sum::<u64>(), upload.bytes.len() as u64);
    assert!(listed.iter().map(|part| &part.etag).eq(sent.iter().map(|part| &part.etag)));

    let completed = upload.complete(&sent).await;
    upload.assert_stored().await;
    let head = app.store.head_object().bucket(BUCKET).key(&completed.key).send().await.unwrap();
    assert_eq!(head.content_type.as_deref(), Some("video/mp4"));
    assert_eq!(head.content_disposition, None, "a browser plays it in place");
    assert_eq!(
        completed,
        CompletedUpload {
            bucket: BUCKET.to_owned(),
            location: format!("{}/{BUCKET}/{}", app.store_origin, upload.grant.key),
            key: upload.grant.key.clone(),
            etag: ETag::new(&head.e_tag.unwrap()),
            size: upload.bytes.len() as u64,
            verified: ChecksumKind::Crc64Nvme,
            checksum: Some(Crc64Nvme::of(&upload.bytes).into()),
            version_id: None,
            part_count: 4,
        }
    );
}

#[tokio::test]
async fn without_checksums_the_first_urls_come_at_once() {
    let app = TestApp::with(|settings| settings.uploads.checksum = ChecksumSetting::None).await;
    let upload = app.begin("disk.img", 17 * PART).await;
    let window: Vec<_> = upload.grant.parts.iter().map(|put| put.part_number.get()).collect();
    assert_eq!(window, (1..=16).collect::<Vec<_>>());
    assert!(upload.grant.parts.iter().all(|put| put.headers.is_empty()));

    let upload = app.begin("photo.raw", PART + 1).await;
    let completed = upload.finish().await;
    assert_eq!((completed.size, completed.verified), (PART as u64 + 1, ChecksumKind::None));
    let single = app.begin("note.txt", 5).await;
    assert_eq!(single.finish().await.part_count, 1);
}

/// Types are shared by both sides, so a renamed field would pass unnoticed in the other tests.
#[tokio::test]
async fn the_words_on_the_wire() {
    let app = TestApp::start().await;
    let checksum = Crc64Nvme::of(b"hello").to_string();
    let asked = json!({ "files": [{
        "name": "hello.txt", "size": 5, "type": "text/plain", "last_modified": 1_700_000_000_000_i64,
        "path": "in/hello.txt", "part_size": PART, "checksums": [checksum]
    }] });
    let created: serde_json::Value = app.post("/v1/uploads", &asked).await.is(201);
    let grant = &created["uploads"][0]["accepted"];
    assert_eq!((&grant["strategy"], &grant["checksum"]), (&json!("single_put"), &json!("crc64_nvme")));
    assert_eq!(grant["hosts"], 1);
    assert_eq!(grant["expires_in"], 7 * 24 * 60 * 60);
    let put = &grant["parts"][0];
    assert_eq!((&put["part_number"], &put["expires_in"]), (&json!(1), &json!(900)));
    assert_eq!(put["headers"], serde_json::Value::Null, "a form has none");
    let fields = &put["form"];
    assert_eq!(fields["x-amz-checksum-crc64nvme"], checksum);
    assert!(fields["key"].as_str().unwrap().starts_with(".partway/incoming/"), "{fields}");

    let token = &grant["token"];
    let asked = json!({ "token": token, "parts": [{ "part_number": 1, "checksum": checksum }] });
    let signed: serde_json::Value = app.post("/v1/uploads/sign", &asked).await.is(200);
    let headers = json!({
        "content-disposition": "attachment", "content-type": "application/octet-stream",
        "x-amz-checksum-crc64nvme": checksum,
    });
    assert_eq!((&signed["parts"][0]["headers"], signed["parts"][0].get("form")), (&headers, None));
    let answer =
        put_bytes(&app.http, &serde_json::from_value(signed["parts"][0].clone()).unwrap(), b"hello").await;
    let etag = answer.header("etag").unwrap();

    // With the quotes that the header has.
    let one = json!({ "token": token, "parts": [{ "part_number": 1, "etag": etag }], "checksum": checksum });
    let completed: serde_json::Value =
        app.post("/v1/uploads/complete", &json!({ "uploads": [one] })).await.is(200);
    let key = grant["key"].as_str().unwrap();
    let object = json!({
        "bucket": BUCKET, "key": key, "location": format!("{}/{BUCKET}/{key}", app.store_origin),
        "etag": "5d41402abc4b2a76b9719d911017c592", "size": 5, "part_count": 1, "version_id": null,
        "verified": "crc64_nvme",
        "checksum": { "algorithm": "CRC64NVME", "value": checksum },
    });
    assert_eq!(completed, json!({ "uploads": [{ "completed": object }] }));
}

#[tokio::test]
async fn what_a_browser_would_run_is_stored_as_a_download() {
    let app = TestApp::start().await;
    // One in a single PUT, whose headers are signed, and one in parts, whose headers the server sends.
    for size in [10, 100] {
        let page =
            NewUpload { content_type: Some("Text/HTML; charset=utf-8".to_owned()), ..file("ü.html", 0) };
        let upload = app.begin_as(page, noise(size, 1)).await;
        let key = upload.finish().await.key;
        let head = app.store.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(head.content_type.as_deref(), Some("text/html; charset=utf-8"), "as it was read");
        assert_eq!(head.content_disposition.as_deref(), Some("attachment; filename*=UTF-8''%C3%BC.html"));
    }
}

/// The type decides whether an object is a download, so the client must not choose it after the server has.
#[tokio::test]
async fn the_type_that_was_asked_for_is_the_one_that_is_stored() {
    let app = TestApp::start().await;
    for asked in [None, Some("image/png")] {
        let new = NewUpload { content_type: asked.map(str::to_owned), ..file("a.png", 0) };
        let upload = app.begin_as(new, noise(10, 1)).await;
        let mut put = upload.sign([1]).await.remove(0);
        put.headers.insert("content-type".to_owned(), "text/html".to_owned());
        assert_eq!(put_bytes(&app.http, &put, &upload.bytes).await.status, 403, "asked for {asked:?}");
        assert!(!app.exists(&upload.grant.key).await);
        upload.finish().await;
    }
}

#[tokio::test]
async fn names_become_keys_without_surprises() {
    let app = TestApp::with(|settings| settings.uploads.key_prefix = "incoming/".to_owned()).await;
    for (name, last) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\a.txt", "a.txt"),
        ("a\0b\r\nc.txt", "a_b_c.txt"),
        ("..", "file"),
        ("写真 (1).png", "写真 (1).png"),
        ("%2e%2e%2fx?y#z", "_2e_2e_2fx_y_z"),
        ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
    ] {
        for size in [3, 100] {
            let upload = app.begin(name, size).await;
            let key = upload.finish().await.key;
            let [prefix, uuid, rest] = key.split('/').collect::<Vec<_>>()[..] else { panic!("{key}") };
            assert_eq!((prefix, uuid.len(), rest), ("incoming", 36, last), "{name:?}");
        }
    }
    let long = format!("{}.tar", "ä".repeat(2_000));
    let upload = app.begin(&long, 3).await;
    assert!(upload.finish().await.key.ends_with("ä.tar"));
}
