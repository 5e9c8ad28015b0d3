//! `/v1/links`, where links are made, and `/l/…`, where they are followed.

use actix_web::http::header;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::wire::{CreateLink, CreatedLink, ReadMethod};

use crate::objects::Objects;
use crate::problem::{Refusal, Refusals};

use super::asked::Asked;
use super::objects::{Keeps, redirect};
use super::uploads::{Answer, answer};

const PATH: &str = "/v1/links";

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource(PATH).post(create))
        .service(web::resource("/l/{token}").get(follow).route(web::head().to(follow_head)));
}

/// Makes a link to an object
///
/// Whoever has the link can read the object, without credentials, until it expires. It outlives a presigned URL: it is signed
/// for when somebody follows it.
#[utoipa::path(
    post,
    path = "/v1/links",
    tag = "objects",
    request_body = CreateLink,
    responses(
        (status = 201, description = "The link", body = CreatedLink),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn create(objects: Data<Objects>, asked: Asked<CreateLink>, request: HttpRequest) -> Answer {
    let Asked { caller, request: link } = asked;
    let made = objects.link(&caller, &link).await?;
    // Where the client has reached this server: by a proxy's name, and below a prefix of the application's.
    let (place, path) = (request.connection_info(), request.path());
    let below = path.strip_suffix(PATH).unwrap_or_default();
    let url = format!("{}://{}{below}/l/{}", place.scheme(), place.host(), made.token);
    Ok(answer(HttpResponse::Created(), &CreatedLink { url, expires_in: made.expires_in }))
}

/// Follows a link
#[utoipa::path(
    get,
    path = "/l/{token}",
    tag = "objects",
    params(("token" = String, Path, description = "The link's last segment")),
    responses(
        (status = 302, description = "A signed URL, in `Location`"),
        (status = 304, description = "The client has it, by `If-None-Match` or `If-Modified-Since`"),
        (status = "default", response = crate::problem::Refused)
    )
)]
pub(crate) async fn follow(
    objects: Data<Objects>,
    token: Path<String>,
    request: HttpRequest,
) -> HttpResponse {
    lead(&objects, &token, ReadMethod::Get, &request).await
}

/// Follows a link to the object's headers
#[utoipa::path(
    head,
    path = "/l/{token}",
    tag = "objects",
    params(("token" = String, Path, description = "The link's last segment")),
    responses(
        (status = 302, description = "A URL that is signed for HEAD, in `Location`"),
        (status = 304, description = "The client has it, by `If-None-Match` or `If-Modified-Since`"),
        (status = "default", response = crate::problem::Refused)
    )
)]
pub(crate) async fn follow_head(
    objects: Data<Objects>,
    token: Path<String>,
    request: HttpRequest,
) -> HttpResponse {
    lead(&objects, &token, ReadMethod::Head, &request).await
}

async fn lead(objects: &Objects, token: &str, method: ReadMethod, request: &HttpRequest) -> HttpResponse {
    match objects.follow(token, method).await {
        Ok(content) => redirect(request, &content, Keeps::Nothing),
        Err(problem) if wants_page(request) => page(&problem),
        Err(problem) => Refusal(problem).error_response(),
    }
}

/// Returns whether a person has followed the link, and not a program.
fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A page that says what is wrong with a link.
fn page(problem: &Problem) -> HttpResponse {
    let said = match problem.code {
        ErrorCode::LinkInvalid => "This link does not work any more. Ask whoever sent it for a new one.",
        ErrorCode::ObjectNotFound => "The file that this link leads to has been deleted.",
        ErrorCode::ObjectArchived => {
            "The file is in an archive, and has to be restored before it can be read."
        }
        ErrorCode::QuotaExceeded => "This file cannot be read any more today. Try again tomorrow.",
        _ => "The file cannot be read at the moment. Try again later.",
    };
    let refusal = Refusal(problem.clone());
    let mut response = HttpResponse::build(refusal.status_code());
    if let Some(after) = problem.retry_after {
        response.insert_header((header::RETRY_AFTER, after));
    }
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
             <h1>{}</h1>\n<p>{said}</p>\n<p><small>{}</small></p>\n</html>\n",
            problem.title, problem.title, problem.code
        ))
}
