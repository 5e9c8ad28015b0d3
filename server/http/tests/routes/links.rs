//! Links: made by who may read, followed by anybody.

use actix_web::HttpResponse;
use partway_server::config::Settings;

use crate::support::*;

async fn link(app: &TestApp, request: Value) -> CreatedLink {
    app.post("/v1/links", &request).await.is(201)
}

fn path(link: &CreatedLink) -> &str {
    &link.url[link.url.find("/l/").unwrap()..]
}

#[tokio::test]
async fn a_link_leads_anybody_to_the_file() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        objects(&[Operation::Get], "{subject}/")(settings);
    })
    .await;
    app.put("ada/a.txt", "text/plain", b"abc").await;
    app.come_as(ticket("ada"));
    let made = link(&app, json!({ "key": "ada/a.txt", "filename": "ü.txt" })).await;
    assert!(made.url.starts_with(&format!("{}/l/", app.url)), "{}", made.url);
    assert_eq!(made.expires_in, 30 * 24 * 60 * 60);
    // Without a ticket, and as what it was made.
    let got = app.read(&made.url).await;
    assert_eq!((got.status, &got.body[..]), (200, &b"abc"[..]));
    assert!(got.header("content-disposition").unwrap().contains("filename*=UTF-8''%C3%BC.txt"));
    let stay = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let led = Answer::to(stay.get(&made.url)).await;
    assert_eq!((led.status, led.header("cache-control")), (302, Some("no-store")));
    assert_eq!(parameters(led.header("location").unwrap())["X-Amz-Expires"], "300");
    assert_eq!(Answer::to(app.http.head(&made.url)).await.header("content-length"), Some("3"));
    let tag = led.header("etag").unwrap();
    assert_eq!(Answer::to(stay.get(&made.url).header("if-none-match", tag)).await.status, 304);
    // Behind a proxy, it has the proxy's address.
    let request = app
        .request(Method::POST, "/v1/links")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "up.test");
    let made: CreatedLink = Answer::to(request.json(&json!({ "key": "ada/a.txt" }))).await.is(201);
    assert!(made.url.starts_with("https://up.test/l/"), "{}", made.url);
    // Another's is none.
    app.come_as(ticket("eve"));
    app.post("/v1/links", &json!({ "key": "ada/a.txt" })).await.refused(ErrorCode::ObjectNotFound);
    app.post("/v1/links", &json!({ "key": "eve/never" })).await.refused(ErrorCode::ObjectNotFound);
}

#[tokio::test]
async fn a_link_ends_with_its_time_its_object_its_grant_and_its_secret() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    app.put("a", "text/plain", b"abc").await;
    let made = link(&app, json!({ "key": "a" })).await;
    for bad in ["", "x", "a.b", &"x".repeat(9_000)] {
        let answer = app.get(&format!("/l/{bad}")).await;
        if bad.is_empty() {
            answer.refused(ErrorCode::NotFound);
        } else {
            answer.refused(ErrorCode::LinkInvalid);
        }
    }
    let (text, tag) = path(&made).split_once('.').unwrap();
    app.get(&format!("{text}x.{tag}")).await.refused(ErrorCode::LinkInvalid);
    // An upload's token is sealed with the same secret, and is no link.
    let token = app.begin("a.bin", 10).await.grant.token;
    app.get(&format!("/l/{token}")).await.refused(ErrorCode::LinkInvalid);
    let short = link(&app, json!({ "key": "a", "expires_in": 1 })).await;
    let gone = async || app.get(path(&short)).await.status == 410;
    while !gone().await {
        tokio::task::yield_now().await;
    }
    assert!(app.get(path(&short)).await.refused(ErrorCode::LinkInvalid).detail.contains("expired"));
    app.store.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    app.get(path(&made)).await.refused(ErrorCode::ObjectNotFound);
    for (body, field) in [
        (json!({ "key": "a", "expires_in": 0 }), "expires_in"),
        (json!({ "key": "a", "expires_in": 30 * 24 * 60 * 60 + 1 }), "expires_in"),
    ] {
        assert_eq!(app.post("/v1/links", &body).await.blamed(ErrorCode::InvalidField), field);
    }
    app.put("a", "text/plain", b"abc").await;
    assert_eq!(
        app.post("/v1/links", &json!({ "key": "a", "type": "html" })).await.blamed(ErrorCode::InvalidField),
        "type"
    );
    let restarted = app.restart().await;
    assert_eq!(restarted.get(path(&made)).await.body, b"abc", "nothing of it was in memory");
}

#[tokio::test]
async fn another_secret_revokes_all() {
    let store = TestApp::start().await;
    store.put("a", "text/plain", b"abc").await;
    let with = async |secret: Option<&str>, allow: &[Operation]| {
        let secret = secret.map(|secret| secret.to_owned().into());
        let allow = allow.to_vec();
        TestApp::with(|settings: &mut Settings| {
            before(&store.store_origin, store.secret_access_key())(settings);
            settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
            settings.server.link_secret = secret;
            objects(&allow, "")(settings);
        })
        .await
    };
    let get = [Operation::Get];
    let first = with(None, &get).await;
    let made = link(&first, json!({ "key": "a" })).await;
    assert_eq!(with(None, &get).await.get(path(&made)).await.body, b"abc", "any replica knows it");
    with(Some("a secret of links, and of nothing else"), &get)
        .await
        .get(path(&made))
        .await
        .refused(ErrorCode::LinkInvalid);
    with(None, &[Operation::List]).await.get(path(&made)).await.refused(ErrorCode::LinkInvalid);
}

#[tokio::test]
async fn a_person_is_told_in_words() {
    let app = TestApp::with(objects(&[Operation::Get], "")).await;
    let page = Answer::to(app.request(Method::GET, "/l/a.b").header("accept", "text/html,*/*;q=0.8")).await;
    assert_eq!((page.status, page.header("content-type")), (410, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("does not work any more") && page.text().contains("link_invalid"));
    assert_eq!(page.header("content-security-policy"), Some("default-src 'none'"));
}

#[tokio::test]
async fn a_refusal_of_the_application_reaches_no_link() {
    let application =
        Peer::start(|_| HttpResponse::Ok().json(json!({ "accesses": [{ "refuse": "no links" }] })));
    let url = application.url.clone();
    let app = TestApp::with(|settings: &mut Settings| {
        settings.hooks.before_access = Some(url);
        settings.hooks.secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into());
        objects(&[Operation::Get], "")(settings);
    })
    .await;
    app.put("a", "text/plain", b"abc").await;
    let problem = app.post("/v1/links", &json!({ "key": "a" })).await.refused(ErrorCode::AccessRefused);
    assert_eq!(problem.detail, "no links");
}
