//! Tokens: a route about an upload opens to the token that the server gave for it, and to no other.

use partway_server::token::{TokenMint, UploadClaims};

use crate::support::*;

fn mint(secret: &str) -> TokenMint {
    TokenMint::new(&secret.to_owned().into())
}

/// Every route about an upload, with a request that is fine but for the token.
async fn each_route(upload: &Upload<'_>, token: &str) -> (Vec<Answer>, Completed) {
    let app = upload.app;
    let token = token.to_owned();
    let grant = Grant { token, ..upload.grant.clone() };
    let forged = Upload { app, grant, bytes: upload.bytes.clone(), plan: upload.plan.clone() };
    let part = CompletedPart { part_number: number(1), etag: ETag::new("x") };
    let completed = forged.try_complete(&forged.completion(&[part])).await;
    (vec![forged.try_list().await, forged.try_sign([1]).await, forged.abort().await], completed)
}

async fn refused_everywhere(upload: &Upload<'_>, token: &str, code: ErrorCode) {
    let (answers, completed) = each_route(upload, token).await;
    let refused = answers.iter().map(|answer| answer.refused(code)).chain([completed.refused(code)]);
    for problem in refused {
        assert!(!problem.detail.contains(&upload.grant.key), "a stranger learns nothing: {problem}");
    }
}

#[tokio::test]
async fn a_token_that_was_tampered_with() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    upload.send_all().await;
    let token = &upload.grant.token;
    let (claims, tag) = token.split_once('.').unwrap();
    let larger = UploadClaims { size: Some(1 << 40), ..upload.claims() };
    let larger = mint("a guess at the secret, of a good length").issue(&larger).unwrap();
    let (larger_claims, larger_tag) = larger.split_once('.').unwrap();
    let mut flipped = token.clone();
    let at = claims.len() / 2;
    flipped.replace_range(at..=at, if &token[at..=at] == "A" { "B" } else { "A" });
    for forged in [
        flipped.as_str(),
        &token[..token.len() - 1],
        &token[..token.len() / 2],
        &token[1..],
        claims,
        &format!("{claims}."),
        &format!(".{tag}"),
        &format!("{token}."),
        &format!("{token}A"),
        &format!("{larger_claims}.{tag}"),
        &format!("{claims}.{larger_tag}"),
        "null",
        "",
        "\u{0}",
        "\u{ff}.\u{ff}",
        &"x".repeat(9_000),
    ] {
        refused_everywhere(&upload, forged, ErrorCode::TokenInvalid).await;
    }
    upload.finish().await;
}

#[tokio::test]
async fn a_token_of_another_secret() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    let other = mint("the secret of another installation").issue(&upload.claims()).unwrap();
    refused_everywhere(&upload, &other, ErrorCode::TokenInvalid).await;
    upload.finish().await;
}

#[tokio::test]
async fn a_token_whose_time_is_over() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    upload.send_all().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let week = 7 * 24 * 60 * 60;
    assert!(
        (now + week - 60..=now + week).contains(&upload.claims().expires_at),
        "a week, unless configured"
    );
    for expires_at in [0, now - 1, now] {
        let old = mint(TOKEN_SECRET).issue(&UploadClaims { expires_at, ..upload.claims() }).unwrap();
        refused_everywhere(&upload, &old, ErrorCode::TokenExpired).await;
    }
    upload.finish().await;
}

#[tokio::test]
async fn a_token_of_somebody_else() {
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    for foreign in [
        UploadClaims { subject: "somebody else".to_owned(), ..upload.claims() },
        UploadClaims { subject: String::new(), ..upload.claims() },
        UploadClaims { bucket: "photos".to_owned(), ..upload.claims() },
    ] {
        refused_everywhere(&upload, &mint(TOKEN_SECRET).issue(&foreign).unwrap(), ErrorCode::TokenForeign)
            .await;
    }
    upload.finish().await;
}

/// Tokens of an older or newer version, and plans that S3 would not take, though the secret is right.
#[tokio::test]
async fn a_token_that_cannot_be_used() {
    use partway_shared::plan::Strategy;
    let app = TestApp::start().await;
    let upload = app.begin("a.bin", 100).await;
    for part_size in [0, 1] {
        let strategy = Strategy::equal(part_size);
        let odd = UploadClaims { size: Some(10_001), strategy, ..upload.claims() };
        let token = mint(TOKEN_SECRET).issue(&odd).unwrap();
        let (answers, completed) = each_route(&upload, &token).await;
        answers[1].refused(ErrorCode::TokenInvalid);
        completed.refused(ErrorCode::TokenInvalid);
    }
}

/// One upload's token opens no other upload.
#[tokio::test]
async fn a_token_is_for_one_upload() {
    let app = TestApp::start().await;
    let (one, two) = (app.begin("a.bin", 100).await, app.begin("b.bin", 100).await);
    let sent = one.send_all().await;
    let other = CompleteUpload { token: two.token(), ..one.completion(&sent) };
    let other = two.try_complete(&other).await;
    assert_eq!(other.blamed(ErrorCode::PartMissing), "parts[0]");
    assert_eq!(two.list().await, []);
    one.finish().await;
    two.finish().await;
}
