//! Aborting: the parts go, and what is completed stays.

use crate::support::*;

#[tokio::test]
async fn aborting_removes_the_parts_and_may_be_repeated() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", PART + 1).await;
    let late = upload.sign([2]).await.remove(0);
    let sent = upload.send([1]).await;
    assert_eq!(app.open_uploads().await, std::slice::from_ref(&upload.grant.key));
    for _ in 0..2 {
        assert_eq!(upload.abort().await.status, 204);
        assert!(app.open_uploads().await.is_empty());
    }
    assert_eq!(put_bytes(&app.http, &late, upload.piece(2)).await.status, 404, "a part that was under way");
    upload.try_list().await.refused(ErrorCode::UploadGone);
    let all = [sent[0].clone(), CompletedPart { part_number: number(2), ..sent[0].clone() }];
    upload.try_complete(&upload.completion(&all)).await.refused(ErrorCode::UploadGone);
    assert!(!app.exists(&upload.grant.key).await);
}

#[tokio::test]
async fn aborting_one_leaves_the_others() {
    let app = TestApp::start().await;
    let (one, two) = (app.begin("a.bin", 100).await, app.begin("a.bin", 100).await);
    two.send_all().await;
    assert_eq!(one.abort().await.status, 204);
    two.finish().await;
}

#[tokio::test]
async fn what_is_completed_cannot_be_aborted() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    let completed = upload.finish().await;
    upload.abort().await.refused(ErrorCode::AlreadyCompleted);
    upload.assert_stored().await;
    let sent = [CompletedPart { part_number: number(1), etag: completed.etag.clone() }];
    assert_eq!(upload.complete(&sent).await, completed);
}

/// What was sent straight to its key cannot be told from what is complete.
#[tokio::test]
async fn what_is_at_its_key_stays() {
    let app = TestApp::start().await;
    let upload = app.begin("note.txt", 5).await;
    assert_eq!(upload.abort().await.status, 204, "nothing is there yet");
    upload.send_all().await;
    upload.abort().await.refused(ErrorCode::AlreadyCompleted);
    upload.finish().await;
    upload.abort().await.refused(ErrorCode::AlreadyCompleted);
    upload.assert_stored().await;
}

#[tokio::test]
async fn a_file_that_waits_is_removed() {
    let app = TestApp::with(|settings| settings.uploads.checksum = ChecksumSetting::None).await;
    let upload = app.begin("note.txt", 5).await;
    assert_eq!(upload.abort().await.status, 204, "nothing is there yet");
    assert_eq!(post_form(&app.http, &upload.grant.parts[0], &upload.bytes).await.status, 201);
    assert_eq!(upload.list().await.len(), 1);
    for _ in 0..2 {
        assert_eq!(upload.abort().await.status, 204);
        assert_eq!(upload.listed().await, ListedParts { parts: Vec::new(), completed: None });
        assert!(!app.exists(&upload.grant.key).await);
    }
}
