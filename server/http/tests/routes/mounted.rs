//! Partway within somebody's own application, with their users and their policy: the example, as it stands there.

use std::net::TcpListener;

use actix_web::{App, HttpServer};
use partway_server::mount::Partway;

use crate::support::*;

#[path = "../../examples/mounted/app.rs"]
mod app;

#[tokio::test]
async fn a_scope_with_sessions_and_policy_of_the_application() {
    let data = tempfile::tempdir().unwrap();
    let library = app::Library::default();
    let settings = settings(&data);
    let partway = Partway::builder(settings.clone())
        .identity(app::Sessions)
        .hooks(library.clone())
        .build()
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mounted = partway.clone();
    let server = HttpServer::new(move || App::new().configure(library.routes(&mounted)));
    let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    let running = tokio::spawn(server);

    let http = reqwest::Client::new();
    let create = |session: Option<&str>, name: &str, size: u64| {
        let request = http.post(format!("{url}/files/v1/uploads"));
        let request = match session {
            Some(session) => request.header("cookie", format!("session={session}")),
            None => request,
        };
        Answer::to(request.json(&CreateUploads { files: vec![file(name, size)] }))
    };
    create(None, "a.bin", 5).await.refused(ErrorCode::CredentialsMissing);
    let only = |created: CreatedUploads| created.uploads.into_iter().next().unwrap();
    let problem = refused(only(create(Some("ada"), "a.exe", 5).await.is(201)));
    assert_eq!((problem.code, problem.detail.as_str()), (ErrorCode::UploadRefused, "no programs, please"));
    assert_eq!(
        refused(only(create(Some("guest"), "a.bin", 1_000_001).await.is(201))).code,
        ErrorCode::FileTooLarge
    );

    let foreign = http.post(format!("{url}/files/v1/uploads")).header("cookie", "session=ada");
    let foreign = foreign
        .header("origin", "https://evil.example.com")
        .json(&CreateUploads { files: vec![file("a", 1)] });
    Answer::to(foreign).await.refused(ErrorCode::OriginNotAllowed);
    let own =
        http.post(format!("{url}/files/v1/uploads")).header("cookie", "session=ada").header("origin", &url);
    let own = Answer::to(own.json(&CreateUploads { files: vec![file("a.exe", 1)] })).await;
    assert_eq!(refused(only(own.is(201))).code, ErrorCode::UploadRefused);

    let grant = accepted(only(create(Some("ada"), "a.bin", 5).await.is(201)));
    let call = |session: &str, what: &str| {
        let request = http.post(format!("{url}/files/v1/uploads/{what}"));
        request.header("cookie", format!("session={session}"))
    };
    let checksum = Crc64Nvme::of(b"hello");
    let parts = vec![PartToSign { part_number: number(1), size: None, checksum: Some(checksum.into()) }];
    let sign = SignParts { token: grant.token.clone(), parts, strategy: None };
    Answer::to(call("eve", "sign").json(&sign)).await.refused(ErrorCode::TokenForeign);
    let signed: SignedParts = Answer::to(call("ada", "sign").json(&sign)).await.is(200);
    let put = put_bytes(&http, &signed.parts[0], b"hello").await;
    let parts = vec![CompletedPart { part_number: number(1), etag: ETag::new(put.header("etag").unwrap()) }];
    let one = CompleteUpload { token: grant.token.clone(), parts, checksum: Some(checksum) };
    let complete = CompleteUploads { uploads: vec![one] };
    for _ in 0..2 {
        Completed(Answer::to(call("ada", "complete").json(&complete)).await).done();
    }
    let listed: Vec<String> = http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed, [grant.key.as_str()], "told twice, and taken down once");
    let store = client_of(&settings, partway.store_origin());
    let head = store.head_object().bucket(BUCKET).key(&grant.key).send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["uploaded-by"], "ada");
    let widget = Answer::to(http.get(format!("{url}/files/widget/index.js"))).await;
    assert_eq!(widget.status, 200);
    let other = Answer::to(http.get(format!("{url}/healthz"))).await;
    assert_eq!(other.status, 404, "the rest is the application's own");

    handle.stop(true).await;
    running.await.unwrap().unwrap();
    partway.stop().await;
}
