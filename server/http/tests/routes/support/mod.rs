//! What the routes' tests share: an application on free ports, an upload to carry through it,
//! answers that know what they should be, and a few helpers.
#![allow(unreachable_pub, reason = "shared by the modules of one test")]

mod answer;
mod app;
#[path = "../../../../embedded/tests/common/mod.rs"]
mod common;
mod lax;
mod objects;
mod peer;
mod tickets;
pub mod upload;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use partway_server::token::UploadClaims;
use serde::Serialize;

pub use answer::{Answer, Completed};
pub use app::{BUCKET, TOKEN_SECRET, TestApp, before, client_of, settings};
pub use common::{next_head, noise};
pub use lax::{LaxStore, Manners, Said};
pub use objects::{ALL, copies, objects, parameters};
pub use partway_server::config::ChecksumSetting;
pub use partway_shared::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5, PartHasher};
pub use partway_shared::error::{ErrorCode, Problem};
pub use partway_shared::part::{ETag, PartNumber};
pub use partway_shared::wire::*;
pub use peer::Peer;
pub use reqwest::Method;
pub use serde_json::{Value, json};
pub use tickets::{TICKET_SECRET, by_ticket, now, ticket, ticket_claims, ticket_for, ticket_of};
pub use upload::{Upload, is_staged, post_form, put_bytes};

pub const KIB: usize = 1 << 10;
pub const MIB: usize = 1 << 20;
/// The smallest part that S3 allows, into which the tests cut files.
pub const PART: usize = 5 * MIB;

pub fn accepted(created: CreatedUpload) -> Grant {
    match created {
        CreatedUpload::Accepted(grant) => *grant,
        CreatedUpload::Refused(problem) => panic!("refused: {problem}, {:?}", problem.field),
    }
}

pub fn refused(created: CreatedUpload) -> Problem {
    match created {
        CreatedUpload::Accepted(grant) => panic!("accepted as {}", grant.key),
        CreatedUpload::Refused(problem) => problem,
    }
}

pub fn number(part: u32) -> PartNumber {
    PartNumber::new(part).unwrap()
}

pub fn claims(token: &str) -> UploadClaims {
    let (claims, _) = token.split_once('.').unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// `json` with one value replaced, by its JSON pointer; a new field of an object is added.
pub fn changed(json: &impl Serialize, pointer: &str, value: Value) -> Value {
    let mut json = serde_json::to_value(json).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match json.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        other => panic!("{other} has nothing in it"),
    }
    json
}

/// What a client computes for a part.
pub fn checksum(kind: ChecksumKind, bytes: &[u8]) -> Option<Checksum> {
    let mut hasher = PartHasher::new(kind)?;
    hasher.update(bytes);
    Some(hasher.finish())
}

pub fn file(name: &str, size: u64) -> NewUpload {
    NewUpload { name: name.to_owned(), size: Some(size), ..NewUpload::default() }
}

/// The client's name for a creation, made of a name.
pub fn creation_id(name: &str) -> CreationId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&Crc64Nvme::of(name.as_bytes()).0.to_be_bytes());
    CreationId::new(bytes, None)
}
