//! The engines that Partway is tested in, and how each is started under its WebDriver server.
//!
//! Knows nothing of what a test does with them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::server::free_port;
use crate::wait::wait_for;

/// What runs the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Blink and V8, as in Chrome and Edge.
    #[default]
    Chromium,
    /// Gecko, as Debian's Firefox ESR.
    Firefox,
    /// Safari's, as WebKitGTK with its MiniBrowser, on a display of its own: it has no headless mode.
    WebKit,
}

/// How long a driver or a display may take to come up.
const PATIENTLY: Duration = Duration::from_secs(30);
/// Where Debian's `libwebkit2gtk-4.1-0` keeps it, which is not on the `PATH`.
const MINI_BROWSER: &str = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

/// A browser, and the processes that it takes. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) client: Client,
    pub(super) driver: Child,
    /// Kept for its drop alone.
    _display: Option<Child>,
}

impl Engine {
    /// Starts a browser that keeps its files in `profile`, which also stands on its command line.
    pub(super) async fn launch(self, profile: &Path) -> Result<Launched> {
        match self {
            Self::Chromium => chromium(profile).await,
            Self::Firefox => firefox(profile).await,
            Self::WebKit => webkit(profile).await,
        }
        .with_context(|| format!("starting {self:?}; `./just install browser` gets what it takes"))
    }
}

async fn chromium(profile: &Path) -> Result<Launched> {
    let (driver, port) = chromedriver().await?;
    let capabilities = json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "args": [
            "--headless=new",
            // Containers have no user namespaces, and the page is our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1000,1200",
            format!("--user-data-dir={}", profile.display()),
        ] },
    });
    Ok(Launched { client: connect(port, capabilities).await?, driver, _display: None })
}

/// Starts chromedriver. It takes any free port of IPv4, then the same one of IPv6, and ends where another program has that.
async fn chromedriver() -> Result<(Child, u16)> {
    let mut attempts = 1;
    loop {
        let mut driver = start("chromedriver".as_ref(), |command| command.arg("--port=0"))?;
        // "ChromeDriver was started successfully on port 40123."
        match said_after(&mut driver, "successfully on port ").await {
            Ok(said) => {
                let port = said.trim_end_matches('.').parse().context("chromedriver's port")?;
                return Ok((driver, port));
            }
            Err(_) if attempts < 5 => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn firefox(profile: &Path) -> Result<Launched> {
    // It keeps to a port that it is given, so two at once must not be given the same.
    let port = free_port()?;
    let mut driver = start(&geckodriver(), |command| command.args(["--port", &port.to_string()]))?;
    // "geckodriver INFO Listening on 127.0.0.1:40123"
    said_after(&mut driver, "Listening on ").await?;
    let capabilities = json!({
        "browserName": "firefox",
        "moz:firefoxOptions": {
            "args": ["-headless", "-profile", profile, "--width=1000", "--height=1200"],
            "prefs": {
                "app.normandy.enabled": false,
                "browser.aboutwelcome.enabled": false,
                "network.connectivity-service.enabled": false,
            },
        },
    });
    Ok(Launched { client: connect(port, capabilities).await?, driver, _display: None })
}

/// Cargo's, which the justfile installs below the target folder; else what is on the `PATH`.
fn geckodriver() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/geckodriver");
    if own.is_file() { own } else { "geckodriver".into() }
}

async fn webkit(profile: &Path) -> Result<Launched> {
    let mut display = start("Xvfb".as_ref(), |command| {
        command.args(["-displayfd", "1", "-screen", "0", "1000x1200x24", "-nolisten", "tcp"])
    })?;
    let number = said_after(&mut display, "").await?;
    let port = free_port()?;
    let driver = start("WebKitWebDriver".as_ref(), |command| {
        command
            .arg(format!("--port={port}"))
            .env("DISPLAY", format!(":{number}"))
            // Without a graphics card, or the rights to use it.
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("XDG_CACHE_HOME", profile)
            .env("XDG_DATA_HOME", profile)
    })?;
    // It says nothing, and answers once it is there.
    wait_for("WebKitWebDriver to listen", PATIENTLY, async || {
        Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok())
    })
    .await?;
    let capabilities = json!({
        "webkitgtk:browserOptions": {
            "binary": MINI_BROWSER,
            // The name does nothing but tell whose process it is.
            "args": ["--automation", format!("--name={}", profile.display())],
        },
    });
    Ok(Launched { client: connect(port, capabilities).await?, driver, _display: Some(display) })
}

fn start(program: &Path, configure: impl FnOnce(&mut Command) -> &mut Command) -> Result<Child> {
    let mut command = Command::new(program);
    configure(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.kill_on_drop(true).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow!("{} is not installed", program.display()),
        _ => error.into(),
    })
}

/// The rest of the line on which a process says something.
async fn said_after(process: &mut Child, words: &str) -> Result<String> {
    let output = process.stdout.take().context("a process has no output")?;
    let mut lines = BufReader::new(output).lines();
    let said = tokio::time::timeout(PATIENTLY, find(&mut lines, words)).await;
    let said = said.with_context(|| format!("waiting for the words {words:?}"))??;
    // Read on, or it blocks once the pipe is full.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(said)
}

async fn find(lines: &mut Lines<BufReader<ChildStdout>>, words: &str) -> Result<String> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, said)) = line.split_once(words) {
            return Ok(said.to_owned());
        }
    }
    bail!("it ended before it said {words:?}")
}

async fn connect(port: u16, capabilities: Value) -> Result<Client> {
    let Value::Object(capabilities) = capabilities else { bail!("capabilities are an object") };
    let mut builder = ClientBuilder::new(HttpConnector::new());
    let driver = format!("http://127.0.0.1:{port}");
    builder.capabilities(capabilities).connect(&driver).await.context("the driver opens no session")
}
