//! Partway in Chromium beside those who do the same: Uppy 5, better-upload, and bare loops of PUTs
//! that know all URLs before the clock starts.
//!
//! All send to a sink that keeps nothing, so that what is measured is the browser's side and the
//! line. The clock runs from the moment when a peer is given its files until it says that they have
//! arrived; where the page is blocked, until the store was last asked for something. Peers take turns within a round, in another order each round, and each round gives one
//! ratio. `-- [rounds] [scenario…]` chooses; the scenarios are in `peers/scenario.rs`.
//!
//! Beside each speed stand the CPU seconds of the page's main thread (`ThreadTime` of DevTools'
//! `Performance.getMetrics`), those of all the browser's processes, and the peak of the renderer's
//! resident memory (`VmHWM`). The peers' code comes from npm into the target folder.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the tables are the product")]

#[path = "figures/mod.rs"]
mod figures;

#[path = "peers/backend.rs"]
mod backend;
#[path = "peers/bundle.rs"]
mod bundle;
#[path = "peers/report.rs"]
mod report;
#[path = "peers/scenario.rs"]
mod scenario;
#[path = "peers/sink.rs"]
mod sink;

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use backend::Backend;
use figures::rounds;
use partway_tests::browser::Browser;
use partway_tests::files::RandomFile;
use partway_tests::processes;
use partway_tests::proxy::{Fault, Line, Proxy, Request, Rule, RuleHandle};
use partway_tests::server::Server;
use report::{Report, Run};
use scenario::{Cuts, Peer, SCENARIOS, Scenario};
use serde::Deserialize;
use serde_json::json;
use sink::Sink;

/// How long a page is blocked at a time.
const BLOCKED_FOR: Duration = Duration::from_secs(3);
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// Bytes a second in each direction.
const BANDWIDTH: u64 = 100 << 20;
/// How often 20 seconds are waited for a run before it is given up.
const TURNS: u32 = 30;
const GIB: f64 = (1_u64 << 30) as f64;
const MIB: f64 = 1_048_576.0;

/// All that the runs share.
struct Bench {
    browser: Browser,
    sink: Sink,
    /// Before Partway's server, or the peers' back end.
    control: Proxy,
    /// Before the sink, where there is a line.
    store: Proxy,
    backend: Backend,
    /// By checksum and by the store's address.
    servers: HashMap<(&'static str, String), Server>,
    files: HashMap<(u64, u64), Vec<RandomFile>>,
    folder: PathBuf,
}

/// What the page says of a run.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outcome {
    milliseconds: f64,
    error: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let rounds = rounds(3);
    // Cargo adds `--bench`, which is not for us.
    let is_name = |argument: &String| argument.parse::<usize>().is_err() && argument != "--bench";
    let chosen: Vec<String> = std::env::args().skip(1).filter(is_name).collect();
    let known: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    let unknown = chosen.iter().find(|name| !known.contains(&name.as_str()));
    ensure!(unknown.is_none(), "there is no scenario {unknown:?}; there are {known:?}");
    let is_chosen =
        |scenario: &&Scenario| chosen.is_empty() || chosen.iter().any(|name| name == scenario.name);
    // Beside the build, which is on a disk; the system's temporary folder may be memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut bench = Bench::start(folder.path()).await?;
    for scenario in SCENARIOS.iter().filter(is_chosen) {
        let report = bench.measure(scenario, rounds).await?;
        let pairs = scenario.pairs();
        let pairs: Vec<_> = pairs.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
        println!("{}", report.table(&pairs));
    }
    Ok(())
}

impl Bench {
    async fn start(folder: &Path) -> Result<Self> {
        let sink = Sink::start()?;
        let (control, store) = (Proxy::start().await?, Proxy::start().await?);
        store.set_upstream(&sink.address.to_string());
        Ok(Self {
            browser: Browser::start().await?,
            backend: Backend::start(bundle::build()?, &sink)?,
            sink,
            control,
            store,
            servers: HashMap::new(),
            files: HashMap::new(),
            folder: folder.to_owned(),
        })
    }

    async fn measure(&mut self, scenario: &Scenario, rounds: usize) -> Result<Report> {
        let unit = if scenario.files > 1 { "files/s" } else { "MiB/s" };
        let mut report = Report::new(format!("{}; {rounds} rounds, interleaved", scenario.title), unit);
        self.make_files(scenario)?;
        // A browser is busy with itself when it has just been started.
        if let Some(first) = scenario.peers.first() {
            self.run(scenario, first, false, 0).await?;
        }
        let blocked: &[bool] = if scenario.is_blocked { &[false, true] } else { &[false] };
        for round in 0..rounds {
            let mut turns: Vec<_> = scenario.peers.iter().collect();
            turns.rotate_left(round % scenario.peers.len());
            for peer in turns {
                for &is_blocked in blocked {
                    let name = Scenario::row(peer, is_blocked);
                    let run = self.run(scenario, peer, is_blocked, round as u64 + 1).await?;
                    eprintln!("{} {}: {name}: {:.1} {unit}", scenario.name, round + 1, run.speed);
                    report.record(&name, run);
                }
            }
        }
        Ok(report)
    }

    async fn run(&mut self, scenario: &Scenario, peer: &Peer, is_blocked: bool, seed: u64) -> Result<Run> {
        let cuts = self.lay_line(scenario, seed);
        self.open_page(scenario, peer).await?;
        self.prepare(scenario, peer).await?;

        processes::reset_renderer_peaks()?;
        let before = (processes::cpu_seconds()?, self.main_thread().await?);
        let began = Instant::now();
        self.browser.run("window.bench.go(arguments[0]);", vec![json!(is_blocked)]).await?;
        let outcome = self.outcome().await?;
        let after = (processes::cpu_seconds()?, self.main_thread().await?);
        let memory = processes::renderer_peak()?;

        let heard = self.sink.heard().map_or(Duration::ZERO, |heard| heard.duration_since(began));
        let received = self.sink.take_received();
        let cuts = cuts.map_or(0, |cuts| cuts.hits());
        if let Some(error) = outcome.error {
            eprintln!("{}: {} failed: {error}", scenario.name, peer.name);
            return Ok(Run { cuts, ..Run::default() });
        }
        ensure!(
            received >= scenario.bytes(),
            "{} says that all has arrived, and only {received} bytes have",
            peer.name
        );
        let amount = if scenario.files > 1 { scenario.files as f64 } else { scenario.bytes() as f64 / MIB };
        let gib = scenario.bytes() as f64 / GIB;
        let browser = |cpu: &BTreeMap<_, _>| cpu.get("browser").copied().unwrap_or(0.0);
        let cost = |seconds: f64| seconds / gib;
        // A page that is blocked sees late that it has ended, so it is the store that is asked.
        let seconds = if scenario.is_blocked { heard.as_secs_f64() } else { outcome.milliseconds / 1_000.0 };
        Ok(Run {
            speed: amount / seconds,
            main_thread: cost(after.1 - before.1),
            browser: cost(browser(&after.0) - browser(&before.0)),
            memory,
            cuts,
        })
    }

    /// A new line for a run, so that no connection is left from another, and what cuts it.
    fn lay_line(&self, scenario: &Scenario, seed: u64) -> Option<RuleHandle> {
        let line = scenario.has_line.then(|| Line::new(ROUND_TRIP).bytes_per_second(BANDWIDTH));
        self.control.set_line(line.clone());
        self.control.clear();
        let is_block = |request: &Request| request.path == "/blocks-for-3-s";
        self.control.add(Rule::new(is_block, Fault::Delay(BLOCKED_FOR)).always());
        self.store.set_line(line);
        self.store.clear();
        let rule = Rule::new(|request| request.method == "PUT", Fault::ResetAnywhere).always();
        let rule = match scenario.cuts {
            Cuts::None => return None,
            Cuts::OfPuts(share) => rule.at_random(share, seed),
            Cuts::OfMebibytes(share) => rule.at_random(share, seed).per_mib(),
        };
        Some(self.store.add(rule))
    }

    /// Opens the page of the peer's own server, and gives it its files.
    async fn open_page(&mut self, scenario: &Scenario, peer: &Peer) -> Result<()> {
        let store =
            if scenario.has_line { self.store.url() } else { format!("http://{}", self.sink.address) };
        if let Some(checksum) = peer.checksum {
            let port = store.rsplit(':').next().unwrap_or_default();
            let named = |host: &&str| format!("http://{host}:{port}");
            let names = peer.hosts.map(|hosts| hosts.iter().map(named).collect::<Vec<_>>().join(","));
            let store = names.unwrap_or(store.clone());
            let server = self.server(checksum, store).await?.address();
            self.control.set_upstream(&server);
        } else {
            self.backend.set_store(&store)?;
            self.control.set_upstream(&self.backend.address.to_string());
        }
        self.browser.renew().await?;
        self.browser.open(&self.control.url()).await?;
        self.browser
            .run(
                "const input = Object.assign(document.createElement('input'), { type: 'file', id: 'bench' });
                 input.multiple = true;
                 document.body.append(input);",
                vec![],
            )
            .await?;
        let paths: Vec<&Path> = self.files(scenario).iter().map(|file| file.path.as_path()).collect();
        self.browser.choose("#bench", &paths).await
    }

    async fn prepare(&self, scenario: &Scenario, peer: &Peer) -> Result<()> {
        self.browser.run(include_str!("peers/run.js"), vec![]).await?;
        let prepare = "await window.bench.prepare(...args);";
        let arguments = vec![json!(peer.script), peer.settings(scenario)];
        self.browser.run_async(prepare, arguments).await?;
        self.browser.devtools("Performance.enable", json!({})).await?;
        Ok(())
    }

    /// Waits for the page, in turns that are shorter than a script may take.
    async fn outcome(&self) -> Result<Outcome> {
        for _ in 0..TURNS {
            let turn = "return Promise.race([window.bench.outcome, new Promise((done) => setTimeout(done, 20_000, null))]);";
            let outcome = self.browser.run_async(turn, vec![]).await?;
            if !outcome.is_null() {
                return serde_json::from_value(outcome).context("what the page measured");
            }
        }
        Ok(Outcome { error: Some("it did not end".to_owned()), ..Outcome::default() })
    }

    /// CPU seconds of the page's main thread so far.
    async fn main_thread(&self) -> Result<f64> {
        let metrics = self.browser.devtools("Performance.getMetrics", json!({})).await?;
        let metrics = metrics["metrics"].as_array().context("DevTools gives no metrics")?;
        let time = metrics.iter().find(|metric| metric["name"] == "ThreadTime");
        time.and_then(|metric| metric["value"].as_f64()).context("DevTools gives no ThreadTime")
    }

    /// A server of ours that signs for the store at this address.
    async fn server(&mut self, checksum: &'static str, store: String) -> Result<&Server> {
        let key = (checksum, store);
        if !self.servers.contains_key(&key) {
            let sink = format!("http://{}", self.sink.address);
            let secret = "a secret of the benchmark ".repeat(2);
            let env = [
                ("PARTWAY_STORE__BUCKET", backend::BUCKET),
                ("PARTWAY_STORE__REGION", backend::REGION),
                ("PARTWAY_STORE__ENDPOINT", &sink),
                ("PARTWAY_STORE__ENDPOINTS", &key.1),
                ("PARTWAY_STORE__ACCESS_KEY_ID", backend::ACCESS_KEY),
                ("PARTWAY_STORE__SECRET_ACCESS_KEY", backend::SECRET_KEY),
                ("PARTWAY_SERVER__TOKEN_SECRET", secret.as_str()),
                ("PARTWAY_STORE__POST_FORMS", "true"),
                ("PARTWAY_UPLOADS__CHECKSUM", checksum),
                ("PARTWAY_SERVER__LOG", "warn"),
            ];
            self.servers.insert(key.clone(), Server::start(&env).await?);
        }
        self.servers.get(&key).context("the server was started")
    }

    /// The files of a scenario; scenarios with files alike share them.
    fn make_files(&mut self, scenario: &Scenario) -> Result<()> {
        let Entry::Vacant(missing) = self.files.entry((scenario.files, scenario.size)) else { return Ok(()) };
        let create = |number| {
            let name = format!("{}-{number}.bin", scenario.size);
            RandomFile::create(&self.folder, &name, scenario.size, number)
        };
        missing.insert((0..scenario.files).map(create).collect::<Result<_>>()?);
        Ok(())
    }

    fn files(&self, scenario: &Scenario) -> &[RandomFile] {
        self.files.get(&(scenario.files, scenario.size)).map_or(&[], Vec::as_slice)
    }
}
