//! `/v1/objects` and below.
//!
//! Keys come in JSON or in a query, and never in a path, which proxies clean up.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::Method;
use actix_web::http::header::{self, ETag, EntityTag, Header as _, HttpDate, IfModifiedSince, IfNoneMatch};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use partway_shared::wire::{
    DeleteObjects, DeletedObjects, ListObjects, ListedObjects, LookAtObjects, LookedAtObjects, ObjectInfo,
    ReadMethod, SignObjects, SignedObjects,
};

use crate::caller::Caller;
use crate::objects::{Content, ContentParams, Objects};
use crate::problem::Refusals;

use super::asked::{Asked, query};
use super::uploads::{Answer, answer};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/v1/objects").get(list))
        .service(web::resource("/v1/objects/sign").post(sign))
        .service(web::resource("/v1/objects/look").post(look))
        .service(web::resource("/v1/objects/delete").post(delete))
        .service(web::resource("/v1/objects/content").get(content).route(web::head().to(content_head)));
}

/// Signs up to 1,000 URLs that read objects
///
/// One result for each object, in their order: a URL, how long it is truly valid, and what the store says of the object; or
/// why there is none.
#[utoipa::path(
    post,
    path = "/v1/objects/sign",
    tag = "objects",
    request_body = SignObjects,
    responses(
        (status = 200, description = "One result for each object", body = SignedObjects),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn sign(objects: Data<Objects>, asked: Asked<SignObjects>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Ok(), &objects.sign(&caller, &request).await?))
}

/// Lists keys, up to 1,000 a page
///
/// In the order of the keys' bytes. With a delimiter, what is below a folder is one of `prefixes`.
#[utoipa::path(
    get,
    path = "/v1/objects",
    tag = "objects",
    params(ListObjects),
    responses(
        (status = 200, description = "A page", body = ListedObjects),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn list(objects: Data<Objects>, caller: Caller, request: HttpRequest) -> Answer {
    let params: ListObjects = query(&request)?;
    Ok(answer(HttpResponse::Ok(), &objects.list(&caller, &params).await?))
}

/// Looks at up to 100 objects
///
/// One result for each, in their order.
#[utoipa::path(
    post,
    path = "/v1/objects/look",
    tag = "objects",
    request_body = LookAtObjects,
    responses(
        (status = 200, description = "One result for each object", body = LookedAtObjects),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn look(objects: Data<Objects>, asked: Asked<LookAtObjects>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Ok(), &objects.look(&caller, &request).await?))
}

/// Deletes up to 1,000 objects
///
/// One result for each, in their order. Deleting what does not exist succeeds; with an ETag, only that object is deleted.
#[utoipa::path(
    post,
    path = "/v1/objects/delete",
    tag = "objects",
    request_body = DeleteObjects,
    responses(
        (status = 200, description = "One result for each object", body = DeletedObjects),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn delete(objects: Data<Objects>, asked: Asked<DeleteObjects>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Ok(), &objects.delete(&caller, &request).await?))
}

/// Leads to an object's bytes
///
/// For what can follow a redirect and nothing else: `<a>`, `<img>`, `<video>`, `curl -L`. `Range` is for the store, which the
/// client sends it to again.
#[utoipa::path(
    get,
    path = "/v1/objects/content",
    tag = "objects",
    params(ContentParams),
    responses(
        (status = 302, description = "A signed URL, in `Location`"),
        (status = 304, description = "The client has it, by `If-None-Match` or `If-Modified-Since`"),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn content(objects: Data<Objects>, caller: Caller, request: HttpRequest) -> Answer {
    let params: ContentParams = query(&request)?;
    let content = objects.content(&caller, ReadMethod::Get, &params).await?;
    Ok(redirect(&request, &content, Keeps::WhileValid))
}

/// Leads to an object's headers
#[utoipa::path(
    head,
    path = "/v1/objects/content",
    tag = "objects",
    params(ContentParams),
    responses(
        (status = 302, description = "A URL that is signed for HEAD, in `Location`"),
        (status = 304, description = "The client has it, by `If-None-Match` or `If-Modified-Since`"),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn content_head(objects: Data<Objects>, caller: Caller, request: HttpRequest) -> Answer {
    let params: ContentParams = query(&request)?;
    let content = objects.content(&caller, ReadMethod::Head, &params).await?;
    Ok(redirect(&request, &content, Keeps::WhileValid))
}

/// Whether a client may keep a redirect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// For half of the URL's life, so that a page full of images asks once.
    WhileValid,
    /// It may not, since it can be revoked.
    Nothing,
}

/// Answers with where the bytes are, unless the client has them.
pub(super) fn redirect(request: &HttpRequest, content: &Content, keeps: Keeps) -> HttpResponse {
    let Content { url, expires_in, object } = content;
    let mut response = if has_it(request, object) {
        HttpResponse::NotModified()
    } else {
        let mut response = HttpResponse::Found();
        response.insert_header((header::LOCATION, url.as_str()));
        response
    };
    response.insert_header(ETag(entity_tag(object)));
    if let Some(modified) = last_modified(object) {
        response.insert_header((header::LAST_MODIFIED, modified.to_string()));
    }
    let cache = match keeps {
        Keeps::WhileValid => format!("private, max-age={}", expires_in / 2),
        Keeps::Nothing => "no-store".to_owned(),
    };
    response
        .insert_header((header::CACHE_CONTROL, cache))
        // Who asks decides, and what came with the request says who asks.
        .insert_header((header::VARY, "Authorization, Cookie"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// Returns whether the client has this object already (RFC 9110, section 13.2.2).
fn has_it(request: &HttpRequest, object: &ObjectInfo) -> bool {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return false;
    }
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        let own = entity_tag(object);
        return match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&own)),
            Err(_) => false,
        };
    }
    let since = IfModifiedSince::parse(request).ok();
    since.zip(last_modified(object)).is_some_and(|(IfModifiedSince(since), modified)| modified <= since)
}

fn entity_tag(object: &ObjectInfo) -> EntityTag {
    let tag = object.etag.as_str().trim_matches('"');
    // A tag may have any character but a quote and those that no header has.
    let is_tag = tag.chars().all(|c| c == '!' || ('#'..='~').contains(&c));
    EntityTag::new_strong(if is_tag { tag.to_owned() } else { String::new() })
}

fn last_modified(object: &ObjectInfo) -> Option<HttpDate> {
    let millis = u64::try_from(object.last_modified?).ok()?;
    Some(HttpDate::from(UNIX_EPOCH + Duration::from_secs(millis / 1_000)))
}
