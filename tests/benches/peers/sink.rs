//! A store that takes everything and keeps nothing: as much of S3 as Partway's server and the
//! peers ask for, with CORS. Bodies are discarded in the kernel, so that the browsers' side is
//! what is measured. It checks neither signatures nor checksums.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::Result;
use rustix::net::{RecvFlags, recv};

const ETAG: &str = "\"9bb58f26192e4ba00f01e2e7b136bbd8\"";
const CHECKSUM: &str = "x-amz-checksum-crc64nvme";
const CORS: &str = "access-control-allow-origin: *\r\naccess-control-expose-headers: ETag, Location\r\n";
const PREFLIGHT: &str = "access-control-allow-methods: PUT, POST, DELETE\r\naccess-control-allow-headers: *\r\n\
                         access-control-max-age: 7200\r\n";
/// Discarded at a time.
const GULP: usize = 1 << 20;
const MAX_HEADERS: usize = 64;

/// A running sink. It runs as long as the process.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    created: u64,
    uploads: HashMap<String, BTreeMap<u32, Stored>>,
    /// By key.
    objects: HashMap<String, Stored>,
    /// When a request was last answered.
    heard: Option<Instant>,
}

#[derive(Clone, Default)]
struct Stored {
    size: u64,
    checksum: Option<String>,
}

struct Request {
    method: String,
    path: String,
    query: String,
    length: u64,
    checksum: Option<String>,
    boundary: Option<String>,
}

/// What a form brings: the object's key, and the object.
struct Form {
    key: String,
    stored: Stored,
}

/// Status, further headers, body.
type Answer = (u16, String, String);

impl Sink {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sink = Self { address: listener.local_addr()?, state: Arc::default() };
        let serving = sink.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = serving.clone();
                // A connection that breaks off shows on the other side.
                thread::spawn(move || sink.serve(stream));
            }
        });
        Ok(sink)
    }

    /// A new multipart upload.
    pub(crate) fn create(&self) -> String {
        let mut state = self.lock();
        state.created += 1;
        // As long as those of S3.
        let id = format!("{:0128x}", state.created);
        state.uploads.insert(id.clone(), BTreeMap::new());
        id
    }

    /// Makes an object of an upload's parts; `false` if there is no such upload.
    pub(crate) fn complete(&self, key: &str, id: &str, checksum: Option<String>) -> bool {
        let mut state = self.lock();
        let Some(parts) = state.uploads.remove(id) else { return false };
        let size = parts.values().map(|part| part.size).sum();
        state.objects.insert(key.to_owned(), Stored { size, checksum });
        true
    }

    /// What all objects together have received since the last call, which are then forgotten.
    pub(crate) fn take_received(&self) -> u64 {
        let mut state = self.lock();
        let objects = state.objects.values();
        let parts = state.uploads.values().flat_map(BTreeMap::values);
        let sum = objects.chain(parts).map(|stored| stored.size).sum();
        state.objects.clear();
        state.uploads.clear();
        sum
    }

    /// When it last answered a request.
    pub(crate) fn heard(&self) -> Option<Instant> {
        self.lock().heard
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::with_capacity(64 * 1024, stream);
        let mut gulp = vec![0; GULP];
        while let Some(request) = read_head(&mut reader)? {
            let (status, headers, body) = if let Some(boundary) = &request.boundary {
                let mut body = Vec::new();
                (&mut reader).take(request.length).read_to_end(&mut body)?;
                self.keep(Form::read(&body, boundary))
            } else {
                discard(&mut reader, request.length, &mut gulp)?;
                self.answer(&request)
            };
            // The answer to HEAD tells the length of what it does not have.
            let length = if request.method == "HEAD" {
                String::new()
            } else {
                format!("content-length: {}\r\n", body.len())
            };
            write!(writer, "HTTP/1.1 {status} Sink\r\n{CORS}{headers}{length}\r\n{body}")?;
            self.lock().heard = Some(Instant::now());
        }
        Ok(())
    }

    fn keep(&self, form: Option<Form>) -> Answer {
        let Some(Form { key, stored }) = form else {
            return (400, String::new(), "<Error><Code>MalformedPOSTRequest</Code></Error>".to_owned());
        };
        let location = format!("etag: {ETAG}\r\nlocation: http://{}/{key}\r\n", self.address);
        self.lock().objects.insert(key, stored);
        (204, location, String::new())
    }

    fn answer(&self, request: &Request) -> Answer {
        let none = (204, String::new(), String::new());
        let etag = format!("etag: {ETAG}\r\n");
        let id = request.parameter("uploadId");
        match (request.method.as_str(), id) {
            ("OPTIONS", _) => (204, PREFLIGHT.to_owned(), String::new()),
            ("PUT", id) => {
                let stored = Stored { size: request.length, checksum: request.checksum.clone() };
                let mut state = self.lock();
                let number = request.parameter("partNumber").and_then(|number| number.parse().ok());
                match (id.and_then(|id| state.uploads.get_mut(id)), number) {
                    (Some(parts), Some(number)) => drop(parts.insert(number, stored)),
                    _ => drop(state.objects.insert(request.key().to_owned(), stored)),
                }
                (200, etag, String::new())
            }
            ("POST", None) => {
                let id = self.create();
                xml("InitiateMultipartUploadResult", &format!("<UploadId>{id}</UploadId>"))
            }
            ("POST", Some(id)) => {
                if self.complete(request.key(), id, request.checksum.clone()) {
                    return xml("CompleteMultipartUploadResult", &format!("<ETag>{ETAG}</ETag>"));
                }
                (404, String::new(), "<Error><Code>NoSuchUpload</Code></Error>".to_owned())
            }
            ("GET", Some(id)) => xml("ListPartsResult", &self.list(id)),
            ("HEAD", _) => match self.lock().objects.get(request.key()) {
                Some(Stored { size, checksum }) => {
                    let checksum = checksum.as_ref().map_or_else(String::new, |checksum| {
                        format!("{CHECKSUM}: {checksum}\r\nx-amz-checksum-type: FULL_OBJECT\r\n")
                    });
                    (200, format!("{etag}{checksum}content-length: {size}\r\n"), String::new())
                }
                None => (404, "content-length: 0\r\n".to_owned(), String::new()),
            },
            ("DELETE", Some(id)) => {
                self.lock().uploads.remove(id);
                none
            }
            _ => none,
        }
    }

    fn list(&self, id: &str) -> String {
        let state = self.lock();
        let mut list = "<IsTruncated>false</IsTruncated>".to_owned();
        for (number, Stored { size, checksum }) in state.uploads.get(id).into_iter().flatten() {
            let _ =
                write!(list, "<Part><PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>{ETAG}</ETag>");
            if let Some(checksum) = checksum {
                let _ = write!(list, "<ChecksumCRC64NVME>{checksum}</ChecksumCRC64NVME>");
            }
            list.push_str("</Part>");
        }
        list
    }
}

impl Form {
    /// The few fields that the sink looks at, and how long the file after them is.
    fn read(body: &[u8], boundary: &str) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let field = |name: &str| {
            let (_, rest) = text.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
            Some(rest.split_once("\r\n")?.0.to_owned())
        };
        // Bytes that are no text would change their place in the text.
        let find = |what: &[u8]| body.windows(what.len()).position(|window| window == what);
        let head = find(b"name=\"file\"")?;
        let start = head + body.get(head..)?.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let end = body.len().checked_sub("\r\n--".len() + boundary.len() + "--\r\n".len())?;
        let size = u64::try_from(end.checked_sub(start)?).ok()?;
        Some(Self { key: field("key")?, stored: Stored { size, checksum: field(CHECKSUM) } })
    }
}

impl Request {
    fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// What follows the bucket.
    fn key(&self) -> &str {
        self.path.splitn(3, '/').nth(2).unwrap_or_default()
    }
}

fn xml(name: &str, content: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><{name}>{content}</{name}>");
    (200, "content-type: application/xml\r\n".to_owned(), body)
}

fn read_head(reader: &mut impl BufRead) -> Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&head)?;
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |name: &str| {
        let header = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    Ok(Some(Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        length: header("content-length").map_or(Ok(0), |length| length.parse())?,
        checksum: header(CHECKSUM),
        boundary: header("content-type")
            .and_then(|kind| Some(kind.strip_prefix("multipart/form-data; boundary=")?.to_owned())),
    }))
}

/// Takes a body without ever copying it: told to truncate, Linux drops what has come over TCP.
fn discard(reader: &mut BufReader<TcpStream>, length: u64, gulp: &mut [u8]) -> io::Result<()> {
    let buffered = length.min(reader.buffer().len() as u64);
    reader.consume(usize::try_from(buffered).unwrap_or(usize::MAX));
    let mut left = length - buffered;
    while left > 0 {
        let most = gulp.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (_, received) = recv(reader.get_ref(), &mut gulp[..most], RecvFlags::TRUNC)?;
        if received == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= received as u64;
    }
    Ok(())
}
