//! Errors as HTTP answers: every error of every route is a problem (RFC 9457).

use std::fmt;

use actix_cors::CorsError;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers};
use actix_web::{HttpResponse, ResponseError};
use partway_shared::error::{ErrorCode, Problem};

/// The error answer of every route, for OpenAPI.
#[derive(utoipa::ToResponse)]
#[response(
    description = "A refusal, with a stable code",
    content_type = "application/problem+json",
    headers(("retry-after" = u64, description = "Seconds, where trying again can help"))
)]
#[allow(dead_code, reason = "it stands for what `Refusal` sends")]
pub struct Refused(Problem);

/// The error answers of routes that authenticate the caller.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "it stands for what `Refusal` sends")]
pub(crate) enum Refusals {
    #[response(status = 401)]
    Unidentified(#[ref_response] Unidentified),
    #[response(status = 403)]
    Forbidden(#[ref_response] Forbidden),
    #[response(status = 429)]
    TooMuch(#[ref_response] TooMuch),
    #[response(status = "default")]
    Refused(#[ref_response] Refused),
}

/// No credentials, or none that are good
#[derive(utoipa::ToResponse)]
#[response(
    content_type = "application/problem+json",
    headers(("www-authenticate" = String, description = "The scheme: `Bearer`"))
)]
#[allow(dead_code, reason = "it stands for what `Refusal` sends")]
pub(crate) struct Unidentified(Problem);

/// Good credentials, and they do not reach as far
#[derive(utoipa::ToResponse)]
#[response(content_type = "application/problem+json")]
#[allow(dead_code, reason = "it stands for what `Refusal` sends")]
pub(crate) struct Forbidden(Problem);

/// More than one may ask for
#[derive(utoipa::ToResponse)]
#[response(
    content_type = "application/problem+json",
    headers(("retry-after" = u64, description = "Seconds after which there may be room"))
)]
#[allow(dead_code, reason = "it stands for what `Refusal` sends")]
pub(crate) struct TooMuch(Problem);

/// A problem as the error of a handler.
#[derive(Clone, Debug)]
pub struct Refusal(pub Problem);

impl<P: Into<Problem>> From<P> for Refusal {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.0.code.spec().retryable {
            response.insert_header((header::RETRY_AFTER, self.0.retry_after.unwrap_or(1)));
        }
        if matches!(
            self.0.code,
            ErrorCode::CredentialsMissing | ErrorCode::CredentialsInvalid | ErrorCode::CredentialsExpired
        ) {
            // A 401 has to name a scheme (RFC 9110, section 15.5.2).
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response
            .content_type("application/problem+json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(serde_json::to_vec(&self.0).unwrap_or_default())
    }
}

/// Turns the errors that actix answers by itself into problems (RFC 9457).
pub fn error_handlers<B: MessageBody + 'static>() -> ErrorHandlers<B> {
    ErrorHandlers::new().default_handler_client(to_problem).default_handler_server(to_problem)
}

fn to_problem<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let is_ours = response
        .headers()
        .get(header::CONTENT_TYPE)
        // What is not ready says so in plain JSON, and a link that does not work in a page for people.
        .is_some_and(|kind| {
            ["application/problem+json", "application/json", "text/html; charset=utf-8"]
                .iter()
                .any(|ours| kind == ours)
        });
    if is_ours {
        return Ok(ErrorHandlerResponse::Response(response.map_into_left_body()));
    }
    let cors = response.response().error().and_then(|error| error.as_error::<CorsError>());
    let status = match cors {
        Some(CorsError::OriginNotAllowed) => StatusCode::FORBIDDEN,
        Some(CorsError::MethodNotAllowed) => StatusCode::METHOD_NOT_ALLOWED,
        _ => response.status(),
    };
    let code = match status {
        StatusCode::FORBIDDEN if cors.is_some() => ErrorCode::OriginNotAllowed,
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
        status if status.is_client_error() => ErrorCode::InvalidField,
        _ => ErrorCode::Internal,
    };
    // What actix has against a request may be told; what went wrong within the server may not.
    let detail = response.response().error().filter(|_| status.is_client_error()).map(ToString::to_string);
    let detail = detail.unwrap_or_else(|| code.spec().title.to_owned());
    let problem = Problem { status: status.as_u16(), ..Problem::new(code, detail) };
    let (request, old) = response.into_parts();
    let mut new = Refusal(problem).error_response();
    for (name, value) in old.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            new.headers_mut().append(name.clone(), value.clone());
        }
    }
    let new: HttpResponse<EitherBody<B, BoxBody>> = new.map_body(|_, body| EitherBody::right(body));
    Ok(ErrorHandlerResponse::Response(ServiceResponse::new(request, new)))
}
