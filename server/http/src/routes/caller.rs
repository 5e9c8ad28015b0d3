//! `/v1/caller`: an opaque name of the caller; `/v1/destinations`: what it may do.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use partway_shared::wire::{CallerInfo, DestinationList};

use crate::caller::Caller;
use crate::objects::Objects;
use crate::problem::Refusals;
use crate::uploads::Uploads;

use super::uploads::{Answer, answer};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/v1/caller").get(caller))
        .service(web::resource("/v1/destinations").get(destinations));
}

/// Identifies the caller
///
/// `owner` is the same for one subject on every replica, and differs between subjects. By it a client keeps apart what
/// different users of one browser have begun.
#[utoipa::path(
    get,
    path = "/v1/caller",
    tag = "uploads",
    responses(
        (status = 200, description = "The caller", body = CallerInfo),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn caller(uploads: Data<Uploads>, caller: Caller) -> Answer {
    Ok(answer(HttpResponse::Ok(), &CallerInfo { owner: uploads.owner(&caller) }))
}

/// Lists the destinations that exist for the caller, with what it may do there
#[utoipa::path(
    get,
    path = "/v1/destinations",
    tag = "uploads",
    responses(
        (status = 200, description = "The destinations", body = DestinationList),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn destinations(objects: Data<Objects>, caller: Caller) -> Answer {
    Ok(answer(HttpResponse::Ok(), &objects.destinations(&caller)))
}
