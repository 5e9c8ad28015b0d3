//! The application's own endpoint decides who asks.

use std::time::Duration;

use actix_web::HttpResponse;
use partway_server::config::{IdentityKind, Settings};

use crate::support::*;

fn by_forward(url: &str) -> impl FnOnce(&mut Settings) + use<> {
    let url = format!("{url}/whoami?for=partway");
    |settings| {
        settings.identity.kind = IdentityKind::Forward;
        settings.identity.forward.url = Some(url);
    }
}

/// An application whose sessions are cookies: `session=ada` is ada's.
fn application() -> Peer {
    Peer::start(|call| match call.header("cookie").and_then(|cookie| cookie.strip_prefix("session=")) {
        None => HttpResponse::Unauthorized().finish(),
        Some("banned") => HttpResponse::Forbidden().finish(),
        Some("odd") => HttpResponse::Ok().json(json!({ "subject": "x", "max_file_size": 1 })),
        Some("limited") => HttpResponse::Ok().json(json!({ "subject": "x", "limits": { "max_files": 1 } })),
        Some("misspelt") => {
            HttpResponse::Ok().json(json!({ "subject": "x", "limits": { "max_file_sise": 1 } }))
        }
        Some("dotted") => {
            HttpResponse::Ok().json(json!({ "subject": "x", "limits": { "extensions": ["tar.gz"] } }))
        }
        Some("empty") => HttpResponse::Ok().json(json!({ "subject": "" })),
        Some("broken") => HttpResponse::InternalServerError().finish(),
        Some("small") => {
            HttpResponse::Ok().json(json!({ "subject": "s", "limits": { "max_file_size": 10 } }))
        }
        Some(name) => HttpResponse::Ok().json(json!({ "subject": name })),
    })
}

async fn create(app: &TestApp, cookie: Option<&str>) -> Answer {
    let request = app.request(Method::POST, "/v1/uploads").header("x-other", "stays here");
    let request = match cookie {
        Some(cookie) => request.header("cookie", format!("session={cookie}")),
        None => request,
    };
    Answer::to(request.json(&CreateUploads { files: vec![file("a.bin", 100)] })).await
}

#[tokio::test]
async fn the_application_is_asked_with_cookies_and_headers() {
    let application = application();
    let app = TestApp::with(by_forward(&application.url)).await;
    app.come_as("abc");
    let created: CreatedUploads = create(&app, Some("ada")).await.is(201);
    let grant = accepted(created.uploads.into_iter().next().unwrap());
    assert_eq!(claims(&grant.token).subject, "ada");
    let call = application.calls().remove(0);
    assert_eq!(call.path, "/whoami");
    assert_eq!(call.header("cookie"), Some("session=ada"));
    assert_eq!(call.header("authorization"), Some("Bearer abc"));
    assert_eq!(call.header("x-other"), None, "what is not configured stays here");

    // Nobody else's session works on the upload.
    let list = |cookie: &'static str| {
        let asked = ListParts { token: grant.token.clone() };
        app.request(Method::POST, "/v1/uploads/list").json(&asked).header("cookie", cookie)
    };
    Answer::to(list("session=eve")).await.refused(ErrorCode::TokenForeign);
    Answer::to(list("session=ada")).await.is::<ListedParts>(200);
}

#[tokio::test]
async fn answers_are_kept_for_a_while_and_by_credentials() {
    let application = application();
    let app = TestApp::with(by_forward(&application.url)).await;
    for _ in 0..5 {
        create(&app, Some("ada")).await.is::<CreatedUploads>(201);
        create(&app, Some("banned")).await.refused(ErrorCode::NotPermitted);
    }
    assert_eq!(application.calls().len(), 2, "one for each, and a no is kept as well");
    app.come_as("another");
    create(&app, Some("ada")).await.is::<CreatedUploads>(201);
    assert_eq!(application.calls().len(), 3, "other credentials, another question");

    let impatient = TestApp::with(|settings| {
        by_forward(&application.url)(settings);
        settings.identity.forward.cache = Duration::ZERO;
    })
    .await;
    for _ in 0..3 {
        create(&impatient, Some("ada")).await.is::<CreatedUploads>(201);
    }
    assert_eq!(application.calls().len(), 6);
}

#[tokio::test]
async fn what_the_application_refuses_or_fails_at() {
    let application = application();
    let app = TestApp::with(by_forward(&application.url)).await;
    create(&app, None).await.refused(ErrorCode::CredentialsMissing);
    create(&app, Some("banned")).await.refused(ErrorCode::NotPermitted);
    for broken in ["odd", "empty", "broken", "limited", "misspelt", "dotted"] {
        create(&app, Some(broken)).await.refused(ErrorCode::IdentityUnavailable);
    }
    let created: CreatedUploads = create(&app, Some("small")).await.is(201);
    assert_eq!(refused(created.uploads.into_iter().next().unwrap()).code, ErrorCode::FileTooLarge);

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let app = TestApp::with(by_forward(&format!("http://{nobody}"))).await;
    create(&app, Some("ada")).await.refused(ErrorCode::IdentityUnavailable);
}

/// Pages elsewhere have to be able to send the application's cookies.
#[tokio::test]
async fn cookies_of_allowed_pages_come_along() {
    let application = application();
    let app = TestApp::with(|settings| {
        by_forward(&application.url)(settings);
        settings.server.allowed_origins = vec!["https://app.example.com".to_owned()];
    })
    .await;
    let preflight =
        app.request(Method::OPTIONS, "/v1/uploads").header("access-control-request-method", "POST");
    let answer = Answer::to(preflight.header("origin", "https://app.example.com")).await;
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
}
