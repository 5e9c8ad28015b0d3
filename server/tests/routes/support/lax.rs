//! A store that is worse than the embedded one, which stands behind it: requests lose headers on
//! their way, or are refused for them. Each is signed anew, so that the embedded store does not mind.

use std::net::TcpListener;
use std::sync::Arc;
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
use partway_server::local::ACCESS_KEY_ID;
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

type Decide = dyn Fn(&HttpRequest, &str) -> Manners + Send + Sync;

struct Behind {
    store_origin: String,
    secret_access_key: SecretString,
    http: reqwest::Client,
    decide: Arc<Decide>,
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
        let behind = Data::new(Behind {
            store_origin: app.store_origin.clone(),
            secret_access_key: app.secret_access_key(),
            http: reqwest::Client::new(),
            decide: Arc::new(decide),
        });
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

impl Drop for LaxStore {
    fn drop(&mut self) {
        // Begun by the call; the future would only wait for the end.
        drop(self.handle.stop(false));
    }
}

async fn forward(request: HttpRequest, body: Bytes, behind: Data<Behind>) -> HttpResponse {
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
        if (name.starts_with("x-amz-") || name.starts_with("content-"))
            && !of_signature
            && name != "content-length"
        {
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
    let answer = onward.send().await.unwrap();
    let mut response =
        HttpResponse::build(actix_web::http::StatusCode::from_u16(answer.status().as_u16()).unwrap());
    for (name, value) in answer.headers() {
        if !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            response.append_header((name.as_str(), value.to_str().unwrap()));
        }
    }
    let length = answer.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    let body = answer.bytes().await.unwrap();
    match length {
        // To a HEAD, the length of what is not sent.
        Some(length) if method == Method::HEAD => {
            response.no_chunking(length).body(actix_web::body::SizedStream::new(
                length,
                futures_util::stream::empty::<Result<Bytes, std::io::Error>>(),
            ))
        }
        _ => response.body(body),
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
