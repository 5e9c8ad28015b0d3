//! Stands between connections and the protocol layer, and adds what that lacks. Never knows what the operations do.

mod answer;
mod body;
pub(crate) mod linger;
mod ranges;
mod region;
mod signature_v2;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error};
use secrecy::ExposeSecret as _;

use self::answer::About;
use self::body::{Home, Watched};
use self::ranges::WholeInstead;
use super::errors::Error;
use super::options::Options;
use super::service::Service;
use crate::seen::{MOST_XML, Seen, XmlDigests};

/// The entry of requests.
pub(crate) struct Front {
    /// The service for this machine, which accepts signature version 2.
    local: S3Service,
    others: S3Service,
    region: String,
    stall: Duration,
}

impl Front {
    pub(crate) fn new(service: &Service, options: &Options) -> Self {
        Self {
            local: protocol(service, options, true),
            others: protocol(service, options, false),
            region: options.region.clone(),
            stall: options.body_timeout,
        }
    }

    pub(crate) async fn answer(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let (mut request, body) = request.into_parts();
        let about = About::of(&request);
        let awaits_continue = request.version == Version::HTTP_11 && awaits_continue(&request.headers);
        let closes_by_header = request.version <= Version::HTTP_11;
        let headers = request.headers.clone();
        let home = Home::default();
        let seen = Seen::of(&mut request);
        let lacks_length = matches!(seen, Seen::Form(_)) && !headers.contains_key(header::CONTENT_LENGTH);
        let xml = request.extensions.get::<XmlDigests>().cloned();
        let body = Watched::new(body, home.clone(), seen, self.stall);
        let checked =
            region::check(&request, &self.region).and_then(|()| signature_v2::check_header(&request));
        let mut response = match checked {
            // The protocol layer would hold the whole file in memory, before it finds out whether the form is signed.
            Ok(()) if lacks_length => {
                drop(body);
                written(Error::MissingContentLength.into())
            }
            Ok(()) => {
                let s3 = if signature_v2::is_local(peer, &request) { &self.local } else { &self.others };
                let answered = s3.call(Request::from_parts(request, Body::http_body_unsync(body))).await;
                answered.unwrap_or_else(|error| {
                    tracing::error!(%error, "the protocol layer failed");
                    internal_error()
                })
            }
            Err(error) => {
                drop(body);
                written(error)
            }
        };
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            // It calls whatever is wrong with XML that it reads a fault of its own.
            if home.has_stalled() {
                response = written(Error::Stalled.into());
            } else if let Some(fault) = xml.and_then(|digests| digests.fault(&headers)) {
                response = written(fault.into());
            }
        }
        if home.settle(awaits_continue, self.stall) && closes_by_header {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer::finish(&mut response, &about, &self.region);
        response
    }
}

fn awaits_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn written(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|error| {
        tracing::error!(%error, "an error could not be written");
        internal_error()
    })
}

fn internal_error() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// Creates the protocol layer: it parses requests, checks signatures, and writes answers.
fn protocol(service: &Service, options: &Options, signature_v2: bool) -> S3Service {
    let mut config = S3Config::default();
    config.expected_region = s3s::region::Region::new(options.region.as_str().into()).ok();
    config.sig_v4_allowed_services = vec!["s3".to_owned()];
    config.enable_sig_v2 = signature_v2;
    // Signed chunks are held in memory until their signature is checked; SDKs send 64 KiB to 1 MiB.
    config.aws_chunked_stream_max_chunk_size = 16 << 20;
    config.xml_max_body_size = MOST_XML;
    config.form_max_fields_size = 1 << 20;
    config.form_max_field_size = 64 << 10;
    let config = Arc::new(StaticConfigProvider::new(Arc::new(config)));
    let mut unsigned = S3ServiceBuilder::new(service.clone());
    unsigned.set_config(Arc::clone(&config) as _);
    let mut builder = S3ServiceBuilder::new(service.clone());
    builder.set_config(config);
    builder.set_route(WholeInstead { unsigned: unsigned.build() });
    builder.set_auth(OneKey {
        access_key: options.access_key.clone(),
        secret_key: options.secret_key.expose_secret().into(),
    });
    builder.build()
}

/// The one key that requests may be signed with.
struct OneKey {
    access_key: String,
    secret_key: SecretKey,
}

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> s3s::S3Result<SecretKey> {
        if access_key == self.access_key {
            Ok(self.secret_key.clone())
        } else {
            Err(s3s::s3_error!(InvalidAccessKeyId, "the access key id is not this store's"))
        }
    }
}
