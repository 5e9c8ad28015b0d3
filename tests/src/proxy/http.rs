//! As much of HTTP/1.1 as it takes to find the ends of messages.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Presigned URLs are long, yet far from this.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;

/// A request, as the rules see it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `PUT`, and so on.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// What follows the question mark, still percent-encoded.
    pub query: String,
    /// Bytes in the body.
    pub length: u64,
    /// The header `Authorization`.
    pub authorization: Option<String>,
}

impl Request {
    /// A parameter of the query as it stands there.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The number of the part that it sends, if it sends one.
    #[must_use]
    pub fn part_number(&self) -> Option<u32> {
        if self.method != "PUT" {
            return None;
        }
        self.parameter("partNumber")?.parse().ok()
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// A message's first lines.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) framing: Framing,
    pub(super) close: bool,
}

impl Head {
    /// With another status.
    pub(super) fn set_status(&mut self, status: u16) {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        let rest = text.split_once("\r\n").map_or("", |(_, rest)| rest);
        self.bytes = format!("HTTP/1.1 {status} Injected\r\n{rest}").into_bytes();
        // Not every status says by itself that no body follows.
        if let Framing::Length(length) = self.framing {
            self.set_length(length);
        }
    }

    /// With another length of the body.
    pub(super) fn set_length(&mut self, length: u64) {
        self.strip(&["content-length"]);
        self.bytes.truncate(self.bytes.len().saturating_sub(2));
        self.bytes.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
    }

    /// Without some of the headers.
    pub(super) fn strip(&mut self, names: &[&str]) {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        let lines = text.split_inclusive("\r\n").filter(|line| {
            let name = line.split_once(':').map_or("", |(name, _)| name);
            !names.iter().any(|stripped| stripped.eq_ignore_ascii_case(name))
        });
        self.bytes = lines.collect::<String>().into_bytes();
    }
}

/// The next request; `None` when the client has closed the connection.
pub(super) async fn read_request(
    stream: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<(Head, Request)>> {
    let Some(bytes) = read_head(stream).await? else { return Ok(None) };
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&bytes).map_err(invalid)?;
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let framing = framing(parsed.headers)?.unwrap_or(Framing::Length(0));
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        length: if let Framing::Length(length) = framing { length } else { 0 },
        authorization: header(parsed.headers, "authorization").map(str::to_owned),
    };
    let close = says_close(parsed.headers);
    Ok(Some((Head { framing, close, bytes }, request)))
}

/// The answer to a request of this method, past any interim ones.
pub(super) async fn read_response(
    stream: &mut (impl AsyncBufRead + Unpin),
    method: &str,
) -> io::Result<Head> {
    loop {
        let Some(bytes) = read_head(stream).await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        parsed.parse(&bytes).map_err(invalid)?;
        let status = parsed.code.unwrap_or_default();
        if (100..200).contains(&status) {
            continue;
        }
        let bodiless = method == "HEAD" || status == 204 || status == 304;
        let framing = if bodiless {
            Framing::Length(0)
        } else {
            framing(parsed.headers)?.unwrap_or(Framing::UntilClose)
        };
        let close = says_close(parsed.headers) || framing == Framing::UntilClose;
        return Ok(Head { framing, close, bytes });
    }
}

/// Copies a body, its framing included.
pub(super) async fn copy_body(
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    framing: Framing,
) -> io::Result<()> {
    match framing {
        Framing::Length(length) => {
            if tokio::io::copy_buf(&mut from.take(length), to).await? < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Framing::UntilClose => {
            tokio::io::copy_buf(from, to).await?;
        }
        Framing::Chunked => copy_chunks(from, to).await?,
    }
    to.flush().await
}

async fn copy_chunks(
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).await?;
        to.write_all(&line).await?;
        let text = String::from_utf8_lossy(&line);
        let size = text.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(invalid)?;
        if size == 0 {
            break;
        }
        tokio::io::copy_buf(&mut (&mut *from).take(size + 2), to).await?;
    }
    // Trailers, up to an empty line.
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).await?;
        to.write_all(&line).await?;
        if line.len() <= 2 {
            return Ok(());
        }
    }
}

async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    loop {
        if stream.read_until(b'\n', &mut head).await? == 0 {
            return if head.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        if head.ends_with(b"\r\n\r\n") {
            return Ok(Some(head));
        }
        if head.len() > MAX_HEAD {
            return Err(invalid("the head does not end"));
        }
    }
}

fn framing(headers: &[httparse::Header<'_>]) -> io::Result<Option<Framing>> {
    if header(headers, "transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        return Ok(Some(Framing::Chunked));
    }
    let length = header(headers, "content-length").map(|value| value.parse().map_err(invalid));
    Ok(length.transpose()?.map(Framing::Length))
}

fn says_close(headers: &[httparse::Header<'_>]) -> bool {
    header(headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

fn header<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    str::from_utf8(header.value).ok()
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
