//! The embedded store: an S3 server for laptops and tests.
//!
//! It owns what S3's requests mean over one folder, and the server that answers them. It never knows Partway: who uploads, by
//! which rules, and who has signed a request and why. Whoever has the key is a client like any other.
//!
//! It speaks S3 (protocol and signature checks by the `s3s` crate) on a port of its own, with CORS,
//! over one data folder:
//!
//! ```text
//! data_dir/index.redb              buckets, objects, uploads, parts: everything that has a name
//! data_dir/contents/ab/ab3f…       bytes, in files named by random ids, never by key
//! ```
//!
//! Guarantees:
//!
//! - An object is visible once its bytes are on disk (`fsync`) and one transaction has named them;
//!   it is gone once one transaction has forgotten it, and only then are its files unlinked. A
//!   crash at any moment loses nothing that was acknowledged and shows nothing that was not; files
//!   that no record names are swept at the next open.
//! - An object is a list of content files. Complete and CopyObject write records, never bytes.
//! - Keys are data. No path is made from one.
//! - Every checksum that a request carries is verified before anything becomes visible.
//!
//! # Use
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use partway_embedded::{Options, Origins, Store};
//!
//! let store = Store::open(Options {
//!     data_dir: "data".into(),
//!     access_key: "partway".to_owned(),
//!     secret_key: "partway-secret".to_owned().into(),
//!     region: "us-east-1".to_owned(),
//!     buckets: vec!["uploads".to_owned()],
//!     allowed_origins: Origins::Any,
//!     max_bytes: None,
//!     body_timeout: std::time::Duration::from_secs(60),
//! })?;
//! let server = store.serve(std::net::TcpListener::bind("127.0.0.1:9000")?)?;
//! println!("S3 at http://{}", server.local_addr());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What differs from AWS
//!
//! `server/embedded/tests/store/clients/probes.py` tries each kind of behaviour, and names those that differ.
//!
//! - One access key, which owns everything. ACLs are disabled, and those for others refused; there are
//!   no versions, policies, locks or keys. Requests for these are refused, not ignored.
//! - `ServerSideEncryption: AES256` is taken and told back, and nothing is encrypted.
//! - Storage classes are told back, and all the same.
//! - Of lifecycle rules, `AbortIncompleteMultipartUpload` and `Expiration` after days, for a prefix,
//!   are carried out; others are refused. CORS is set by [`Options::allowed_origins`] for all buckets.
//! - Every object has a CRC64NVME of all its bytes, whatever other checksum it was sent with.
//! - CopyObject writes records and no bytes. The copy keeps the source's ETag and checksums, whatever
//!   its size.
//! - Signature version 2 is taken in URLs and forms from this machine alone.
//! - A full disk, or `max_bytes` reached, answers 507 `InsufficientStorage`.

mod checksums;
mod conditions;
mod contents;
mod cors;
mod digest;
mod errors;
mod escapes;
mod front;
mod index;
mod intake;
mod keys;
mod options;
mod range;
mod reading;
mod seen;
mod server;
mod service;
mod space;
mod store;

pub use options::{Options, Origins};
pub use server::{ServeError, Server};
pub use store::{OpenError, Store};
