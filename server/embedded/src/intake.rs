//! Owns the way of a request's body into a content file: hashing and writing in parallel, on blocking threads, a few
//! MiB at a time, with early write-back so that the last `fsync` is short. Never knows what the content is for.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use s3s::S3ErrorCode;
use s3s::dto::StreamingBlob;
use s3s::stream::ByteStream as _;
use s3s::stream::aws_chunked_stream::AwsChunkedStreamError;
use s3s::stream::upload_stream::UploadStreamError;
use tokio::task::{JoinHandle, spawn_blocking};

use super::checksums::Algorithm;
use super::contents::{Contents, NewContent};
use super::digest::{Digests, Hasher};
use super::errors::{Error, Stalled};

/// S3's limit for one request's body.
const MAX_BODY: u64 = 5 << 30;

/// How many bytes go to the blocking threads at once: enough to make that cheap, and few enough that a hundred
/// uploads fit in memory. Each upload holds two batches at a time.
const BATCH: usize = 1 << 20;

/// How many bytes may be dirty before the kernel is asked to write them back.
const WRITE_BACK: u64 = 32 << 20;

/// A body that has arrived in full and is on disk.
#[derive(Debug)]
pub(crate) struct Received {
    /// The content; `None` without bytes.
    pub(crate) content: Option<NewContent>,
    pub(crate) size: u64,
    pub(crate) digests: Digests,
}

/// Reads `body` to its end. When this fails, or is dropped, nothing is left behind.
pub(crate) async fn receive(
    contents: &Arc<Contents>,
    body: StreamingBlob,
    wanted: Vec<Algorithm>,
) -> Result<Received, Error> {
    let received = take_in(contents, body, wanted).await;
    if received.is_err() {
        // A client that is told that the disk is full may count on the space that this body took.
        contents.settled().await;
    }
    received
}

async fn take_in(
    contents: &Arc<Contents>,
    mut body: StreamingBlob,
    wanted: Vec<Algorithm>,
) -> Result<Received, Error> {
    let expected = body.remaining_length().exact().map(|len| len as u64);
    if expected.is_some_and(|len| len > MAX_BODY) {
        return Err(Error::EntityTooLarge);
    }
    let mut room = Some(contents.reserve(expected)?);
    let mut hashing = Lane::new(Hasher::new(wanted));
    let mut writing: Lane<Option<Writer>> = Lane::new(None);
    let mut size = 0;
    let mut batch = Vec::new();
    let mut batched = 0;
    loop {
        let chunk = body.next().await.transpose().map_err(|error| body_error(&*error))?;
        let ended = chunk.is_none();
        if let Some(chunk) = chunk {
            batched += chunk.len();
            batch.push(chunk);
        }
        if batched >= BATCH || (ended && batched > 0) {
            size += batched as u64;
            if size > MAX_BODY {
                return Err(Error::EntityTooLarge);
            }
            batched = 0;
            let chunks: Arc<[Bytes]> = std::mem::take(&mut batch).into();
            let copies = Arc::clone(&chunks);
            hashing
                .then(move |mut hasher| {
                    chunks.iter().for_each(|chunk| hasher.update(chunk));
                    Ok(hasher)
                })
                .await?;
            let (contents, room) = (Arc::clone(contents), room.take());
            writing
                .then(move |writer| {
                    let mut writer = match (writer, room) {
                        (Some(writer), _) => writer,
                        (None, Some(room)) => Writer::new(contents.create(room)?),
                        (None, None) => {
                            return Err(Error::internal("a content file was created twice"));
                        }
                    };
                    for chunk in copies.iter() {
                        writer.content.write(chunk)?;
                    }
                    drop(copies);
                    writer.write_back()?;
                    if ended {
                        writer.content.sync()?;
                    }
                    Ok(Some(writer))
                })
                .await?;
        } else if ended && size > 0 {
            writing
                .then(|writer| {
                    writer.as_ref().map_or(Ok(()), |writer| writer.content.sync())?;
                    Ok(writer)
                })
                .await?;
        }
        if ended {
            break;
        }
    }
    if expected.is_some_and(|expected| expected != size) {
        return Err(Error::IncompleteBody);
    }
    let digests = hashing.finish().await?.finish();
    let content = writing.finish().await?.map(|writer| writer.content);
    Ok(Received { content, size, digests })
}

/// Work on one state, step by step on blocking threads, one step ahead of the caller. No thread waits for the
/// network: between steps the state is idle.
struct Lane<T> {
    state: Option<T>,
    step: Option<JoinHandle<Result<T, Error>>>,
}

impl<T: Send + 'static> Lane<T> {
    fn new(state: T) -> Self {
        Self { state: Some(state), step: None }
    }

    /// Starts a step after the one before has ended.
    async fn then(&mut self, step: impl FnOnce(T) -> Result<T, Error> + Send + 'static) -> Result<(), Error> {
        let state = self.idle().await?;
        self.step = Some(spawn_blocking(move || step(state)));
        Ok(())
    }

    async fn finish(mut self) -> Result<T, Error> {
        self.idle().await
    }

    async fn idle(&mut self) -> Result<T, Error> {
        if let Some(step) = self.step.take() {
            return step.await?;
        }
        self.state.take().ok_or_else(|| Error::internal("a step of an intake was lost"))
    }
}

/// A content file that is written back to disk while it grows.
struct Writer {
    content: NewContent,
    written_back: u64,
    under_way: Option<JoinHandle<io::Result<()>>>,
}

impl Writer {
    fn new(content: NewContent) -> Self {
        Self { content, written_back: 0, under_way: None }
    }

    fn write_back(&mut self) -> Result<(), Error> {
        let idle = self.under_way.as_ref().is_none_or(JoinHandle::is_finished);
        if idle && self.content.written - self.written_back >= WRITE_BACK {
            self.written_back = self.content.written;
            let file: File = self.content.file.try_clone()?;
            // A fault shows again in the final sync.
            self.under_way = Some(spawn_blocking(move || file.sync_data()));
        }
        Ok(())
    }
}

/// Returns why a body could not be read: each layer of `s3s` has its own errors.
fn body_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<s3s::BodySizeLimitExceeded>() {
            return Error::EntityTooLarge;
        }
        if error.is::<Stalled>() {
            return Error::Stalled;
        }
        let upload = error.downcast_ref().map(UploadStreamError::to_s3_error_code);
        let chunked = error.downcast_ref().map(AwsChunkedStreamError::to_s3_error_code);
        match upload.or(chunked) {
            Some(S3ErrorCode::BadDigest) => return Error::ContentSha256Mismatch,
            Some(S3ErrorCode::SignatureDoesNotMatch) => return Error::BadDigest("chunk signature"),
            Some(S3ErrorCode::EntityTooLarge) => return Error::EntityTooLarge,
            _ => {}
        }
        cause = error.source();
    }
    Error::IncompleteBody
}
