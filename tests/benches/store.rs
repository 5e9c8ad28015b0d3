//! The embedded store beside s3s-fs: 1 GiB in one PUT, the same in 64 parts of which four are
//! under way at once, and completing those.
//!
//! Both run in this process, on the same runtime and the same disk. Ours waits for the disk
//! (`fsync`) before it answers; s3s-fs does not.

#![allow(clippy::print_stdout, reason = "the table is the product")]

#[path = "figures/mod.rs"]
mod figures;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use figures::{Figures, Goal, rounds};
use hyper_util::rt::{TokioExecutor, TokioIo};
use partway_embedded::{Options, Origins, Store};
use tokio::task::spawn_blocking;

const BUCKET: &str = "bench";
const ACCESS_KEY: &str = "AK";
const SECRET_KEY: &str = "SK";
const REGION: &str = "us-east-1";

const MIB: usize = 1 << 20;
const SIZE: usize = 1 << 30;
const PARTS: i32 = 64;
const AT_ONCE: usize = 4;

/// One of the two stores.
struct Peer {
    name: &'static str,
    addr: SocketAddr,
    client: Client,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let rounds = rounds(5);
    // Beside the build, which is on a disk; the system's temporary folder may be memory.
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let data: Arc<[u8]> = (0..MIB).map(|i| (i * 31 % 251) as u8).collect();

    let server = Store::open(Options {
        data_dir: root.path().join("partway"),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned().into(),
        region: REGION.to_owned(),
        buckets: vec![BUCKET.to_owned()],
        allowed_origins: Origins::Any,
        max_bytes: None,
        body_timeout: Duration::from_secs(60),
    })?
    .serve(TcpListener::bind("127.0.0.1:0")?)?;
    let ours = Peer::new("Partway", server.local_addr());
    let theirs = Peer::new("s3s-fs", serve_s3s_fs(&root.path().join("s3s-fs")).await?);
    theirs.client.create_bucket().bucket(BUCKET).send().await?;

    let mut figures = Figures::default();
    for round in 0..rounds {
        let mut turns = [&ours, &theirs];
        if round % 2 == 1 {
            turns.reverse();
        }
        for peer in turns {
            let speed = peer.put_whole(&data).await?;
            figures.record(&format!("1 GiB in one PUT, {}", peer.name), "MiB/s", speed);
        }
        for peer in turns {
            let (speed, completing) = peer.put_parts(&data, false).await?;
            figures.record(&format!("64 parts, four at once, {}", peer.name), "MiB/s", speed);
            figures.record(&format!("completing them, {}", peer.name), "s", completing);
        }
        let (speed, completing) = ours.put_parts(&data, true).await?;
        figures.record("64 parts with CRC64NVME, Partway", "MiB/s", speed);
        figures.record("completing them with CRC64NVME, Partway", "s", completing);
    }
    server.shutdown().await;

    figures.compare("1 GiB in one PUT, Partway", "1 GiB in one PUT, s3s-fs", Goal::AtLeast(0.8));
    figures.compare("64 parts, four at once, Partway", "64 parts, four at once, s3s-fs", Goal::AtLeast(0.8));
    figures.expect("completing them, Partway", Goal::Below(0.2));
    figures.expect("completing them with CRC64NVME, Partway", Goal::Below(0.2));
    println!("The embedded store, {rounds} rounds, interleaved\n\n{}", figures.table());
    Ok(())
}

impl Peer {
    fn new(name: &'static str, addr: SocketAddr) -> Self {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "bench"))
            .endpoint_url(format!("http://{addr}"))
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self { name, addr, client: Client::from_conf(config) }
    }

    /// MiB/s of one request that brings everything.
    async fn put_whole(&self, data: &Arc<[u8]>) -> Result<f64> {
        let key = "whole";
        self.tidy(key).await?;
        let url = self.client.put_object().bucket(BUCKET).key(key).presigned(lifetime()?).await?;
        let (addr, url, data) = (self.addr, url.uri().to_owned(), Arc::clone(data));
        let start = Instant::now();
        spawn_blocking(move || put(addr, &url, SIZE, &data)).await??;
        let speed = per_second(start);
        self.tidy(key).await?;
        Ok(speed)
    }

    /// MiB/s of the same in parts, and the seconds that completing takes.
    async fn put_parts(&self, data: &Arc<[u8]>, checksum: bool) -> Result<(f64, f64)> {
        let key = "parts";
        self.tidy(key).await?;
        let algorithm = checksum.then_some(ChecksumAlgorithm::Crc64Nvme);
        let create = self.client.create_multipart_upload().bucket(BUCKET).key(key);
        let created = create.set_checksum_algorithm(algorithm).send().await?;
        let id = created.upload_id.context("an upload without an id")?;
        let mut urls = Vec::new();
        for number in 1..=PARTS {
            let part = self.client.upload_part().bucket(BUCKET).key(key).upload_id(&id).part_number(number);
            urls.push((number, part.presigned(lifetime()?).await?.uri().to_owned()));
        }

        let urls = Arc::new(Mutex::new(urls));
        let start = Instant::now();
        let senders: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (addr, urls, data) = (self.addr, Arc::clone(&urls), Arc::clone(data));
                spawn_blocking(move || send_parts(addr, &urls, &data))
            })
            .collect();
        let mut parts = Vec::new();
        for sender in senders {
            parts.extend(sender.await??);
        }
        let speed = per_second(start);

        parts.sort_by_key(|part| part.part_number);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(&id);
        let start = Instant::now();
        complete.multipart_upload(parts).send().await?;
        let completing = start.elapsed().as_secs_f64();
        self.tidy(key).await?;
        Ok((speed, completing))
    }

    /// Removes what was stored, and lets the disk come to rest.
    async fn tidy(&self, key: &str) -> Result<()> {
        // It may not be there, which s3s-fs takes for a failure.
        let _ = self.client.delete_object().bucket(BUCKET).key(key).send().await;
        let synced = tokio::process::Command::new("sync").status().await?;
        ensure!(synced.success(), "sync failed");
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(())
    }
}

fn send_parts(addr: SocketAddr, urls: &Mutex<Vec<(i32, String)>>, data: &[u8]) -> Result<Vec<CompletedPart>> {
    let next = || urls.lock().unwrap_or_else(PoisonError::into_inner).pop();
    std::iter::from_fn(next)
        .map(|(number, url)| {
            let etag = put(addr, &url, SIZE / PARTS as usize, data)?;
            Ok(CompletedPart::builder().part_number(number).e_tag(etag).build())
        })
        .collect()
}

/// Sends `len` bytes, over and over the same, with as little work as it takes; gives the ETag.
fn put(addr: SocketAddr, url: &str, len: usize, data: &[u8]) -> Result<String> {
    let path = url.splitn(4, '/').nth(3).context("a URL without a path")?;
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    write!(
        stream,
        "PUT /{path} HTTP/1.1\r\nhost: {addr}\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n"
    )?;
    let mut left = len;
    while left > 0 {
        let piece = &data[..left.min(data.len())];
        stream.write_all(piece)?;
        left -= piece.len();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "a PUT was answered: {answer}");
    let etag = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("etag").then(|| value.trim().to_owned())
    });
    etag.context("an answer without an ETag")
}

async fn serve_s3s_fs(root: &Path) -> Result<SocketAddr> {
    std::fs::create_dir(root)?;
    let files = s3s_fs::FileSystem::new(root).map_err(|error| anyhow::anyhow!("s3s-fs: {error:?}"))?;
    let mut builder = s3s::service::S3ServiceBuilder::new(files);
    builder.set_auth(s3s::auth::SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A connection that breaks off shows on the other side.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(addr)
}

fn lifetime() -> Result<PresigningConfig> {
    Ok(PresigningConfig::expires_in(Duration::from_secs(600))?)
}

fn per_second(start: Instant) -> f64 {
    SIZE as f64 / MIB as f64 / start.elapsed().as_secs_f64()
}
