//! A client that costs little: requests are made once, and of answers only the length is looked at.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// A request, ready to be sent.
pub(crate) struct Request(Vec<u8>);

impl Request {
    pub(crate) fn post(path: &str, body: &Value) -> Self {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self([head.into_bytes(), body.into_bytes()].concat())
    }

    pub(crate) fn get(path: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes())
    }
}

/// Connections to one server.
pub(crate) struct Client<'a> {
    address: &'a str,
    connections: usize,
}

/// Keeps a process to one core.
pub(crate) fn pin(pid: u32, core: u32) -> Result<()> {
    let (core, pid) = (core.to_string(), pid.to_string());
    let output =
        Command::new("taskset").args(["--all-tasks", "--cpu-list", "--pid", &core, &pid]).output()?;
    ensure!(output.status.success(), "taskset: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

impl<'a> Client<'a> {
    pub(crate) fn new(address: &'a str, connections: usize) -> Self {
        Self { address, connections }
    }

    /// The body of one answer.
    pub(crate) fn once(&self, request: &Request) -> Result<Vec<u8>> {
        let mut connection = Connection::new(self.address)?;
        connection.ask(request)?;
        Ok(connection.body().to_vec())
    }

    /// Answers a second, over all connections.
    pub(crate) fn run(&self, request: &Request, turn: Duration) -> Result<f64> {
        let begun = Instant::now();
        let answers = self.on_each(|connection| {
            let mut answers = 0_u32;
            while begun.elapsed() < turn {
                connection.ask(request)?;
                answers += 1;
            }
            Ok(answers)
        })?;
        Ok(f64::from(answers.iter().sum::<u32>()) / begun.elapsed().as_secs_f64())
    }

    /// How long each of so many requests takes.
    pub(crate) fn time(&self, request: &Request, count: usize) -> Result<Vec<Duration>> {
        let times = self.on_each(|connection| {
            (0..count / self.connections)
                .map(|_| {
                    let asked = Instant::now();
                    connection.ask(request)?;
                    Ok(asked.elapsed())
                })
                .collect::<Result<Vec<_>>>()
        })?;
        Ok(times.concat())
    }

    fn on_each<T: Send>(&self, work: impl Fn(&mut Connection) -> Result<T> + Sync) -> Result<Vec<T>> {
        std::thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = (0..self.connections)
                .map(|_| scope.spawn(move || work(&mut Connection::new(self.address)?)))
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().ok().context("a client panicked")?);
            joined.collect()
        })
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    head: usize,
    filled: usize,
}

impl Connection {
    fn new(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 1 << 20], head: 0, filled: 0 })
    }

    fn ask(&mut self, request: &Request) -> Result<()> {
        self.stream.write_all(&request.0)?;
        (self.head, self.filled) = (0, 0);
        let mut length = None;
        loop {
            if let Some(length) = length
                && self.filled >= self.head + length
            {
                return Ok(());
            }
            let read = self.stream.read(self.buffer.get_mut(self.filled..).unwrap_or_default())?;
            ensure!(read > 0, "the connection ended");
            self.filled += read;
            if length.is_none() {
                length = self.read_head()?;
            }
        }
    }

    /// The length of what follows the head, once that is there.
    fn read_head(&mut self) -> Result<Option<usize>> {
        let filled = self.buffer.get(..self.filled).unwrap_or_default();
        let Some(end) = filled.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        self.head = end + 4;
        let head = String::from_utf8_lossy(filled.get(..end).unwrap_or_default()).to_ascii_lowercase();
        if !head.starts_with("http/1.1 2") {
            bail!("refused: {}", String::from_utf8_lossy(filled));
        }
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length:")).context("no length")?;
        Ok(Some(length.trim().parse()?))
    }

    fn body(&self) -> &[u8] {
        self.buffer.get(self.head..self.filled).unwrap_or_default()
    }
}
