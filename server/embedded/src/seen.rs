//! Owns what has to be observed of a body while it passes, since the protocol layer does not provide it: the digests
//! of XML, and the fields of a form. Never holds back bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use http::{Extensions, HeaderMap, Method, header};
use s3s::crypto::{Checksum as _, Sha256};

use crate::checksums::{self, Algorithm, Checksums};
use crate::digest::{Digests, Expected, Hasher, hex};
use crate::errors::Error;

/// The largest XML body, in bytes.
pub(crate) const MOST_XML: usize = 4 << 20;

/// The most bytes before a form's file: s3s accepts 1 MiB of fields.
const MOST_FIELDS: usize = 1 << 20;

/// The subresources that a PUT sets instead of an object.
const SUBRESOURCES: [&str; 6] = ["acl", "annotation", "legal-hold", "retention", "tagging", "encryption"];

/// What is observed of a body.
#[derive(Default)]
pub(crate) enum Seen {
    #[default]
    Nothing,
    Xml {
        hashers: Option<Box<(Hasher, Sha256)>>,
        left: u64,
        digests: XmlDigests,
    },
    Form(FormHead),
}

/// The digests of an XML body, after it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct XmlDigests {
    /// Whether the request's checksums are of an object, and not of the XML.
    about_object: bool,
    seen: Arc<Mutex<XmlSeen>>,
}

#[derive(Debug, Default)]
struct XmlSeen {
    bytes: usize,
    /// The digests, and the SHA-256 in hex.
    digests: Option<(Digests, String)>,
}

/// The beginning of a form, at least up to its file.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormHead(Arc<Mutex<Vec<u8>>>);

impl Seen {
    /// Returns what to observe of a request's body, and stores it in the request's extensions.
    pub(crate) fn of(request: &mut Parts) -> Self {
        let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if request.method == Method::POST
            && content_type.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
        {
            let head = FormHead::default();
            request.extensions.insert(head.clone());
            return Self::Form(head);
        }
        if !brings_xml(request) {
            return Self::Nothing;
        }
        let about_object = query_names(request).any(|name| name == "uploadId");
        let digests = XmlDigests { about_object, ..Default::default() };
        request.extensions.insert(digests.clone());
        let wanted = Algorithm::ALL.into_iter().filter(|known| request.headers.contains_key(known.header()));
        let length = request.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let left = length.and_then(|length| length.parse().ok()).unwrap_or(u64::MAX);
        Self::Xml { hashers: Some(Box::new((Hasher::new(wanted), Sha256::new()))), left, digests }
    }

    pub(crate) fn data(&mut self, data: &[u8]) {
        match self {
            Self::Nothing => {}
            Self::Xml { hashers, left, digests } => {
                digests.lock().bytes += data.len();
                if let Some((hasher, sha256)) = hashers.as_deref_mut() {
                    hasher.update(data);
                    sha256.update(data);
                }
                *left = left.saturating_sub(data.len() as u64);
                // A reader that has all bytes need not look for the end.
                if *left == 0 {
                    self.end();
                }
            }
            Self::Form(head) => head.add(data),
        }
    }

    pub(crate) fn end(&mut self) {
        if let Self::Xml { hashers, digests, .. } = self
            && let Some(hashers) = hashers.take()
        {
            let (hasher, sha256) = *hashers;
            let seen = (hasher.finish(), hex(&sha256.finalize()));
            digests.lock().digests = Some(seen);
        }
    }
}

impl XmlDigests {
    /// Returns what is wrong with the XML where the protocol layer reports an internal error.
    pub(crate) fn fault(&self, headers: &HeaderMap) -> Option<Error> {
        if self.lock().bytes > MOST_XML {
            Some(Error::XmlTooLong)
        } else {
            self.is_other_than_signed(headers).then_some(Error::ContentSha256Mismatch)
        }
    }

    fn lock(&self) -> MutexGuard<'_, XmlSeen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the request's SHA-256 differs from that of its XML.
    fn is_other_than_signed(&self, headers: &HeaderMap) -> bool {
        let said = headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
        let seen = self.lock();
        let sha256 = seen.digests.as_ref().map(|(_, sha256)| sha256);
        said.zip(sha256).is_some_and(|(said, sha256)| said.len() == sha256.len() && said != sha256)
    }
}

/// Returns whether a request's body is XML: all bodies are, except for objects and parts.
fn brings_xml(request: &Parts) -> bool {
    let path = request.uri.path().trim_start_matches('/');
    let has_key = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    match request.method {
        Method::POST => true,
        Method::PUT => !has_key || query_names(request).any(|name| SUBRESOURCES.contains(&name)),
        _ => false,
    }
}

fn query_names(request: &Parts) -> impl Iterator<Item = &str> {
    let query = request.uri.query().unwrap_or_default();
    query.split('&').filter_map(|pair| pair.split('=').next())
}

/// Refuses a request whose XML does not match its headers.
pub(crate) fn verify_xml(extensions: &Extensions, headers: &HeaderMap) -> Result<(), Error> {
    let Some(digests) = extensions.get::<XmlDigests>() else {
        return Ok(());
    };
    let seen = digests.lock();
    let Some((computed, _)) = &seen.digests else {
        return Ok(());
    };
    let md5 =
        headers.get("content-md5").map(|value| checksums::content_md5(value.to_str().unwrap_or_default()));
    let mut expected = Expected { md5: md5.transpose()?, checksums: Checksums::default() };
    if !digests.about_object {
        expected.checksums.add_trailers(headers)?;
    }
    computed.verify(&expected)
}

impl FormHead {
    fn add(&self, data: &[u8]) {
        let mut head = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_FIELDS.saturating_sub(head.len());
        head.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
    }

    /// Returns the value of a field, whose name is compared without case.
    pub(crate) fn field(&self, name: &str, content_type: &str) -> Option<String> {
        let (_, boundary) = content_type.split_once("boundary=")?;
        let boundary = boundary.split(';').next()?.trim().trim_matches('"');
        let head = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&head);
        let edge = format!("--{boundary}");
        text.split(edge.as_str()).find_map(|part| {
            let (headers, value) = part.split_once("\r\n\r\n")?;
            let said = headers.to_ascii_lowercase();
            let named = said.contains(&format!("name=\"{name}\"")) || said.contains(&format!("name={name};"));
            let value = value.strip_suffix("\r\n").unwrap_or(value);
            (named && !said.contains("filename=")).then(|| value.to_owned())
        })
    }
}
