//! The rest of a file is cut otherwise while it is on its way.

use partway_shared::plan::{Plan, Step, Strategy};

use crate::support::*;

fn steps(steps: &[(u32, usize)]) -> Strategy {
    let steps =
        steps.iter().map(|&(from, part_size)| Step { from: number(from), part_size: part_size as u64 });
    Strategy::Multipart { steps: steps.collect::<Vec<_>>().try_into().unwrap() }
}

async fn try_recut(upload: &Upload<'_>, parts: Vec<PartToSign>, strategy: Strategy) -> Answer {
    let asked = SignParts { token: upload.token(), parts, strategy: Some(strategy) };
    upload.app.post("/v1/uploads/sign", &asked).await
}

/// The upload with the token that the answer gives, by the plan that was asked for.
fn recut<'a>(upload: &Upload<'a>, signed: &SignedParts, strategy: Strategy) -> Upload<'a> {
    let grant = Grant { token: signed.token.clone().unwrap(), strategy, ..upload.grant.clone() };
    Upload::new(upload.app, grant, upload.bytes.clone())
}

#[tokio::test]
async fn parts_grow_and_the_object_is_the_file() {
    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", 6 * PART + 5).await;
    assert!(upload.grant.may_recut);
    let sent = upload.send([1, 2]).await;
    let grown = steps(&[(1, PART), (3, 2 * PART), (4, PART + 1)]);
    let plan = Plan::from_strategy(Some(upload.bytes.len() as u64), grown.clone()).unwrap();
    let planned = Upload { plan, ..Upload::new(&app, upload.grant.clone(), upload.bytes.clone()) };
    let signed: SignedParts = try_recut(&upload, vec![planned.to_sign(3)], grown.clone()).await.is(200);
    let again: SignedParts = try_recut(&upload, vec![planned.to_sign(3)], grown.clone()).await.is(200);
    assert_eq!(signed.token, again.token, "asking twice is asking once");
    let expires_at = upload.claims().expires_at;
    let upload = recut(&upload, &signed, grown);
    assert_eq!(upload.claims().expires_at, expires_at, "it lives no longer");
    let answer = put_bytes(&app.http, &signed.parts[0], upload.piece(3)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(upload.piece(3).len(), 2 * PART);
    let completed = upload.finish().await;
    assert_eq!((completed.size, completed.part_count), (upload.bytes.len() as u64, 6));
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn a_client_that_lost_the_answer_goes_on_by_the_token_that_it_has() {
    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", 4 * PART).await;
    upload.send([1]).await;
    let grown = steps(&[(1, PART), (2, 2 * PART)]);
    let plan = Plan::from_strategy(Some(upload.bytes.len() as u64), grown.clone()).unwrap();
    let planned = Upload { plan, ..Upload::new(&app, upload.grant.clone(), upload.bytes.clone()) };
    let signed: SignedParts = try_recut(&upload, vec![planned.to_sign(2)], grown.clone()).await.is(200);
    let answer = put_bytes(&app.http, &signed.parts[0], planned.piece(2)).await;
    assert_eq!(answer.status, 200, "it is stored by a plan that the client never heard of");
    let again = upload.send([2, 3, 4]).await;
    let first = upload.send([1]).await;
    upload.complete(&[first, again].concat()).await;
    upload.assert_stored().await;
}

#[tokio::test]
async fn what_differs_from_the_tokens_plan_is_not_completed() {
    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", 4 * PART).await;
    let sent = upload.send_all().await;
    let grown = steps(&[(1, PART), (2, 2 * PART)]);
    let first = vec![upload.to_sign(1)];
    let signed: SignedParts = try_recut(&upload, first, grown.clone()).await.is(200);
    let other = recut(&upload, &signed, grown);
    assert_eq!(other.plan.part_count(), 3);
    other.try_complete(&other.completion(&sent[..3])).await.refused(ErrorCode::PartMismatch);
    upload.complete(&sent).await;
}

#[tokio::test]
async fn plans_out_of_bounds_are_refused() {
    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", 4 * PART).await;
    let refused = async |strategy: Strategy| {
        let problem =
            try_recut(&upload, vec![upload.to_sign(1)], strategy).await.refused(ErrorCode::InvalidField);
        assert_eq!(problem.field.as_deref(), Some("strategy"), "{problem}");
    };
    refused(Strategy::SinglePut).await;
    refused(steps(&[(1, PART), (2, PART - 1)])).await;
    refused(steps(&[(1, 6 << 30)])).await;
    let small = app.begin("note.txt", 5).await;
    assert!(!small.grant.may_recut);
    try_recut(&small, vec![small.to_sign(1)], steps(&[(1, PART)])).await.refused(ErrorCode::InvalidField);
    let request = json!({ "token": upload.token(), "parts": [upload.to_sign(1)],
        "strategy": { "multipart": { "steps": [{ "from": 2, "part_size": PART }] } } });
    let problem = app.post("/v1/uploads/sign", &request).await.refused(ErrorCode::InvalidField);
    assert!(problem.detail.contains("from part 1"), "{problem}");
}
