//! Several servers before one bucket: any of them answers any request. And one whose bucket is away.

use crate::support::*;

#[tokio::test]
async fn any_replica_carries_an_upload_on() {
    let one = TestApp::start().await;
    let two = TestApp::with(before(&one.store_origin, one.secret_access_key())).await;
    for size in [10, PART + 1] {
        let begun = one.begin("film.mp4", size).await;
        let taken_over = Upload::new(&two, begun.grant.clone(), begun.bytes.clone());
        let sent = taken_over.send_all().await;
        assert_eq!(begun.list().await, taken_over.list().await);
        let (answer, same) = tokio::join!(begun.complete(&sent), taken_over.complete(&sent));
        assert_eq!(answer, same);
        begun.assert_stored().await;
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = before(&format!("http://{nobody}"), "a secret that nobody checks".into());
    let app = TestApp::with(|settings| {
        nobody(settings);
        // Else the store would be asked first how uploads are checked.
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
    })
    .await;

    // Signing needs no store, so that a single PUT can be begun, and is not failed by the other file.
    let single = accepted(app.create(vec![file("small.bin", 10)]).await.remove(0));
    let upload = Upload::new(&app, single, noise(10, 1));
    let mixed = app.create(vec![file("large.bin", 100), file("small.bin", 10)]);
    // All refused alike are refused as one, with the status that has the request tried again.
    let files = CreateUploads { files: vec![file("a.bin", 100), file("b.bin", 100)] };
    let alike = app.post("/v1/uploads", &files);
    let part = CompletedPart { part_number: number(1), etag: ETag::new("x") };
    let completion = upload.completion(&[part]);

    // At the same time, since each takes as long as the SDK goes on trying.
    let (mut mixed, alike, completed, aborted) =
        tokio::join!(mixed, alike, upload.try_complete(&completion), upload.abort());
    accepted(mixed.remove(1));
    let CreatedUpload::Refused(problem) = mixed.remove(0) else { panic!("nothing can be begun") };
    assert_eq!((problem.code, problem.status), (ErrorCode::StoreUnavailable, 503));
    for answer in [alike, completed.0, aborted] {
        answer.refused(ErrorCode::StoreUnavailable);
    }
}
