//! The OpenAPI 3.1 description of the API, from the routes and the wire types.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::problem::{Forbidden, Refused, TooMuch, Unidentified};

use super::{caller, copies, health, links, objects, uploads};

/// The description. `/openapi.json` is what it comes to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Partway",
        description = "Large files from a browser straight to S3: presigned URLs for parts, and verified completion.\n\n\
            An upload is created, its parts are signed for, sent to the store, and completed. What the server has to \
            remember of it is in its token. Objects that are there are listed, signed for, linked to, copied and deleted, where their \
            destination allows it. Every refusal is `application/problem+json` with a stable `code`.\n\n\
            Who has to say who they are, and how, is configured: nobody, by a bearer token, or by whatever the \
            application goes by, such as its cookies."
    ),
    tags(
        (name = "uploads", description = "Files on their way"),
        (name = "objects", description = "Files that are there"),
        (name = "operations", description = "What monitors ask"),
    ),
    paths(
        uploads::create,
        uploads::sign,
        uploads::list,
        uploads::complete,
        uploads::abort,
        caller::caller,
        caller::destinations,
        objects::sign,
        objects::list,
        objects::look,
        objects::delete,
        objects::content,
        objects::content_head,
        copies::create,
        links::create,
        links::follow,
        links::follow_head,
        health::healthz,
        health::readyz,
        health::metrics,
    ),
    components(responses(Refused, Unidentified, Forbidden, TooMuch)),
    modifiers(&Bearer)
)]
pub struct Description;

/// Returns the description as JSON.
#[must_use]
pub fn json() -> String {
    // Everything in it has a JSON form.
    Description::openapi().to_pretty_json().unwrap_or_default()
}

/// The authentication scheme of tokens and tickets.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A token of the identity provider, or a ticket of the application's own."));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}
