//! The server over HTTP: signed part URLs a second on one core, and URLs that read objects, beside Uppy's Companion and FastAPI with boto3, which sign
//! one URL a request; how long creating takes under load; and the memory that open uploads take.
//!
//! Server and client have a core each. Peers take turns within a round, and each round gives one ratio.
//! `-- 5 alone` is five rounds without peers.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the product")]

#[path = "server/client.rs"]
mod client;
#[path = "figures/mod.rs"]
mod figures;
#[path = "server/peers.rs"]
mod peers;

use std::time::Duration;

use anyhow::{Context as _, Result};
use client::{Client, Request};
use figures::{Figures, Goal, rounds};
use partway_tests::server::Server;
use peers::Peers;
use serde_json::{Value, json};

/// The parts of one request.
const WINDOW: u32 = 100;
/// How long each is asked in a round.
const TURN: Duration = Duration::from_secs(3);
/// Connections that are kept alive.
const CONNECTIONS: usize = 8;

const OURS: &str = "Partway, 100 URLs a request";
const READS: &str = "Partway, 100 URLs that read a request";
const OURS_SINGLE: &str = "Partway, one URL a request";
const COMPANION: &str = "Companion, one URL a request";
const FASTAPI: &str = "FastAPI + boto3, one URL a request";
const CREATE: &str = "creating, 200 at a time, 99 of 100 within";
const MEMORY: &str = "memory with 10,000 open uploads";

/// A file that is large enough for any number of parts.
const FILE: u64 = 100 << 30;

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = rounds(5);
    let alone = std::env::args().any(|argument| argument == "alone");
    let settings = [
        ("PARTWAY_SERVER__WORKERS", "1"),
        ("PARTWAY_SERVER__LOG", "warn"),
        ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__ALLOW", "get"),
        ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__SCOPE", ""),
    ];
    let ours = Server::start(&settings).await?;
    client::pin(ours.pid().context("it has just been started")?, 0)?;
    let peers = if alone { None } else { Some(Peers::start()?) };

    let mut figures = Figures::default();
    let token = create(&ours.address(), FILE)?;
    let window = Request::post("/v1/uploads/sign", &to_sign(&token, WINDOW));
    let reads = Request::post("/v1/objects/sign", &to_read(WINDOW));
    let single = Request::post("/v1/uploads/sign", &to_sign(&token, 1));
    for round in 0..=rounds {
        let mut measure = |name: &str, address: &str, request: &Request, urls: u32| -> Result<()> {
            let answered = Client::new(address, CONNECTIONS).run(request, TURN)?;
            if round > 0 {
                figures.record(name, "URLs/s", answered * f64::from(urls));
            }
            Ok(())
        };
        measure(OURS, &ours.address(), &window, WINDOW)?;
        measure(READS, &ours.address(), &reads, WINDOW)?;
        measure(OURS_SINGLE, &ours.address(), &single, 1)?;
        if let Some(peers) = &peers {
            measure(COMPANION, &peers.companion, &peers::companion_request(), 1)?;
            measure(FASTAPI, &peers.fastapi, &peers::fastapi_request(), 1)?;
        }
    }
    figures.expect(OURS, Goal::AtLeast(200_000.0));
    figures.compare(READS, OURS, Goal::AtLeast(0.8));
    if peers.is_some() {
        figures.compare(OURS, COMPANION, Goal::AtLeast(30.0));
        figures.compare(OURS, FASTAPI, Goal::AtLeast(30.0));
    }
    drop(ours);
    for _ in 0..rounds {
        let (slowest, memory) = open_uploads().await?;
        figures.record(CREATE, "ms", slowest);
        figures.record(MEMORY, "MiB", memory);
    }
    figures.expect(MEMORY, Goal::Below(64.0));
    println!("The server over HTTP, {rounds} rounds\n\n{}", figures.table());
    Ok(())
}

/// A server before a store of another process: how long the 99th of 100 creations takes, and what it has taken of memory
/// once there are 10,000 uploads.
async fn open_uploads() -> Result<(f64, f64)> {
    let store = Server::start(&[("PARTWAY_SERVER__LOG", "error")]).await?;
    let secrets = store.secrets()?;
    let endpoint = format!("http://{}", store.store_address());
    let ours = Server::start(&[
        ("PARTWAY_SERVER__LOG", "warn"),
        ("PARTWAY_SERVER__TOKEN_SECRET", "a secret of the benchmark's, long enough"),
        ("PARTWAY_STORE__BUCKET", "uploads"),
        ("PARTWAY_STORE__ENDPOINT", &endpoint),
        ("PARTWAY_STORE__ACCESS_KEY_ID", &secrets.0),
        ("PARTWAY_STORE__SECRET_ACCESS_KEY", &secrets.1),
    ])
    .await?;
    let request = Request::post("/v1/uploads", &json!({ "files": [{ "name": "film.mp4", "size": FILE }] }));
    let mut times = Client::new(&ours.address(), 200).time(&request, 10_000)?;
    times.sort();
    let slowest = times.get(times.len() * 99 / 100).context("there are ten thousand")?;
    let memory = ours.memory()?;
    Ok((slowest.as_secs_f64() * 1_000.0, memory))
}

fn create(address: &str, size: u64) -> Result<String> {
    let request = Request::post("/v1/uploads", &json!({ "files": [{ "name": "film.mp4", "size": size }] }));
    let answer: Value = serde_json::from_slice(&Client::new(address, 1).once(&request)?)?;
    let token = answer["uploads"][0]["accepted"]["token"].as_str();
    token.map(str::to_owned).with_context(|| format!("no upload was created: {answer}"))
}

/// Objects to sign for that nobody looks at, as parts are signed for without a look at the store.
fn to_read(objects: u32) -> Value {
    let object = |number| json!({ "key": format!("films/{number}/film.mp4"), "look": false });
    json!({ "objects": (1..=objects).map(object).collect::<Vec<_>>() })
}

fn to_sign(token: &str, parts: u32) -> Value {
    let parts = (1..=parts).map(|number| json!({ "part_number": number, "checksum": "AAAAAAAAAAA=" }));
    json!({ "token": token, "parts": parts.collect::<Vec<_>>() })
}
