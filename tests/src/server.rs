//! Partway as a process of its own, with its embedded store.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::objects::Objects;
use crate::wait::wait_for;
use crate::{binary, process};

const BUCKET: &str = "uploads";

/// A server, on ports and with data that survive a restart.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
    store_port: u16,
    env: Vec<(String, String)>,
}

/// What `--ready-file` says.
#[derive(Debug, Deserialize)]
struct Ready {
    url: String,
}

impl Server {
    /// Starts one with an empty store. `env` overrides settings, as `PARTWAY_SECTION__NAME`.
    ///
    /// # Errors
    /// When the binary is missing or does not come up.
    pub async fn start(env: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for the server")?;
        let env: Vec<_> = env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (port, store_port) = (free_port()?, free_port()?);
        let child = spawn(&folder, port, store_port, &env)?;
        let mut server = Self { child, folder, port, store_port, env };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Where the page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The same as host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where the embedded store listens, as host and port.
    #[must_use]
    pub fn store_address(&self) -> String {
        format!("127.0.0.1:{}", self.store_port)
    }

    /// A client for the embedded store, past the server and any proxy.
    ///
    /// # Errors
    /// When the data folder holds no credentials.
    pub fn objects(&self) -> Result<Objects> {
        let (access_key_id, secret_access_key) = self.secrets()?;
        let endpoint = format!("http://{}", self.store_address());
        Ok(Objects::new(&endpoint, BUCKET, &access_key_id, &secret_access_key))
    }

    /// What the embedded store takes: the access key's id, and its secret.
    ///
    /// # Errors
    /// When the data folder holds no credentials.
    pub fn secrets(&self) -> Result<(String, String)> {
        #[derive(Deserialize)]
        struct Secrets {
            access_key_id: String,
            secret_access_key: String,
        }
        let path = self.data().join("secrets.json");
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let secrets: Secrets = serde_json::from_slice(&text).context("the data folder's secrets")?;
        Ok((secrets.access_key_id, secrets.secret_access_key))
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its resident memory in MiB.
    ///
    /// # Errors
    /// When it has ended, or where there is no `/proc`.
    pub fn memory(&self) -> Result<f64> {
        let pid = self.pid().context("the server has ended")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn kill(&mut self) -> Result<()> {
        process::signal(&self.child, Signal::KILL);
        self.child.wait().await.context("waiting for the killed server")?;
        Ok(())
    }

    /// Asks it to end, as an operator would.
    ///
    /// # Errors
    /// When it does not end in time, or not with success.
    pub async fn terminate(&mut self) -> Result<()> {
        process::signal(&self.child, Signal::TERM);
        let ended = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await;
        let status = ended.context("the server ignores SIGTERM")??;
        ensure!(status.success(), "the server ended with {status} on SIGTERM");
        Ok(())
    }

    /// Starts it again on the same ports, with the same data.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> Result<()> {
        ensure!(self.child.try_wait()?.is_some(), "the server is still running");
        fs::remove_file(self.folder.path().join("ready.json")).ok();
        self.child = spawn(&self.folder, self.port, self.store_port, &self.env)?;
        self.wait_until_ready().await
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let path = self.folder.path().join("ready.json");
        let ready = wait_for("the server to be ready", Duration::from_secs(30), async || {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once with {status}:\n{}", self.log_tail());
            }
            Ok(fs::read(&path).ok())
        });
        let ready: Ready = serde_json::from_slice(&ready.await?).context("the server's --ready-file")?;
        ensure!(
            ready.url.trim_end_matches('/') == self.url(),
            "the server listens at {} and not at {}",
            ready.url,
            self.url()
        );
        Ok(())
    }
}

fn spawn(folder: &TempDir, port: u16, store_port: u16, env: &[(String, String)]) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.path().join("log.txt"))
        .context("creating the server's log")?;
    let mut command = Command::new(binary::find()?);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PARTWAY_")) {
        command.env_remove(name);
    }
    command
        // Where no partway.toml of the developer's lies.
        .current_dir(folder)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .args(["--store-listen", &format!("127.0.0.1:{store_port}")])
        .arg("--data")
        .arg(folder.path().join("data"))
        .arg("--ready-file")
        .arg(folder.path().join("ready.json"))
        .env("PARTWAY_EMBEDDED__BUCKET", BUCKET)
        .envs(env.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("sharing the server's log")?)
        .stderr(log)
        .kill_on_drop(true);
    command.spawn().context("starting partway")
}

/// A port that was free a moment ago. Port 0 would not do: a restart has to
/// come back at the same one.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}
