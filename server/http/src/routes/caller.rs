//! `/v1/caller`: who asks, in a word that tells nothing else of them.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use partway_shared::wire::CallerInfo;

use crate::caller::Caller;
use crate::problem::Refusals;
use crate::uploads::Uploads;

use super::uploads::{Answer, answer};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/v1/caller").get(caller));
}

/// Says who asks
///
/// `owner` is the same for the same subject on every replica, and different for each. By it a client keeps what different users of
/// one browser have begun apart.
#[utoipa::path(
    get,
    path = "/v1/caller",
    tag = "uploads",
    responses(
        (status = 200, description = "Who asks", body = CallerInfo),
        Refusals
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn caller(uploads: Data<Uploads>, caller: Caller) -> Answer {
    Ok(answer(HttpResponse::Ok(), &CallerInfo { owner: uploads.owner(&caller) }))
}
