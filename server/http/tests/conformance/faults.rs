//! What must not work, and says why.

use std::time::Duration;

use crate::stores::{Site, Traits};
use crate::support::upload::put_request;
use crate::support::*;

/// Between the plan, the client and the store.
pub(crate) async fn what_differs_is_refused(site: &Site, traits: &Traits) {
    let app = site.server().await;
    let upload = app.begin("film.mp4", 2 * PART + 1).await;
    let two = upload.send([1, 2]).await;
    let part = |n: u32, etag: &str| CompletedPart { part_number: number(n), etag: ETag::new(etag) };
    let complete = async |parts: Vec<CompletedPart>| {
        upload.try_complete(&CompleteUpload { parts, ..upload.completion(&[]) }).await
    };
    let missing = complete([two.clone(), vec![part(3, "d41d8cd98f00b204e9800998ecf8427e")]].concat()).await;
    assert_eq!(missing.blamed(ErrorCode::PartMissing), "parts[2]");
    assert_eq!(complete(two.clone()).await.blamed(ErrorCode::PartMissing), "parts");
    let all = [two, upload.send([3]).await].concat();
    let mut other = all.clone();
    other[1].etag = ETag::new("d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(complete(other).await.blamed(ErrorCode::PartMismatch), "parts[1].etag");
    let swapped = vec![all[1].clone(), all[0].clone(), all[2].clone()];
    complete(swapped).await.refused(ErrorCode::InvalidField);
    complete(vec![all[0].clone(), all[0].clone(), all[2].clone()]).await.refused(ErrorCode::PartDuplicate);
    complete([all.clone(), vec![part(4, "x")]].concat()).await.refused(ErrorCode::PartOutOfPlan);
    if traits.checksum == ChecksumKind::Crc64Nvme {
        let wrong = CompleteUpload { checksum: Some(Crc64Nvme::EMPTY), ..upload.completion(&all) };
        assert_eq!(upload.try_complete(&wrong).await.blamed(ErrorCode::ChecksumMismatch), "checksum");
    }
    assert!(!app.exists(&upload.grant.key).await, "nothing was completed");
    assert_eq!(upload.list().await.len(), 3, "and nothing removed");
    upload.complete(&all).await;
    upload.assert_stored().await;
    // A single PUT that never came.
    let single = app.begin("note.txt", 5).await;
    single.try_complete(&single.completion(&[part(1, "x")])).await.refused(ErrorCode::PartMissing);
}

/// Sends what the store is to refuse.
///
/// Garage does so before it has read all of it, and closes the connection, so that the answer may be lost. What is
/// stored decides then.
async fn assert_refused(app: &TestApp, put: &SignedPut, bytes: &[u8]) {
    match put_request(&app.http, put, bytes).send().await {
        Ok(answer) => assert!(answer.status().is_client_error(), "{}", answer.status()),
        Err(error) => assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error}"),
    }
}

/// On their way to the store, under good URLs.
pub(crate) async fn altered_bytes_are_refused(site: &Site, _: &Traits) {
    let app = site.server().await;
    for size in [50, PART + 50] {
        let upload = app.begin("film.mp4", size).await;
        for put in upload.sign(1..=upload.plan.part_count()).await {
            let mut bytes = upload.piece(put.part_number.get()).to_vec();
            bytes[7] ^= 1;
            assert_refused(&app, &put, &bytes).await;
        }
        upload.finish().await;
    }
}

/// A URL is good for what it was signed for, and for nothing else.
pub(crate) async fn terms_of_urls_hold(site: &Site, _: &Traits) {
    let app = site.server().await;
    let (upload, other) = (app.begin("film.mp4", PART + 50).await, app.begin("other.mp4", PART + 50).await);
    let put = upload.sign([2]).await.remove(0);
    let refused = async |put: &SignedPut, bytes: &[u8]| assert_refused(&app, put, bytes).await;
    refused(&put, upload.piece(1)).await;
    refused(&put, &[upload.piece(2), &[0]].concat()).await;
    refused(&put, &upload.piece(2)[1..]).await;
    let with = |url: String| SignedPut { url, ..put.clone() };
    refused(&with(put.url.replace("partNumber=2", "partNumber=1")), upload.piece(2)).await;
    refused(&with(put.url.replace(&upload.upload_id(), &other.upload_id())), upload.piece(2)).await;
    refused(&with(put.url.replace("X-Amz-Expires=", "X-Amz-Expires=9")), upload.piece(2)).await;
    let other_key = put.url.replacen("film.mp4", "elsewhere.mp4", 1);
    assert_ne!(other_key, put.url);
    refused(&with(other_key), upload.piece(2)).await;
    assert!(upload.list().await.is_empty() && other.list().await.is_empty());
}

pub(crate) async fn a_late_part_changes_nothing(site: &Site, _: &Traits) {
    let app = site.server().await;
    let upload = app.begin("film.mp4", PART + 50).await;
    let late = upload.sign([1]).await.remove(0);
    upload.finish().await;
    assert_refused(&app, &late, upload.piece(1)).await;
    upload.assert_stored().await;
}

pub(crate) async fn expired_urls_are_refused(site: &Site, _: &Traits) {
    let app = site.server_with(|settings| settings.uploads.url_lifetime = Duration::from_secs(1)).await;
    let upload = app.begin("film.mp4", PART + 50).await;
    let put = upload.sign([2]).await.remove(0);
    // It is the store's clock that decides.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_refused(&app, &put, upload.piece(2)).await;
    assert_eq!(upload.list().await, []);
    // The upload itself has more time than its URLs.
    let patient = site.server().await;
    Upload::new(&patient, upload.grant.clone(), upload.bytes.clone()).finish().await;
}
