//! Going on: what the store has is listed, and only the rest is sent.

use crate::support::*;

#[tokio::test]
async fn what_is_stored_need_not_be_sent_again() {
    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", 2 * PART + 7).await;
    assert_eq!(upload.list().await, []);
    let sent = upload.send([3, 1]).await;
    let listed = upload.list().await;
    let expected = [(1, PART as u64, &sent[1].etag), (3, 7, &sent[0].etag)];
    let expected = expected.map(|(part, size, etag)| StoredPart {
        part_number: number(part),
        size,
        etag: etag.clone(),
        checksum: Some(Crc64Nvme::of(upload.piece(part)).into()),
    });
    assert_eq!(listed, expected);
    upload.finish().await;
}

#[tokio::test]
async fn a_part_sent_twice_counts_once() {
    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", PART + 7).await;
    let once = upload.send([2]).await;
    let twice = upload.send([2]).await;
    assert_eq!(once, twice);
    assert_eq!(upload.list().await.len(), 1);
    upload.finish().await;
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", PART + 7).await;
    let sent = upload.send([1]).await;
    let (grant, bytes) = (upload.grant.clone(), upload.bytes.clone());
    let app = app.restart().await;
    let upload = Upload::new(&app, grant, bytes);
    let listed = upload.list().await;
    assert_eq!((listed.len(), &listed[0].etag), (1, &sent[0].etag));
    upload.finish().await;
}

/// ListParts gives 1,000 parts a page. The store checks sizes when the upload completes, so parts
/// of one byte, put there past the routes, are enough to fill several.
#[tokio::test]
async fn all_pages_are_listed() {
    let app = TestApp::start().await;
    let grant = accepted(app.create(vec![file("tape.tar", 2_001 * PART as u64)]).await.remove(0));
    let upload_id = claims(&grant.token).upload_id.unwrap();
    let put = |part: i32| {
        let put = app.store.upload_part().bucket(BUCKET).key(&grant.key).upload_id(&upload_id);
        put.part_number(part).body(vec![part as u8].into()).send()
    };
    for window in (1..=2_001).collect::<Vec<_>>().chunks(64) {
        for put in futures_util::future::join_all(window.iter().map(|&part| put(part))).await {
            put.unwrap();
        }
    }
    let listed: ListedParts = app.list_of(&grant.token).await.is(200);
    assert!(listed.parts.iter().map(|part| part.part_number.get()).eq(1..=2_001), "{}", listed.parts.len());
    assert!(listed.parts.iter().all(|part| part.size == 1));
}

#[tokio::test]
async fn a_single_put_has_no_parts_to_list() {
    let app = TestApp::start().await;
    let upload = app.begin("note.txt", 5).await;
    assert_eq!(upload.listed().await, ListedParts { parts: Vec::new(), completed: None });
    let completed = upload.finish().await;
    assert_eq!(upload.listed().await, ListedParts { parts: Vec::new(), completed: Some(completed) });
}

/// Whoever comes back has to learn whether the upload is lost or done.
#[tokio::test]
async fn an_upload_that_has_ended_says_how() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    let completed = upload.finish().await;
    assert_eq!(upload.listed().await, ListedParts { parts: Vec::new(), completed: Some(completed) });
    let upload = app.begin("a.bin", 100).await;
    upload.abort().await;
    upload.try_list().await.refused(ErrorCode::UploadGone);
    // An object that came by another way is not taken for the file.
    for (size, is_file) in [(99, false), (100, true)] {
        let put = app.store.put_object().bucket(BUCKET).key(&upload.grant.key).body(noise(size, 1).into());
        put.send().await.unwrap();
        let answer = upload.try_list().await;
        if is_file {
            assert_eq!(answer.is::<ListedParts>(200).completed.unwrap().size, 100);
        } else {
            answer.refused(ErrorCode::UploadGone);
        }
    }
}
