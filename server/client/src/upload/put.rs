//! One part on its way to the store: as a PUT, as a form for small files, or as a request to copy it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap};
use http::{HeaderValue, Method};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use partway_shared::client::Answer;
use partway_shared::part::ETag;
use partway_shared::store::{read_copied, read_put};
use partway_shared::transfer::{Failure, SourceFailure};
use partway_shared::wire::SignedPut;
use tokio::sync::mpsc::Receiver;

use super::memory::Held;
use crate::clock::seed;
use crate::http::{HttpClient, empty, header, header_map};

/// Between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// How a PUT ended: the ETag of a 2xx.
pub(super) type Outcome = Result<Option<ETag>, Failure>;

/// Bytes to send.
pub(super) enum Chunks {
    /// They are in memory.
    Held(Arc<Held>),
    /// They are read while they are sent.
    Read(Receiver<Result<Bytes, SourceFailure>>),
}

/// Sends so many bytes, and tells how many have left.
pub(super) async fn send(
    http: &HttpClient,
    put: &SignedPut,
    chunks: Chunks,
    len: u64,
    on_progress: impl FnMut(u64) + Send + 'static,
) -> Outcome {
    let unsendable = || Failure::Unusable("a header of the signed request cannot be sent".to_owned());
    let (method, mut headers, head, tail) = match &put.form {
        Some(fields) => {
            let boundary = format!("partway-{:016x}{:016x}", seed(), seed());
            let (head, tail) = form(fields, &boundary);
            let kind = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.map_err(|_| unsendable())?)]);
            (Method::POST, headers, head, tail)
        }
        None => {
            let headers = header_map(&put.headers).ok_or_else(unsendable)?;
            (Method::PUT, headers, Bytes::new(), Bytes::new())
        }
    };
    let left = len + head.len() as u64 + tail.len() as u64;
    headers.insert(CONTENT_LENGTH, left.into());
    let body = Sending {
        head,
        chunks,
        next: 0,
        tail,
        left,
        sent: 0,
        on_progress: Box::new(on_progress),
        told_at: None,
    };
    let (answer, headers) = answer(http, method, &put.url, headers, body.boxed_unsync()).await?;
    read_put(&answer, header(&headers, ETAG.as_str()))
}

/// Asks the store to copy a part, for which nothing is sent.
pub(super) async fn copy(http: &HttpClient, put: &SignedPut) -> Outcome {
    let headers = header_map(&put.headers);
    let headers = headers
        .ok_or_else(|| Failure::Unusable("a header of the signed request cannot be sent".to_owned()))?;
    let (answer, _) = answer(http, Method::PUT, &put.url, headers, empty()).await?;
    read_copied(&answer).map(Some)
}

async fn answer(
    http: &HttpClient,
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: crate::http::Body,
) -> Result<(Answer<String>, HeaderMap), Failure> {
    let answered = http.call(method, url, headers, body).await;
    let (Answer { status, body, retry_after }, headers) = answered.map_err(|_| Failure::NoAnswer)?;
    Ok((Answer { status, body: body.0, retry_after }, headers))
}

/// Returns what stands before and after the bytes of a form's file (RFC 7578).
fn form<'a>(fields: impl IntoIterator<Item = (&'a String, &'a String)>, boundary: &str) -> (Bytes, Bytes) {
    let mut head = String::new();
    for (name, value) in fields {
        head +=
            &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    head += &format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    (head.into(), format!("\r\n--{boundary}--\r\n").into())
}

/// A body on its way. What it has given out has left, but for what the socket buffers.
struct Sending {
    head: Bytes,
    chunks: Chunks,
    /// The next of the chunks that are held.
    next: usize,
    tail: Bytes,
    /// Bytes that are still to be given out, the form's included.
    left: u64,
    /// Bytes of the part that were given out.
    sent: u64,
    on_progress: Box<dyn FnMut(u64) + Send>,
    told_at: Option<Instant>,
}

impl Sending {
    fn give(&mut self, bytes: Bytes) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn report(&mut self) {
        if self.told_at.is_none_or(|at| at.elapsed() >= INTERVAL) {
            self.told_at = Some(Instant::now());
            (self.on_progress)(self.sent);
        }
    }
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if !this.head.is_empty() {
            let head = std::mem::take(&mut this.head);
            return this.give(head);
        }
        this.report();
        let chunk = match &mut this.chunks {
            Chunks::Held(held) => held.chunks.get(this.next).cloned().map(Ok),
            Chunks::Read(chunks) => std::task::ready!(chunks.poll_recv(cx)),
        };
        match chunk {
            Some(Ok(bytes)) => {
                this.next += 1;
                this.sent += bytes.len() as u64;
                this.give(bytes)
            }
            Some(Err(_)) => Poll::Ready(Some(Err(io::Error::other("the file cannot be read any more")))),
            None if !this.tail.is_empty() => {
                let tail = std::mem::take(&mut this.tail);
                this.give(tail)
            }
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::memory::Memory;
    use super::*;

    #[tokio::test]
    async fn a_body_is_what_it_says() {
        let fields = BTreeMap::from([("key".to_owned(), "a".to_owned())]);
        let (head, tail) = form(&fields, "B");
        let room = Memory::new(9).room(9).unwrap();
        let held = Arc::new(room.hold(vec![Bytes::from_static(b"1234"), Bytes::from_static(b"56789")]));
        let left = (head.len() + tail.len()) as u64 + 9;
        let body = Sending {
            head,
            chunks: Chunks::Held(held),
            next: 0,
            tail,
            left,
            sent: 0,
            on_progress: Box::new(|_| {}),
            told_at: None,
        };
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len() as u64, left);
        assert_eq!(
            bytes,
            "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--B\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"blob\"\r\nContent-Type: application/octet-stream\r\n\r\n123456789\r\n--B--\r\n"
        );
    }
}
