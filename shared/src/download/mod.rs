//! The download machine: everything that decides, nothing that does.
//!
//! [`Downloader`] takes objects to download and the outcomes of work, and gives out work to do: calls to make, bytes to GET.
//! It is the twin of the [upload machine](crate::upload): time and the random seed come in as arguments, so a run can be
//! replayed to the last retry. It knows no browser, no file and no socket.
//!
//! # How a driver runs it
//!
//! After every command and every `handle_*`, a driver takes [`Downloader::poll_action`] until it gives nothing, then
//! [`Downloader::poll_event`] likewise, and waits for an outcome or until [`Downloader::poll_timeout`]. It decides nothing:
//!
//! - [`Action::Call`]: POST the call as JSON to [`SIGN_OBJECTS_PATH`](crate::client::SIGN_OBJECTS_PATH), read the answer with
//!   [`read_signed_objects`](crate::client::read_signed_objects), report it with [`Downloader::handle_call_done`].
//! - [`Action::Open`]: the object has `size` bytes. Unless it `keeps` what is there, everything that was written or buffered of
//!   the file before is void: a file is cut or preallocated to this size, a buffer is emptied. Comes before any GET.
//! - [`Action::Get`]: GET the URL as it is, with `Range: ` [`range_header`] if there is a range and without any further header, so
//!   that a browser needs no preflight.
//!   1. When a 200 or 206 begins, [`Downloader::handle_get_head`] says whether to read on; if not, the request is dropped and
//!      nothing more is reported of it. Any other status is a failure: its body is read for S3's code, its `Retry-After` by
//!      [`parse_retry_after`](crate::client::parse_retry_after), and it ends with [`Downloader::handle_get_done`]. A page sees
//!      the headers `ETag`, without which nothing is read, and `Content-Range` only where the bucket's CORS exposes them.
//!   2. Each chunk of the body goes to [`Downloader::handle_get_data`], again and again until it gives no further
//!      [`Piece`]. A piece says where its bytes belong, counted from the beginning of the object. Each byte is given out
//!      once, and whatever was given out is written, even if the job is stopped next. The machine hashes what it gives out,
//!      so the driver computes no checksum. A piece ends where what is left of the chunk begins, by which a driver finds it in
//!      a chunk that is held elsewhere as well. If the chunk is not used up, the window is full: the driver holds the rest, reads
//!      nothing more from this request, and offers the rest again after the next [`Downloader::handle_taken`].
//!   3. When the body has ended and the pieces are with the file or the buffer, [`Downloader::handle_get_done`]. A body that
//!      is cut or too short is a [`Failure::NoAnswer`](crate::transfer::Failure::NoAnswer); what came of it counts all the same.
//! - [`Action::Save`]: all bytes are given out and have passed every check there is. The driver waits until they are written,
//!   closes the file (flushes it, renames it into its place), and reports [`Downloader::handle_save_done`]. What is not saved is
//!   not to be shown to anybody as the file.
//! - [`Action::Stop`]: drop the request. No outcome is expected.
//!
//! When writing fails at any other moment, [`Downloader::handle_write_failed`].
//!
//! ## Where the bytes go
//!
//! With [`Sink::Random`] pieces are written at their offsets, in any order. Pieces of one file are written in the order in which
//! they were given out, as far as they are for the same bytes, which happens after an `Open` that keeps nothing.
//!
//! With [`Sink::Ordered`] the driver puts pieces in order: it holds those that come early, gives the consumer what joins without
//! a gap, and reports with [`Downloader::handle_taken`] up to which byte that was taken. The machine never gives out a byte beyond
//! the window after that, so this is all the memory that a driver needs for a file.
//!
//! ## Going on after a crash
//!
//! At [`Event::Journal`] the driver keeps what [`Downloader::partial`] gives, or forgets it at `None`; only files with
//! [`Sink::Random`] have any. Before it keeps it, all pieces that were given out so far are flushed. After a restart it may
//! compare the ranges' checksums with what is in the file, drop those that differ, and call [`Downloader::restore`]. The machine
//! looks at the object again, and goes on if it is the same; otherwise it says [`Event::Restarted`] and begins anew.
//!
//! ## Objects that are stored compressed
//!
//! A browser unpacks what is stored with `Content-Encoding`, and cannot do so with a range. Its driver signs with
//! `response.content_encoding` set to `identity`, and gets the bytes as they are stored.
//!
//! # What is verified
//!
//! Where the object has a CRC-64/NVME of all its bytes, those of the ranges are combined and compared with it. Otherwise, where
//! its ETag is made of MD5s:
//! - `md5(md5s)-N` with a known part size: ranges are cut at the parts, whose MD5s make the ETag;
//! - a plain MD5 needs all bytes in order, hence one request at a time: always with [`Sink::Ordered`], and with [`Sink::Random`] up
//!   to [`Settings::md5_run_max`]. Above that it is many requests, and nothing is verified.
//!
//! Otherwise nothing can be. [`Downloaded::verified`] says what was.

mod action;
mod check;
mod failure;
mod file;
mod index;
mod machine;
mod partial;
mod ranges;
mod settings;
mod status;

pub use action::{Action, Head, NewDownload, Piece, Sink, range_header};
pub use machine::{Downloader, Event};
pub use partial::{Partial, StoredRange};
pub use settings::Settings;
pub use status::{Downloaded, State, Status};
