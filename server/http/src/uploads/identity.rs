//! Identifies uploads, so that a repeated request means the same upload.
//!
//! An upload's id is derived from all that the client says of it and from the creation's id, which the client chose:
//! a request that is repeated, because its answer was lost, gets the same key and the same claims from any replica,
//! without state.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use partway_shared::wire::{CreateCopy, NewUpload};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::caller::Caller;
use crate::token::{TokenMint, UploadClaims};

/// The longest time over which a request is repeated, in seconds.
const LONGEST_ASKING: i64 = 60 * 60;

/// Returns the id of the upload that a caller requests. `copied` is the request, if it is one for a copy.
pub(super) fn upload_id(
    mint: &TokenMint,
    caller: &Caller,
    destination: &str,
    file: &NewUpload,
    copied: Option<&CreateCopy>,
) -> Uuid {
    let Some(id) = file.id else { return Uuid::new_v4() };
    let modified = file.last_modified.map(i64::to_le_bytes);
    // What is not given differs from what is given and empty.
    let (path, content_type) = (given(file.path.as_deref()), given(file.content_type.as_deref()));
    // What it has besides strings has a JSON form as well.
    let copied = copied.map(|copied| serde_json::to_vec(copied).unwrap_or_default());
    let size = file.size.map(u64::to_le_bytes);
    let mut fields = vec![
        caller.subject.as_str().as_bytes(),
        destination.as_bytes(),
        id.as_bytes(),
        file.name.as_bytes(),
        &path,
        size.as_ref().map_or(&[], |size| size.as_slice()),
        &content_type,
        modified.as_ref().map_or(&[], |time| time.as_slice()),
    ];
    fields.extend(copied.as_deref());
    let derived = mint.derive("upload id", &fields);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&derived[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Returns when a file was first requested, within bounds: a client's clock can be wrong, and must not choose a key's
/// date.
pub(super) fn asked_at(file: &NewUpload, now: Timestamp) -> Timestamp {
    let said = file.id.and_then(|id| id.made_at()).and_then(|millis| i64::try_from(millis).ok());
    let said = said.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let age = |said: &Timestamp| now.as_second() - said.as_second();
    said.filter(|said| (0..=LONGEST_ASKING).contains(&age(said))).unwrap_or(now)
}

/// Returns an opaque name of the caller's subject, which a client can store where others may read it.
pub(super) fn owner(mint: &TokenMint, caller: &Caller) -> String {
    URL_SAFE_NO_PAD.encode(&mint.derive("owner", &[caller.subject.as_str().as_bytes()])[..16])
}

/// Returns the id under which quotas count an upload.
///
/// The key is a part of it: an application that answers the same proposal with another key, or a date in a key, makes
/// another object of the same upload, which counts as well.
pub(super) fn quota_id(claims: &UploadClaims) -> String {
    let hash =
        Sha256::new().chain_update(claims.id.as_bytes()).chain_update(claims.key.as_bytes()).finalize();
    URL_SAFE_NO_PAD.encode(&hash[..16])
}

fn given(text: Option<&str>) -> Vec<u8> {
    text.map_or_else(Vec::new, |text| [b"=", text.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use partway_shared::wire::CreationId;

    use super::*;
    use crate::caller::Subject;

    fn caller(name: &str) -> Caller {
        Caller::new(Subject::new(name).unwrap())
    }

    #[test]
    fn a_request_that_is_repeated_after_midnight_was_asked_before() {
        let at = |millis: u64| NewUpload { id: Some(CreationId::new([7; 16], Some(millis))), ..file() };
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let before = asked_at(&at(1_699_999_000_123), now);
        assert_eq!(before.as_millisecond(), 1_699_999_000_123);
        for elsewhen in [0, 1_600_000_000_000, 1_700_000_100_000, (1 << 48) - 1] {
            assert_eq!(asked_at(&at(elsewhen), now), now, "a clock that is off is not believed");
        }
        assert_eq!(asked_at(&file(), now), now);
    }

    #[test]
    fn the_same_subject_is_the_same_owner() {
        let (here, elsewhere) = (TokenMint::new(&"secret".into()), TokenMint::new(&"other".into()));
        let ada = owner(&here, &caller("ada"));
        assert_eq!(owner(&here, &caller("ada")), ada);
        assert!(
            ada.len() == 22
                && ada != owner(&here, &caller("eve"))
                && ada != owner(&elsewhere, &caller("ada"))
        );
    }

    fn file() -> NewUpload {
        NewUpload {
            id: Some("6fa459ea-ee8a-4ca4-894e-db77e160355e".parse().unwrap()),
            name: "a.jpg".to_owned(),
            size: Some(5),
            ..NewUpload::default()
        }
    }

    #[test]
    fn the_same_is_the_same_everywhere_and_anything_else_is_another() {
        let mint = |secret: &str| TokenMint::new(&secret.into());
        let of = |secret, subject, destination, file: &NewUpload| {
            upload_id(&mint(secret), &caller(subject), destination, file, None)
        };
        let id = |file: &NewUpload| of("secret", "ada", "photos", file);
        let copy = |metadata: Option<&str>| {
            let metadata = metadata.map(|value| [("a".to_owned(), value.to_owned())].into());
            let copied = CreateCopy { metadata, ..CreateCopy::default() };
            upload_id(&mint("secret"), &caller("ada"), "photos", &file(), Some(&copied))
        };
        assert_eq!(copy(None), copy(None));
        let same = id(&file());
        assert_eq!(id(&file()), same);
        let text = |text: &str| Some(text.to_owned());
        let others = [
            of("other", "ada", "photos", &file()),
            of("secret", "eve", "photos", &file()),
            of("secret", "ada", "films", &file()),
            of("secret", "adaphotos", "", &file()),
            copy(None),
            copy(Some("1")),
            copy(Some("2")),
            id(&NewUpload { id: Some("6fa459ea-ee8a-4ca4-894e-db77e160355f".parse().unwrap()), ..file() }),
            id(&NewUpload { name: "b.jpg".to_owned(), ..file() }),
            id(&NewUpload { size: Some(6), ..file() }),
            id(&NewUpload { path: text(""), ..file() }),
            id(&NewUpload { path: text("a"), ..file() }),
            id(&NewUpload { content_type: text("a"), ..file() }),
            id(&NewUpload { last_modified: Some(0), ..file() }),
            id(&NewUpload { id: None, ..file() }),
            id(&NewUpload { id: None, ..file() }),
        ];
        let distinct: std::collections::BTreeSet<_> = others.into_iter().chain([same]).collect();
        assert_eq!(distinct.len(), 17);
    }
}
