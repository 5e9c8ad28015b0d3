//! The API in the words of OpenAPI 3.1, made of the routes and of the wire types.

use utoipa::OpenApi;

use crate::problem::Refused;
use crate::routes::{health, uploads};

/// The description. `/openapi.json` is what it comes to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Partway",
        description = "Large files from a browser straight to S3: presigned URLs for parts, and verified completion.\n\n\
            An upload is created, its parts are signed for, sent to the store, and completed. What the server has to \
            remember of it is in its token. Every refusal is `application/problem+json` with a stable `code`."
    ),
    tags(
        (name = "uploads", description = "Files on their way"),
        (name = "operations", description = "What monitors ask"),
    ),
    paths(
        uploads::create,
        uploads::sign,
        uploads::list,
        uploads::complete,
        uploads::complete_many,
        uploads::abort,
        health::healthz,
        health::readyz,
        health::metrics,
    ),
    components(responses(Refused))
)]
pub struct Description;

/// The description as JSON.
#[must_use]
pub fn json() -> String {
    // Everything in it has a JSON form.
    Description::openapi().to_pretty_json().unwrap_or_default()
}
