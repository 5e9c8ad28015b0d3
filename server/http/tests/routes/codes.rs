//! The table of codes, walked through: each that the server can answer is provoked over HTTP.
//!
//! A new code does not compile here before somebody has thought of how it comes about.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer};
use bytesize::ByteSize;
use futures_util::stream::{self, StreamExt as _};
use partway_server::config::{DestinationConfig, IdentityKind, Settings};
use partway_server::policy::KeyTemplate;
use partway_server::token::{TokenMint, UploadClaims};
use partway_server::{problem, routes};

use crate::support::*;

#[tokio::test]
async fn every_code_is_answered_as_the_table_says() {
    let app = TestApp::start().await;
    for &code in ErrorCode::ALL {
        let provoked = Box::pin(provoke(code, &app)).await;
        assert_eq!(provoked.is_some(), code.spec().status.is_some(), "{code}: what has a status is answered");
        if let Some(problem) = provoked {
            assert_eq!((problem.code, Some(problem.status)), (code, code.spec().status), "{problem}");
        }
    }
}

/// The problem that comes of what is not as it should be: the answer's, or one file's.
async fn provoke(code: ErrorCode, app: &TestApp) -> Option<Problem> {
    let problem = match code {
        // What a request got wrong.
        ErrorCode::InvalidJson => app.post_text("/v1/uploads", "{").await.refused(code),
        ErrorCode::InvalidField => app.post("/v1/uploads", &json!({ "files": [] })).await.refused(code),
        ErrorCode::UnknownField => app.post("/v1/uploads", &json!({ "bucket": "a" })).await.refused(code),
        ErrorCode::UnsupportedMediaType => {
            Answer::to(app.request(Method::POST, "/v1/uploads").body("{}")).await.refused(code)
        }
        ErrorCode::BodyTooLarge => app.post_text("/v1/uploads", " ".repeat(3 * MIB)).await.refused(code),
        ErrorCode::RequestTimeout => {
            let app =
                TestApp::with(|settings| settings.server.request_timeout = Duration::from_secs(1)).await;
            let never = stream::pending::<Result<Vec<u8>, std::io::Error>>();
            app.post_text("/v1/uploads", reqwest::Body::wrap_stream(never)).await.refused(code)
        }
        ErrorCode::NotFound => app.get("/v1/nothing").await.refused(code),
        ErrorCode::MethodNotAllowed => app.call(Method::PUT, "/v1/uploads").await.refused(code),
        ErrorCode::OriginNotAllowed => {
            let preflight = app
                .request(Method::OPTIONS, "/v1/uploads")
                .header("origin", "https://elsewhere.example.com")
                .header("access-control-request-method", "POST");
            Answer::to(preflight).await.refused(code)
        }
        ErrorCode::HostNotAllowed => {
            let elsewhere = app.request(Method::GET, "/healthz").header("host", "elsewhere.example.com");
            Answer::to(elsewhere).await.refused(code)
        }

        // What is not taken.
        ErrorCode::FileTooLarge => of_file(app, file("a.bin", 1 << 60)).await,
        ErrorCode::UnknownDestination => {
            of_file(app, NewUpload { destination: Some("nowhere".to_owned()), ..file("a.bin", 1) }).await
        }
        ErrorCode::TypeNotAllowed => {
            let app = app_of(DestinationConfig { types: vec!["image/*".to_owned()], ..<_>::default() }).await;
            of_file(&app, file("a.bin", 1)).await
        }
        ErrorCode::ContentMismatch => {
            let app = app_of(DestinationConfig { sniff: true, ..<_>::default() }).await;
            let image = NewUpload { content_type: Some("image/png".to_owned()), ..file("a.png", 0) };
            let upload = app.begin_as(image, b"<!DOCTYPE html><p>".to_vec()).await;
            let sent = upload.send_all().await;
            upload.try_complete(&upload.completion(&sent)).await.refused(code)
        }
        ErrorCode::ObjectExists => {
            let key = KeyTemplate::parse("{filename}").unwrap();
            let app = app_of(DestinationConfig { key, ..<_>::default() }).await;
            app.begin("a.bin", 1).await.finish().await;
            of_file(&app, file("a.bin", 1)).await
        }
        ErrorCode::UploadRefused => {
            let refusing =
                Peer::start(|_| HttpResponse::Ok().json(json!({ "uploads": [{ "refuse": "why" }] })));
            let app = TestApp::with(before_create(&refusing.url)).await;
            of_file(&app, file("a.bin", 1)).await
        }

        // Objects.
        ErrorCode::ObjectNotFound => {
            readable().await.get("/v1/objects/content?key=never").await.refused(code)
        }
        ErrorCode::ObjectChanged => {
            let app = readable().await;
            app.put("a", "text/plain", b"a").await;
            app.delete(json!([{ "key": "a", "etag": "another" }])).await.remove(0).unwrap_err()
        }
        ErrorCode::ObjectArchived => {
            let app = readable().await;
            let put = app.store.put_object().bucket(BUCKET).key("a").storage_class("GLACIER".into());
            put.send().await.unwrap();
            app.get("/v1/objects/content?key=a").await.refused(code)
        }
        ErrorCode::CopyNotPossible => {
            let (endpoint, secret) = (app.store_origin.clone(), app.secret_access_key());
            let app = TestApp::with(|settings| {
                copies("")(settings);
                let mut elsewhere = settings.clone();
                before(&endpoint, secret)(&mut elsewhere);
                settings.stores.insert("elsewhere".to_owned(), elsewhere.store);
                let there =
                    DestinationConfig { store: Some("elsewhere".to_owned()), ..DestinationConfig::default() };
                settings.destinations.insert("elsewhere".to_owned(), there);
            })
            .await;
            app.put("a", "text/plain", b"a").await;
            let to = json!({ "destination": "elsewhere" });
            app.try_copy(json!({ "from": { "key": "a" }, "to": to })).await.refused(code)
        }
        ErrorCode::OperationNotAllowed => app.get("/v1/objects").await.refused(code),
        ErrorCode::AccessRefused => {
            let refusing =
                Peer::start(|_| HttpResponse::Ok().json(json!({ "accesses": [{ "refuse": "why" }] })));
            let url = refusing.url.clone();
            let app = TestApp::with(|settings| {
                before_create(&url)(settings);
                settings.hooks.before_access = settings.hooks.before_create.take();
                objects(&ALL, "")(settings);
            })
            .await;
            app.get("/v1/objects").await.refused(code)
        }
        ErrorCode::LinkInvalid => app.get("/l/a.b").await.refused(code),

        // Who asks.
        ErrorCode::CredentialsMissing => of_credentials(None).await.refused(code),
        ErrorCode::CredentialsInvalid => {
            of_credentials(Some("no.such.ticket".to_owned())).await.refused(code)
        }
        ErrorCode::CredentialsExpired => {
            let old = changed(&ticket_claims("ada"), "/exp", json!(now() - 3_600));
            of_credentials(Some(ticket_of(&old))).await.refused(code)
        }
        ErrorCode::NotPermitted => {
            let application = Peer::start(|_| HttpResponse::Forbidden().finish());
            of_application(&application.url).await.refused(code)
        }
        ErrorCode::IdentityUnavailable => of_application(&nobody()).await.refused(code),
        ErrorCode::TicketUsedUp => {
            let app = TestApp::with(by_ticket).await;
            app.come_as(ticket_for("ada", json!({ "max_files": 1 })));
            app.begin("a.bin", 1).await;
            of_file(&app, file("b.bin", 1)).await
        }

        // The upload token.
        ErrorCode::TokenInvalid => app.list_of("a.b").await.refused(code),
        ErrorCode::TokenExpired => {
            of_claims(app, |claims| UploadClaims { expires_at: now() - 1, ..claims }).await.refused(code)
        }
        ErrorCode::TokenForeign => {
            of_claims(app, |claims| UploadClaims { subject: "eve".to_owned(), ..claims }).await.refused(code)
        }

        // The parts.
        ErrorCode::PartOutOfPlan => of_completion(app, &[1, 2, 3], "").await.refused(code),
        ErrorCode::PartDuplicate => of_completion(app, &[1, 1], "").await.refused(code),
        ErrorCode::PartMissing => of_completion(app, &[1], "").await.refused(code),
        ErrorCode::PartMismatch => of_completion(app, &[1, 2], "of another").await.refused(code),
        ErrorCode::ChecksumMismatch => {
            let upload = app.begin("a.bin", 100).await;
            let right = upload.completion(&upload.send_all().await);
            let wrong = CompleteUpload { checksum: Some(Crc64Nvme::EMPTY), ..right };
            upload.try_complete(&wrong).await.refused(code)
        }
        ErrorCode::UploadGone => {
            let upload = app.begin("a.bin", 100).await;
            upload.abort().await;
            upload.try_list().await.refused(code)
        }
        ErrorCode::AlreadyCompleted => {
            let upload = app.begin("a.bin", 100).await;
            upload.finish().await;
            upload.abort().await.refused(code)
        }

        // The store.
        ErrorCode::StoreUnavailable => of_store(app, 503).await.refused(code),
        ErrorCode::StoreDenied => of_store(app, 403).await.refused(code),
        ErrorCode::StoreMisbehaved => of_store(app, 501).await.refused(code),
        ErrorCode::StoreFull => of_store(app, 507).await.refused(code),

        // The server, and whom it asks.
        ErrorCode::TooManyRequests => {
            of_limit(|settings| settings.limits.requests_per_second = Some(1), 20).await.refused(code)
        }
        ErrorCode::TooManyUploads => {
            of_limit(|settings| settings.limits.open_uploads = Some(1), 2).await.refused(code)
        }
        ErrorCode::QuotaExceeded => {
            let limit = |settings: &mut Settings| settings.limits.bytes_per_day = Some(ByteSize::b(150));
            of_limit(limit, 2).await.refused(code)
        }
        ErrorCode::LimitsUnavailable => {
            let redis = nobody().replace("http:", "redis:");
            let limit = |settings: &mut Settings| {
                settings.limits.open_uploads = Some(1);
                settings.limits.redis_url = Some(redis.into());
            };
            of_limit(limit, 1).await.refused(code)
        }
        ErrorCode::HookUnavailable => {
            let app = TestApp::with(before_create(&nobody())).await;
            app.try_create(file("a.bin", 1)).await.refused(code)
        }
        ErrorCode::ServerBusy => {
            let app = TestApp::with(|settings| {
                settings.server.max_body = ByteSize::kib(64);
                settings.server.max_bodies = ByteSize::kib(64);
            })
            .await;
            let half_sent = || {
                let most =
                    stream::iter([Ok::<_, std::io::Error>(vec![b' '; 60 * KIB])]).chain(stream::pending());
                let request =
                    app.request(Method::POST, "/v1/uploads").header("content-type", "application/json");
                Answer::to(request.body(reqwest::Body::wrap_stream(most)))
            };
            // Neither ends, and there is room for one.
            let answer = tokio::select! {
                answer = half_sent() => answer,
                answer = half_sent() => answer,
            };
            answer.refused(code)
        }
        ErrorCode::Internal => of_defect().await.refused(code),

        // What only a client can find.
        ErrorCode::ServerUnreachable
        | ErrorCode::ServerMisbehaved
        | ErrorCode::StoreUnreachable
        | ErrorCode::StoreEtagHidden
        | ErrorCode::PartRefused
        | ErrorCode::Stalled
        | ErrorCode::FileChanged
        | ErrorCode::FileMismatch
        | ErrorCode::UploadBusy
        | ErrorCode::FileUnreadable
        | ErrorCode::CredentialsUnavailable
        | ErrorCode::DownloadRefused
        | ErrorCode::DownloadCorrupt
        | ErrorCode::FileUnwritable
        | ErrorCode::Cancelled
        | ErrorCode::Closed
        | ErrorCode::InvalidOption
        | ErrorCode::EngineUnavailable => return None,
    };
    Some(problem)
}

async fn readable() -> TestApp {
    TestApp::with(objects(&ALL, "")).await
}

async fn app_of(destination: DestinationConfig) -> TestApp {
    TestApp::with(|settings| drop(settings.destinations.insert("default".to_owned(), destination))).await
}

/// An address where nobody listens.
fn nobody() -> String {
    format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

fn before_create(url: &str) -> impl FnOnce(&mut Settings) + use<> {
    let url = url.to_owned();
    |settings| {
        settings.hooks.before_create = Some(url);
        settings.hooks.secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into());
        settings.hooks.attempts = 1;
    }
}

/// One file's own refusal, in an answer that is none.
async fn of_file(app: &TestApp, file: NewUpload) -> Problem {
    refused(app.create(vec![file]).await.remove(0))
}

async fn of_credentials(bearer: Option<String>) -> Answer {
    let app = TestApp::with(by_ticket).await;
    if let Some(bearer) = bearer {
        app.come_as(bearer);
    }
    app.try_create(file("a.bin", 1)).await
}

async fn of_application(url: &str) -> Answer {
    let app = TestApp::with(|settings| {
        settings.identity.kind = IdentityKind::Forward;
        settings.identity.forward.url = Some(url.to_owned());
    })
    .await;
    app.come_as("a session");
    app.try_create(file("a.bin", 1)).await
}

/// A token that the server could have issued, and that is not for this caller, or not for now.
async fn of_claims(app: &TestApp, change: impl FnOnce(UploadClaims) -> UploadClaims) -> Answer {
    let claims = app.begin("a.bin", 100).await.claims();
    let token = TokenMint::new(&TOKEN_SECRET.to_owned().into()).issue(&change(claims)).unwrap();
    app.list_of(&token).await
}

/// Completes an upload of two parts with these instead, where the first has another ETag than it was given.
async fn of_completion(app: &TestApp, parts: &[u32], etag: &str) -> Completed {
    let upload = app.begin("a.bin", PART + 1).await;
    let mut sent = upload.send_all().await;
    if !etag.is_empty() {
        sent[0].etag = ETag::new(etag);
    }
    let part = |&part: &u32| CompletedPart {
        part_number: number(part),
        etag: sent.get(part as usize - 1).unwrap_or(&sent[0]).etag.clone(),
    };
    upload.try_complete(&upload.completion(&parts.iter().map(part).collect::<Vec<_>>())).await
}

/// The store answers everything with this status.
async fn of_store(behind: &TestApp, status: u16) -> Answer {
    let lax = LaxStore::before(behind, move |_, _| Manners::Refuses(status));
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        // Else it would be asked first how uploads are checked.
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
    })
    .await;
    app.try_create(file("a.bin", 100)).await
}

/// The answer to so many requests of one subject, of which the last passes the limit.
async fn of_limit(limit: impl FnOnce(&mut Settings), requests: usize) -> Answer {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        limit(settings);
    })
    .await;
    app.come_as(ticket("ada"));
    for _ in 1..requests {
        let answer = app.try_create(file("a.bin", 100)).await;
        if answer.status != 201 {
            return answer;
        }
    }
    app.try_create(file("a.bin", 100)).await
}

/// The routes without anything behind them.
async fn of_defect() -> Answer {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/uploads", listener.local_addr().unwrap());
    let server = HttpServer::new(|| App::new().wrap(problem::error_handlers()).configure(routes::configure));
    let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    tokio::spawn(server);
    let answer = Answer::to(reqwest::Client::new().post(url).json(&json!({ "files": [] }))).await;
    handle.stop(false).await;
    answer
}
