//! Tickets, as an application makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use partway_server::config::{IdentityKind, Settings};

use super::*;

#[path = "../../../examples/tickets/ticket.rs"]
mod ticket;

pub const TICKET_SECRET: &str = "the application and the server share this secret";

/// Has the server ask for tickets.
pub fn by_ticket(settings: &mut Settings) {
    settings.identity.kind = IdentityKind::Jwt;
    settings.identity.jwt.secret = Some(TICKET_SECRET.to_owned().into());
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The claims of a good ticket.
pub fn ticket_claims(subject: &str) -> Value {
    json!({ "sub": subject, "aud": "partway", "exp": now() + 600 })
}

pub fn ticket_of(claims: &Value) -> String {
    ticket::sign(TICKET_SECRET, claims).unwrap()
}

/// A ticket without limits.
pub fn ticket(subject: &str) -> String {
    ticket_of(&ticket_claims(subject))
}

/// A ticket that says what its holder may do.
pub fn ticket_for(subject: &str, limits: Value) -> String {
    ticket_of(&changed(&ticket_claims(subject), "/partway", limits))
}
