//! Many files in one request: one result each, in their order.

use std::collections::BTreeSet;

use crate::support::*;

#[tokio::test]
async fn one_refused_file_fails_no_other() {
    let app = TestApp::with(|settings| settings.uploads.max_file_size = bytesize::ByteSize::b(1_000)).await;
    let files: Vec<_> = [10, 1_001, 100, 0, 1_000].map(|size| file("a.bin", size)).into();
    let mut created = app.create(files).await;
    assert_eq!(created.len(), 5);
    let CreatedUpload::Refused(problem) = created.remove(1) else { panic!("it is too large") };
    assert_eq!((problem.code, problem.status), (ErrorCode::FileTooLarge, 413));
    assert_eq!(problem.field.as_deref(), Some("files[1].size"));
    for (created, size) in created.into_iter().zip([10, 100, 0, 1_000]) {
        Upload::new(&app, accepted(created), noise(size, 1)).finish().await;
    }
    assert!(app.open_uploads().await.is_empty(), "nothing was begun for the refused one");
}

#[tokio::test]
async fn files_are_refused_each_for_its_reason() {
    let app = TestApp::start().await;
    let typed = |kind: &str| NewUpload { content_type: Some(kind.to_owned()), ..file("a", 1) };
    let refused = [
        (file("", 1), ErrorCode::InvalidField, "name"),
        (file(&"x".repeat(4_097), 1), ErrorCode::InvalidField, "name"),
        (file("a", 10_000 * (5 << 30) + 1), ErrorCode::FileTooLarge, "size"),
        (file("a", u64::MAX), ErrorCode::FileTooLarge, "size"),
        (typed("image/"), ErrorCode::InvalidField, "type"),
        (typed("image/png; a=b, text/html"), ErrorCode::InvalidField, "type"),
        (typed("image/png; x=y"), ErrorCode::InvalidField, "type"),
        (typed("image/png\r\nx-amz-acl: public-read"), ErrorCode::InvalidField, "type"),
        (typed(&format!("a/{}", "b".repeat(300))), ErrorCode::InvalidField, "type"),
        (NewUpload { path: Some("x/".repeat(2_049)), ..file("a", 1) }, ErrorCode::InvalidField, "path"),
        (
            NewUpload { destination: Some("attic".to_owned()), ..file("a", 1) },
            ErrorCode::UnknownDestination,
            "destination",
        ),
        (
            NewUpload { checksums: vec![Crc64Nvme::EMPTY.into(); 1_001], ..file("a", 1) },
            ErrorCode::InvalidField,
            "checksums",
        ),
    ];
    let created = app.create(refused.iter().map(|(file, ..)| file.clone()).collect()).await;
    for (index, (created, (_, code, field))) in created.into_iter().zip(refused).enumerate() {
        let CreatedUpload::Refused(problem) = created else { panic!("files[{index}] was accepted") };
        assert_eq!((problem.code, problem.field), (code, Some(format!("files[{index}].{field}"))));
    }
    assert!(app.open_uploads().await.is_empty());
}

#[tokio::test]
async fn a_thousand_files_are_one_request() {
    let app = TestApp::start().await;
    let name = "a name of some length, as phones give to pictures.jpeg";
    let files = |count: u64| (0..count).map(|index| file(name, index % 60)).collect::<Vec<_>>();
    let keys: BTreeSet<_> = app.create(files(1_000)).await.into_iter().map(|one| accepted(one).key).collect();
    assert_eq!(keys.len(), 1_000, "each has a key of its own");
    for count in [0, 1_001] {
        let answer = app.post("/v1/uploads", &CreateUploads { files: files(count) }).await;
        assert_eq!(answer.blamed(ErrorCode::InvalidField), "files");
    }
}

#[tokio::test]
async fn the_largest_object_can_be_begun() {
    let app = TestApp::start().await;
    let grant = accepted(app.create(vec![file("tape.tar", 10_000 * (5 << 30))]).await.remove(0));
    let last =
        PartToSign { part_number: number(10_000), size: None, checksum: Some(Crc64Nvme::EMPTY.into()) };
    let asked = SignParts { token: grant.token, parts: vec![last], strategy: None };
    let signed: SignedParts = app.post("/v1/uploads/sign", &asked).await.is(200);
    assert!(signed.parts[0].url.contains("partNumber=10000&"), "{}", signed.parts[0].url);
}
