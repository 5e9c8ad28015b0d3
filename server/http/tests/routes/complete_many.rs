//! Several uploads completed in one request: one result each, in their order.

use crate::support::*;

async fn complete(app: &TestApp, uploads: Vec<CompleteUpload>) -> Vec<Completion> {
    let completed: CompletedUploads =
        app.post("/v1/uploads/complete", &CompleteUploads { uploads }).await.is(200);
    completed.uploads
}

fn refused(completion: &Completion) -> (ErrorCode, Option<&str>) {
    match completion {
        Completion::Completed(completed) => panic!("{} was completed", completed.key),
        Completion::Refused(problem) => (problem.code, problem.field.as_deref()),
    }
}

#[tokio::test]
async fn files_in_one_part_and_in_many_are_completed_together_and_again() {
    let app = TestApp::start().await;
    let mut uploads = Vec::new();
    for size in [0, 1, 64, PART + 1] {
        uploads.push(app.begin("a.bin", size).await);
    }
    let mut request = Vec::new();
    for upload in &uploads {
        request.push(upload.completion(&upload.send_all().await));
    }
    let first = complete(&app, request.clone()).await;
    for (completion, upload) in first.iter().zip(&uploads) {
        let Completion::Completed(completed) = completion else { panic!("{completion:?}") };
        assert_eq!((&completed.key, completed.size), (&upload.grant.key, upload.bytes.len() as u64));
        assert_eq!(completed.verified, ChecksumKind::Crc64Nvme);
        upload.assert_stored().await;
    }
    assert_eq!(complete(&app, request).await, first, "the answer may have been lost");
}

#[tokio::test]
async fn one_that_is_refused_fails_no_other() {
    let app = TestApp::start().await;
    let (good, unsent, altered) =
        (app.begin("good", 10).await, app.begin("unsent", 10).await, app.begin("altered", 10).await);
    let parts = good.send_all().await;
    let mut wrong = altered.completion(&altered.send_all().await);
    wrong.parts[0].etag = ETag::new("0");
    let forged = CompleteUpload { token: "forged".to_owned(), ..good.completion(&parts) };
    let completed =
        complete(&app, vec![unsent.completion(&parts), forged, wrong, good.completion(&parts)]).await;
    assert_eq!(refused(&completed[0]), (ErrorCode::PartMissing, Some("uploads[0].parts[0]")));
    assert_eq!(refused(&completed[1]).0, ErrorCode::TokenInvalid);
    assert_eq!(refused(&completed[2]), (ErrorCode::PartMismatch, Some("uploads[2].parts[0].etag")));
    assert!(matches!(completed[3], Completion::Completed(_)));
    good.assert_stored().await;
}

#[tokio::test]
async fn a_request_takes_1_to_100() {
    let app = TestApp::start().await;
    let upload = app.begin("a", 10).await;
    let one = upload.completion(&upload.send_all().await);
    for count in [0, 101] {
        let request = CompleteUploads { uploads: vec![one.clone(); count] };
        let answer = app.post("/v1/uploads/complete", &request).await;
        assert_eq!(answer.blamed(ErrorCode::InvalidField), "uploads");
    }
    let all = complete(&app, vec![one; 100]).await;
    assert!(all.iter().all(|completion| matches!(completion, Completion::Completed(_))));
}

#[tokio::test]
async fn a_store_that_is_away_is_said_once_and_may_come_back() {
    let app = TestApp::start().await;
    let upload = app.begin("a", 10).await;
    let one = upload.completion(&upload.send_all().await);
    let away = TestApp::with(before("http://127.0.0.1:9", "secret".to_owned().into())).await;
    let answer = away.post("/v1/uploads/complete", &CompleteUploads { uploads: vec![one] }).await;
    answer.refused(ErrorCode::StoreUnavailable);
}
