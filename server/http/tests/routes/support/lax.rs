//! A store that is worse than the embedded one, which stands behind it: requests lose headers on
//! their way, or are refused for them. Each is signed anew, so that the embedded store does not mind.

use std::net::TcpListener;
use std::pin::Pin;
use std::time::SystemTime;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use partway_server::embedded_secrets::ACCESS_KEY_ID;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::*;

/// What becomes of a request, decided for each header of it.
pub enum Manners {
    /// Hands it on.
    Keeps,
    /// Passes over it, as stores do with headers that they do not know.
    Ignores,
    /// Refuses the request with this status.
    Refuses(u16),
}

/// What a store says.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Said {
    pub fn error(status: u16, code: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>in its own words</Message></Error>"
        );
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
            body: body.into(),
        }
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Decide = dyn Fn(&HttpRequest, &str) -> Manners + Send + Sync;
type Hold = dyn Fn(&HttpRequest) -> Pin<Box<dyn Future<Output = ()>>> + Send + Sync;
type Instead = dyn Fn(&HttpRequest) -> Option<Said> + Send + Sync;
type Alter = dyn Fn(&HttpRequest, &mut Said) + Send + Sync;

struct Behind {
    store_origin: String,
    secret_access_key: SecretString,
    http: reqwest::Client,
    decide: Box<Decide>,
    hold: Box<Hold>,
    instead: Box<Instead>,
    alter: Box<Alter>,
}

/// A store before the embedded store of another application.
pub struct LaxStore {
    pub endpoint: String,
    handle: ServerHandle,
}

impl LaxStore {
    pub fn before(
        app: &TestApp,
        decide: impl Fn(&HttpRequest, &str) -> Manners + Send + Sync + 'static,
    ) -> Self {
        Self::start(Behind { decide: Box::new(decide), ..Behind::of(app) })
    }

    /// The same before another of these.
    pub fn before_lax(
        lax: &Self,
        app: &TestApp,
        decide: impl Fn(&HttpRequest, &str) -> Manners + Send + Sync + 'static,
    ) -> Self {
        Self::start(Behind {
            store_origin: lax.endpoint.clone(),
            decide: Box::new(decide),
            ..Behind::of(app)
        })
    }

    /// Something happens before a request comes to the store.
    pub fn holding(
        app: &TestApp,
        hold: impl Fn(&HttpRequest) -> Pin<Box<dyn Future<Output = ()>>> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Behind { hold: Box::new(hold), ..Behind::of(app) })
    }

    /// Some requests never come to the store, and are answered so.
    pub fn answering(
        app: &TestApp,
        instead: impl Fn(&HttpRequest) -> Option<Said> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Behind { instead: Box::new(instead), ..Behind::of(app) })
    }

    /// Requests do what they should, and their answers become others.
    pub fn altering(app: &TestApp, alter: impl Fn(&HttpRequest, &mut Said) + Send + Sync + 'static) -> Self {
        Self::start(Behind { alter: Box::new(alter), ..Behind::of(app) })
    }

    fn start(behind: Behind) -> Self {
        let behind = Data::new(behind);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(behind.clone())
                .app_data(PayloadConfig::new(64 * MIB))
                .default_service(web::to(forward))
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { endpoint, handle }
    }
}

impl Behind {
    fn of(app: &TestApp) -> Self {
        Self {
            store_origin: app.store_origin.clone(),
            secret_access_key: app.secret_access_key(),
            http: reqwest::Client::new(),
            decide: Box::new(|_, _| Manners::Keeps),
            hold: Box::new(|_| Box::pin(std::future::ready(()))),
            instead: Box::new(|_| None),
            alter: Box::new(|_, _| ()),
        }
    }
}

impl Drop for LaxStore {
    fn drop(&mut self) {
        // Begun by the call; the future would only wait for the end.
        drop(self.handle.stop(false));
    }
}

async fn forward(request: HttpRequest, body: Bytes, behind: Data<Behind>) -> HttpResponse {
    if let Some(said) = (behind.instead)(&request) {
        return answer(&request, said);
    }
    (behind.hold)(&request).await;
    let mut headers = Vec::new();
    for (name, value) in request.headers() {
        let name = name.as_str();
        match (behind.decide)(&request, name) {
            Manners::Refuses(status) => {
                let code = if status == 501 { "NotImplemented" } else { "Refused" };
                let status = actix_web::http::StatusCode::from_u16(status).unwrap();
                return HttpResponse::build(status).body(format!("<Error><Code>{code}</Code></Error>"));
            }
            Manners::Ignores => continue,
            Manners::Keeps => {}
        }
        let of_signature = ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token"].contains(&name);
        let is_of_use = ["x-amz-", "content-", "if-"].iter().any(|start| name.starts_with(start))
            || ["range", "cache-control", "expires"].contains(&name);
        if is_of_use && !of_signature && name != "content-length" {
            headers.push((name.to_owned(), value.to_str().unwrap().to_owned()));
        }
    }
    let query =
        request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("X-Amz-"));
    let query = query.collect::<Vec<_>>().join("&");
    let url = format!("{}{}?{query}", behind.store_origin, request.uri().path());
    let method = Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let mut onward =
        behind.http.request(method.clone(), &url).header("content-length", body.len()).body(body);
    for (name, value) in signature(&behind, method.as_str(), &url, &headers).into_iter().chain(headers) {
        onward = onward.header(name, value);
    }
    let got = onward.send().await.unwrap();
    let header =
        |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
    let (status, headers) = (got.status().as_u16(), got.headers().iter().map(header).collect());
    let mut said = Said { status, headers, body: got.bytes().await.unwrap().to_vec() };
    (behind.alter)(&request, &mut said);
    answer(&request, said)
}

fn answer(request: &HttpRequest, said: Said) -> HttpResponse {
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(said.status).unwrap());
    for (name, value) in &said.headers {
        if !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            response.append_header((name.as_str(), value.as_str()));
        }
    }
    let length = said.headers.iter().find(|(name, _)| name == "content-length");
    match length.and_then(|(_, length)| length.parse().ok()) {
        // To a HEAD, the length of what is not sent.
        Some(length) if request.method() == "HEAD" => {
            response.no_chunking(length).body(actix_web::body::SizedStream::new(
                length,
                futures_util::stream::empty::<Result<Bytes, std::io::Error>>(),
            ))
        }
        _ => response.body(said.body),
    }
}

/// The headers that sign this request for the embedded store.
fn signature(
    behind: &Behind,
    method: &str,
    url: &str,
    headers: &[(String, String)],
) -> Vec<(String, String)> {
    let secret = behind.secret_access_key.expose_secret();
    let identity = Credentials::new(ACCESS_KEY_ID, secret, None, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .unwrap();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(method, url, headers, SignableBody::UnsignedPayload).unwrap();
    let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
    instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
