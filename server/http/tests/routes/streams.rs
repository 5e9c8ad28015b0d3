//! Files of which nobody knows how long they will be.

use bytesize::ByteSize;
use partway_shared::plan::Plan;

use crate::support::*;

/// A stream of these bytes, whose upload knows its plan.
async fn begin<'a>(app: &'a TestApp, file: NewUpload, bytes: Vec<u8>) -> Upload<'a> {
    let file = NewUpload { size: None, part_size: Some(PART as u64), ..file };
    let grant = accepted(app.create(vec![file]).await.remove(0));
    assert_eq!((grant.size, grant.may_recut), (None, false));
    let plan = Plan::from_strategy(None, grant.strategy.clone()).unwrap();
    let plan = plan.ending_at(bytes.len() as u64).unwrap();
    Upload { plan, app, grant, bytes }
}

/// Signs the parts, with the size of the last.
async fn sign(upload: &Upload<'_>, parts: impl IntoIterator<Item = u32>) -> Answer {
    let last = upload.plan.part_count();
    let parts = parts.into_iter().map(|part| {
        let size = (part == last).then(|| upload.piece(part).len() as u64);
        PartToSign { size, ..upload.to_sign(part) }
    });
    let asked = SignParts { token: upload.token(), parts: parts.collect(), strategy: None };
    upload.app.post("/v1/uploads/sign", &asked).await
}

async fn send_all(upload: &Upload<'_>) -> Vec<CompletedPart> {
    let signed: SignedParts = sign(upload, 1..=upload.plan.part_count()).await.is(200);
    let mut sent = Vec::new();
    for put in signed.parts {
        let answer = put_bytes(&upload.app.http, &put, upload.piece(put.part_number.get())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let etag = ETag::new(answer.header("etag").unwrap());
        sent.push(CompletedPart { part_number: put.part_number, etag });
    }
    sent
}

fn stream(name: &str) -> NewUpload {
    file(name, 0)
}

#[tokio::test]
async fn a_stream_ends_where_it_ends() {
    let app = TestApp::start().await;
    for size in [1, PART - 1, PART, PART + 1, 3 * PART] {
        let upload = begin(&app, stream("dump.sql"), noise(size, 1)).await;
        let sent = send_all(&upload).await;
        let completed = upload.complete(&sent).await;
        assert_eq!(completed.size, size as u64);
        assert_eq!(completed.part_count as usize, size.div_ceil(PART));
        assert_eq!(completed.checksum, Some(Crc64Nvme::of(&upload.bytes).into()));
        upload.assert_stored().await;
        assert_eq!(upload.complete(&sent).await, completed, "asking twice is asking once");
        assert_eq!(upload.listed().await.completed, Some(completed));
    }
}

#[tokio::test]
async fn the_first_url_comes_with_the_grant() {
    let app = TestApp::with(|settings| settings.uploads = Default::default()).await;
    let bytes = noise(8 << 20, 1);
    let asked = NewUpload { size: None, checksums: vec![Crc64Nvme::of(&bytes).into()], ..stream("dump.sql") };
    let grant = accepted(app.create(vec![asked]).await.remove(0));
    let urls: Vec<_> = grant.parts.iter().map(|put| put.part_number.get()).collect();
    assert_eq!(urls, [1], "it is as long as the plan says, since more follows");
}

#[tokio::test]
async fn each_part_but_the_last_is_as_long_as_the_plan_says() {
    let app = TestApp::start().await;
    let upload = begin(&app, stream("dump.sql"), noise(2 * PART + 7, 1)).await;
    for size in [0, PART as u64 + 1, u64::MAX] {
        let part = PartToSign { size: Some(size), ..upload.to_sign(1) };
        let asked = SignParts { token: upload.token(), parts: vec![part], strategy: None };
        let problem = app.post("/v1/uploads/sign", &asked).await.refused(ErrorCode::InvalidField);
        assert_eq!(problem.field.as_deref(), Some("parts[0].size"));
    }
    // A gap in the middle shows when it is completed.
    let short =
        PartToSign { checksum: checksum(upload.grant.checksum, &upload.bytes[..6]), ..upload.to_sign(1) };
    let asked = SignParts {
        token: upload.token(),
        parts: vec![PartToSign { size: Some(6), ..short }],
        strategy: None,
    };
    let signed: SignedParts = app.post("/v1/uploads/sign", &asked).await.is(200);
    let answer = put_bytes(&app.http, &signed.parts[0], &upload.bytes[..6]).await;
    let first = CompletedPart { part_number: number(1), etag: ETag::new(answer.header("etag").unwrap()) };
    let rest: SignedParts = sign(&upload, [2]).await.is(200);
    let answer = put_bytes(&app.http, &rest.parts[0], upload.piece(2)).await;
    let second = CompletedPart { part_number: number(2), etag: ETag::new(answer.header("etag").unwrap()) };
    let parts = [first, second];
    upload.try_complete(&upload.completion(&parts)).await.refused(ErrorCode::PartMismatch);
    let missing = [parts[1].clone()];
    upload.try_complete(&upload.completion(&missing)).await.refused(ErrorCode::PartMissing);
    assert!(!app.exists(&upload.grant.key).await);
}

#[tokio::test]
async fn the_largest_file_counts_for_the_sum() {
    let max = 2 * PART as u64 + 10;
    let app = TestApp::with(move |settings| {
        settings.destinations.entry("default".to_owned()).or_default().max_file_size = Some(ByteSize::b(max));
    })
    .await;
    let fits = begin(&app, stream("fits"), noise(max as usize, 1)).await;
    let sent = send_all(&fits).await;
    assert_eq!(fits.complete(&sent).await.size, max);
    let over = begin(&app, stream("over"), noise(max as usize + 1, 1)).await;
    sign(&over, [1, 2]).await.is::<SignedParts>(200);
    let problem = sign(&over, [3]).await.refused(ErrorCode::FileTooLarge);
    assert!(problem.detail.contains("at most"), "{problem}");
}

#[tokio::test]
async fn bytes_of_a_stream_count_when_it_is_complete() {
    let app = TestApp::with(|settings| {
        settings.limits.bytes_per_day = Some(ByteSize::b(2 * PART as u64));
    })
    .await;
    let first = begin(&app, stream("first"), noise(PART + 1, 1)).await;
    let sent = send_all(&first).await;
    first.complete(&sent).await;
    first.complete(&sent).await;
    let second = begin(&app, stream("second"), noise(PART, 2)).await;
    let sent = send_all(&second).await;
    second.try_complete(&second.completion(&sent)).await.refused(ErrorCode::QuotaExceeded);
    assert!(!app.exists(&second.grant.key).await);
    let third = begin(&app, stream("third"), noise(PART - 1, 3)).await;
    let sent = send_all(&third).await;
    third.complete(&sent).await;
}
