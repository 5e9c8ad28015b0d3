//! Presigned URLs by Signature Version 4, in bulk.
//!
//! Every URL that a client gets is made here. What all parts of an upload share is formatted and hashed once; each
//! part then needs a few hundred bytes more. The tests compare the URLs with those of the SDK's own presigner.
//!
//! It owns URLs, forms, where a bucket is, and the credentials that sign. It never knows who asks for a URL, and calls no store.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

mod address;
mod copy;
mod credentials;
pub(crate) mod encode;
mod form;
mod hosts;
mod key;
mod presigner;
mod read;
mod template;
#[cfg(test)]
mod tests;

pub use address::{Address, AddressError};
pub use copy::{COPY_HEADERS, CopiedObject, CopyTemplate};
pub use credentials::CredentialSource;
pub use form::SignedForm;
pub use hosts::{Hosts, HostsError};
pub use presigner::{Presigner, PutTerms};
pub use read::{AnswerHeaders, ReadTemplate, ReadTerms};
pub use template::PartTemplate;

/// The header that carries a part's or an object's CRC-64/NVME.
const CRC64_NVME: &str = "x-amz-checksum-crc64nvme";
/// The header that carries an MD5.
const CONTENT_MD5: &str = "content-md5";
