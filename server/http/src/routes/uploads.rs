//! `/v1/uploads` and below.
//!
//! An upload's token comes in the body of a request. Paths are in the logs of every proxy, and a path that is the same for
//! all uploads costs a page of another origin one preflight for all of them.

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};
use partway_shared::wire::{
    AbortUpload, CompleteUploads, CompletedUploads, CreateUploads, CreatedUploads, ListParts, ListedParts,
    SignParts, SignedParts,
};
use serde::Serialize;

use crate::problem::Refusal;
use crate::problem::Refusals;
use crate::uploads::Uploads;

use super::asked::Asked;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/v1/uploads").post(create))
        .service(web::resource("/v1/uploads/sign").post(sign))
        .service(web::resource("/v1/uploads/list").post(list))
        .service(web::resource("/v1/uploads/complete").post(complete))
        .service(web::resource("/v1/uploads/abort").post(abort));
}

pub(super) type Answer = Result<HttpResponse, Refusal>;

/// Creates up to 1,000 uploads
///
/// One result for each file, in their order: accepted with a token and the first signed URLs, or refused with a reason.
/// The whole request fails only where every file fails for the same temporary reason.
#[utoipa::path(
    post,
    path = "/v1/uploads",
    tag = "uploads",
    request_body = CreateUploads,
    responses(
        (status = 201, description = "One result for each file", body = CreatedUploads),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn create(uploads: Data<Uploads>, asked: Asked<CreateUploads>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Created(), &uploads.create(&caller, &request).await?))
}

/// Signs up to 1,000 part URLs, each for its length and checksum
#[utoipa::path(
    post,
    path = "/v1/uploads/sign",
    tag = "uploads",
    request_body = SignParts,
    responses(
        (status = 200, description = "One signed request for each part", body = SignedParts),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn sign(uploads: Data<Uploads>, asked: Asked<SignParts>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Ok(), &uploads.sign(&caller, &request).await?))
}

/// Lists what the store has: parts, or the object
#[utoipa::path(
    post,
    path = "/v1/uploads/list",
    tag = "uploads",
    request_body = ListParts,
    responses(
        (status = 200, description = "What the store has", body = ListedParts),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn list(uploads: Data<Uploads>, asked: Asked<ListParts>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Ok(), &uploads.list(&caller, &request.token).await?))
}

/// Compares up to 100 uploads with what the store has, and completes them
///
/// One result for each, in their order; completing twice gives the same answer. The whole request fails only where
/// every upload fails for the same temporary reason.
#[utoipa::path(
    post,
    path = "/v1/uploads/complete",
    tag = "uploads",
    request_body = CompleteUploads,
    responses(
        (status = 200, description = "One result for each upload", body = CompletedUploads),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn complete(uploads: Data<Uploads>, asked: Asked<CompleteUploads>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Ok(), &uploads.complete(&caller, &request).await?))
}

/// Aborts, and removes what is stored
#[utoipa::path(
    post,
    path = "/v1/uploads/abort",
    tag = "uploads",
    request_body = AbortUpload,
    responses(
        (status = 204, description = "It is gone"),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn abort(uploads: Data<Uploads>, asked: Asked<AbortUpload>) -> Answer {
    let Asked { caller, request } = asked;
    uploads.abort(&caller, &request.token).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Answers carry signed URLs and tokens, which no cache may keep.
pub(super) fn answer(mut response: HttpResponseBuilder, body: &impl Serialize) -> HttpResponse {
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
