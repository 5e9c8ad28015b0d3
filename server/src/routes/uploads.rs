//! `/v1/uploads` and below.

use actix_web::http::header;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};
use partway_shared::wire::{
    CompleteUpload, CompleteUploads, CompletedUpload, CompletedUploads, CreateUploads, CreatedUploads,
    ListedParts, SignParts, SignedParts,
};
use serde::Serialize;

use crate::identity::Caller;
use crate::json::Json;
use crate::openapi::Refusals;
use crate::problem::Refusal;
use crate::uploads::Uploads;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/v1/uploads").post(create))
        // Before those with a token, which is never this word.
        .service(web::resource("/v1/uploads/complete").post(complete_many))
        .service(web::resource("/v1/uploads/{token}").delete(abort))
        .service(web::resource("/v1/uploads/{token}/parts").get(list).post(sign))
        .service(web::resource("/v1/uploads/{token}/complete").post(complete));
}

type Answer = Result<HttpResponse, Refusal>;

/// Creates up to 1,000 uploads
///
/// One result for each file, in their order: accepted with a token and the first signed URLs, or refused with a reason. The whole
/// request fails only where every file fails for the same passing reason.
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
pub(crate) async fn create(
    uploads: Data<Uploads>,
    caller: Caller,
    Json(request): Json<CreateUploads>,
) -> Answer {
    Ok(answer(HttpResponse::Created(), &uploads.create(&caller, &request).await?))
}

/// Signs up to 1,000 part URLs, each for its length and checksum
#[utoipa::path(
    post,
    path = "/v1/uploads/{token}/parts",
    tag = "uploads",
    params(("token" = String, Path, description = "The upload's token")),
    request_body = SignParts,
    responses(
        (status = 200, description = "One signed request for each part", body = SignedParts),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn sign(
    uploads: Data<Uploads>,
    caller: Caller,
    token: Path<String>,
    Json(request): Json<SignParts>,
) -> Answer {
    Ok(answer(HttpResponse::Ok(), &uploads.sign(&caller, &token, &request).await?))
}

/// Lists what the store has: parts, or the object
#[utoipa::path(
    get,
    path = "/v1/uploads/{token}/parts",
    tag = "uploads",
    params(("token" = String, Path, description = "The upload's token")),
    responses(
        (status = 200, description = "What the store has", body = ListedParts),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn list(uploads: Data<Uploads>, caller: Caller, token: Path<String>) -> Answer {
    Ok(answer(HttpResponse::Ok(), &uploads.list(&caller, &token).await?))
}

/// Compares with what the store has, and completes
///
/// Doing it twice gives the same answer.
#[utoipa::path(
    post,
    path = "/v1/uploads/{token}/complete",
    tag = "uploads",
    params(("token" = String, Path, description = "The upload's token")),
    request_body = CompleteUpload,
    responses(
        (status = 200, description = "The object", body = CompletedUpload),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn complete(
    uploads: Data<Uploads>,
    caller: Caller,
    token: Path<String>,
    Json(request): Json<CompleteUpload>,
) -> Answer {
    Ok(answer(HttpResponse::Ok(), &uploads.complete(&caller, &token, &request).await?))
}

/// Completes up to 100 uploads
///
/// One result for each, in their order, as if each had been completed alone; small files are best completed so. The whole request
/// fails only where every upload fails for the same passing reason.
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
pub(crate) async fn complete_many(
    uploads: Data<Uploads>,
    caller: Caller,
    Json(request): Json<CompleteUploads>,
) -> Answer {
    Ok(answer(HttpResponse::Ok(), &uploads.complete_many(&caller, request).await?))
}

/// Aborts, and removes what is stored
#[utoipa::path(
    delete,
    path = "/v1/uploads/{token}",
    tag = "uploads",
    params(("token" = String, Path, description = "The upload's token")),
    responses(
        (status = 204, description = "It is gone"),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn abort(uploads: Data<Uploads>, caller: Caller, token: Path<String>) -> Answer {
    uploads.abort(&caller, &token).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Answers carry signed URLs and tokens, which no cache may keep.
fn answer(mut response: HttpResponseBuilder, body: &impl Serialize) -> HttpResponse {
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
