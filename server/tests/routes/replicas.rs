//! Several servers before one bucket: any of them answers any request. And one whose bucket is away.

use partway_server::config::{Settings, StoreConfig};
use partway_server::local::{ACCESS_KEY_ID, LocalSecrets};

use crate::support::*;

/// A server without a store of its own.
fn before(endpoint: &str, secret_access_key: secrecy::SecretString) -> impl FnOnce(&mut Settings) {
    let store = StoreConfig {
        bucket: Some(BUCKET.to_owned()),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        access_key_id: Some(ACCESS_KEY_ID.to_owned()),
        secret_access_key: Some(secret_access_key),
        ..StoreConfig::default()
    };
    |settings| settings.store = store
}

#[tokio::test]
async fn any_replica_carries_an_upload_on() {
    let one = TestApp::start().await;
    let secrets = LocalSecrets::load_or_make(one.data()).unwrap();
    let two = TestApp::with(before(&one.store_origin, secrets.secret_access_key)).await;
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
    let app = TestApp::with(before(&format!("http://{nobody}"), "a secret that nobody checks".into())).await;

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
    for answer in [alike, completed, aborted] {
        answer.refused(ErrorCode::StoreUnavailable);
    }
}
