//! `/v1/uploads` and below.

use actix_web::http::header;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};
use partway_shared::wire::{CompleteUpload, CreateUploads, SignParts};
use serde::Serialize;

use crate::identity::Caller;
use crate::json::Json;
use crate::problem::Refusal;
use crate::uploads::Uploads;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/v1/uploads").post(create))
        .service(web::resource("/v1/uploads/{token}").delete(abort))
        .service(web::resource("/v1/uploads/{token}/parts").get(list).post(sign))
        .service(web::resource("/v1/uploads/{token}/complete").post(complete));
}

type Answer = Result<HttpResponse, Refusal>;

async fn create(uploads: Data<Uploads>, caller: Caller, Json(request): Json<CreateUploads>) -> Answer {
    Ok(answer(HttpResponse::Created(), &uploads.create(&caller, &request).await?))
}

async fn sign(
    uploads: Data<Uploads>,
    caller: Caller,
    token: Path<String>,
    Json(request): Json<SignParts>,
) -> Answer {
    Ok(answer(HttpResponse::Ok(), &uploads.sign(&caller, &token, &request).await?))
}

async fn list(uploads: Data<Uploads>, caller: Caller, token: Path<String>) -> Answer {
    Ok(answer(HttpResponse::Ok(), &uploads.list(&caller, &token).await?))
}

async fn complete(
    uploads: Data<Uploads>,
    caller: Caller,
    token: Path<String>,
    Json(request): Json<CompleteUpload>,
) -> Answer {
    Ok(answer(HttpResponse::Ok(), &uploads.complete(&caller, &token, &request).await?))
}

async fn abort(uploads: Data<Uploads>, caller: Caller, token: Path<String>) -> Answer {
    uploads.abort(&caller, &token).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Answers carry signed URLs and tokens, which no cache may keep.
fn answer(mut response: HttpResponseBuilder, body: &impl Serialize) -> HttpResponse {
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
