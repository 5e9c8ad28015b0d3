//! URLs that read an object: GET and HEAD, with what the answer should say of it.

use hmac::Hmac;
use partway_shared::wire::ReadMethod;
use sha2::{Digest, Sha256};

use super::encode;
use super::hosts::Hosts;
use super::key::sign;
use super::presigner::Presigner;

/// What a URL asks the store for.
#[derive(Clone, Copy, Debug)]
pub struct ReadTerms<'a> {
    /// The method that it is for.
    pub method: ReadMethod,
    /// The object's key.
    pub key: &'a str,
    /// The object's version; `None` for the current one.
    pub version_id: Option<&'a str>,
    /// Headers of the answer, instead of those that are stored with the object.
    pub answer: &'a AnswerHeaders,
}

/// S3's `response-…` parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerHeaders {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
}

impl AnswerHeaders {
    /// Returns the parameters, in the order in which they are signed.
    fn parameters(&self) -> [(&'static str, Option<&str>); 6] {
        [
            ("response-cache-control", self.cache_control.as_deref()),
            ("response-content-disposition", self.content_disposition.as_deref()),
            ("response-content-encoding", self.content_encoding.as_deref()),
            ("response-content-language", self.content_language.as_deref()),
            ("response-content-type", self.content_type.as_deref()),
            ("response-expires", self.expires.as_deref()),
        ]
    }
}

/// A template of what all URLs share that read with one presigner.
pub struct ReadTemplate<'a> {
    hosts: &'a Hosts,
    prepared: Hmac<Sha256>,
    query: String,
    /// The parameters before `x-id`.
    terms: String,
}

impl<'a> Presigner<'a> {
    /// Returns a template for URLs that read.
    #[must_use]
    pub fn reads(&self) -> ReadTemplate<'a> {
        ReadTemplate {
            hosts: self.hosts,
            prepared: self.key.prepare(&self.time),
            query: self.query(&["host"]),
            terms: self.terms.clone(),
        }
    }
}

impl ReadTemplate<'_> {
    /// Returns a presigned URL, at the next of the bucket's addresses. The client sends no header with it but, if it likes,
    /// `Range` and conditions.
    #[must_use]
    pub fn sign(&self, terms: &ReadTerms<'_>) -> String {
        let address = self.hosts.next();
        let path = address.path(terms.key);
        // The URL, whose query is signed as it stands there, with room for a name and the signature.
        let mut url = String::with_capacity(address.origin().len() + path.len() + self.query.len() + 512);
        for piece in [address.origin(), &path, "?", &self.query] {
            url.push_str(piece);
        }
        let query_begins = url.len() - self.query.len();
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                for piece in ["&", name, "="] {
                    url.push_str(piece);
                }
                encode::push_value(&mut url, value);
            }
        };
        for (name, value) in terms.answer.parameters() {
            add(name, value);
        }
        add("versionId", terms.version_id);
        url.push_str(&self.terms);
        // Whatever the SDK adds, so that our URLs are its.
        let method = match terms.method {
            ReadMethod::Get => {
                url.push_str("&x-id=GetObject");
                "GET\n"
            }
            ReadMethod::Head => "HEAD\n",
        };
        let query = url.get(query_begins..).unwrap_or_default();
        let mut request = Sha256::new();
        for piece in [method, &path, "\n", query, "\nhost:", address.host(), "\n\nhost\nUNSIGNED-PAYLOAD"] {
            request.update(piece);
        }
        let signature = sign(self.prepared.clone(), request);
        url.push_str("&X-Amz-Signature=");
        url.push_str(&String::from_utf8_lossy(&signature));
        url
    }
}
