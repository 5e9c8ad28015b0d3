//! `/v1/copies`.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use partway_shared::wire::{CreateCopy, CreatedCopy};

use crate::copies::Copies;
use crate::problem::Refusals;

use super::asked::Asked;
use super::uploads::{Answer, answer};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/v1/copies").post(create));
}

/// Copies an object
///
/// A small one at once. Of a large one the answer is the grant of an upload in parts, whose URLs have the store copy them: the
/// client sends each an empty body with the headers that are given, and completes the upload as any other. Metadata, tags and
/// type are the object's, unless they are given.
#[utoipa::path(
    post,
    path = "/v1/copies",
    tag = "objects",
    request_body = CreateCopy,
    responses(
        (status = 201, description = "The copy, or how it is made", body = CreatedCopy),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn create(copies: Data<Copies>, asked: Asked<CreateCopy>) -> Answer {
    let Asked { caller, request } = asked;
    Ok(answer(HttpResponse::Created(), &copies.create(&caller, &request).await?))
}
