//! Everything that a test of the whole needs: a server with its store, a proxy before
//! each of the two, and the page in a browser.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::browser::Engine;
use crate::files::RandomFile;
use crate::objects::Objects;
use crate::page::Page;
use crate::proxy::Proxy;
use crate::server::Server;

/// One at a time: a second browser on the same cores would spoil what the first
/// measures, and make its deadlines unreliable.
static TURN: Mutex<()> = Mutex::const_new(());

/// Stands for the port of the proxy before the store in the settings of a test.
pub const PROXY_PORT: &str = "{proxy}";
/// Where browsers find the store. Unless a test says otherwise, at the proxy.
const ENDPOINTS: &str = "PARTWAY_STORE__ENDPOINTS";

/// A running system.
#[derive(Debug)]
pub struct Stack {
    /// The page.
    pub page: Page,
    /// Between the browser and the store.
    pub proxy: Proxy,
    /// Between the browser and Partway. The page comes through it, so it is the page's origin.
    pub control: Proxy,
    /// Partway.
    pub server: Server,
    /// What the store holds.
    pub objects: Objects,
    files: TempDir,
}

impl Stack {
    /// Starts a system, runs a test in it, and ends it. When the test fails, its error also
    /// tells what the page and the server showed.
    ///
    /// # Errors
    /// The test's own, or why the system did not start.
    pub async fn run(test: impl AsyncFnOnce(&mut Self) -> Result<()>) -> Result<()> {
        Self::run_with(&[], test).await
    }

    /// The same with settings for the server, as `PARTWAY_SECTION__NAME`. [`PROXY_PORT`] in them is replaced.
    ///
    /// # Errors
    /// The test's own, or why the system did not start.
    pub async fn run_with(
        env: &[(&str, &str)],
        test: impl AsyncFnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        Self::run_in(Engine::Chromium, env, test).await
    }

    /// The same in another browser.
    ///
    /// # Errors
    /// The test's own, or why the system did not start.
    pub async fn run_in(
        engine: Engine,
        env: &[(&str, &str)],
        test: impl AsyncFnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let _turn = TURN.lock().await;
        let mut stack = Self::start(engine, env).await?;
        match test(&mut stack).await {
            Ok(()) => Ok(()),
            Err(error) => Err(stack.explain(error).await),
        }
    }

    /// A file of random bytes. Its seed is its size.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, size: u64) -> Result<RandomFile> {
        RandomFile::create(self.folder(), name, size, size)
    }

    /// Where the test's files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.files.path()
    }

    async fn start(engine: Engine, env: &[(&str, &str)]) -> Result<Self> {
        let (proxy, control) = (Proxy::start().await?, Proxy::start().await?);
        // URLs are signed for the proxy, because a signature covers the host.
        let port = proxy.url().rsplit(':').next().unwrap_or_default().to_owned();
        let mut env: Vec<_> =
            env.iter().map(|&(name, value)| (name, value.replace(PROXY_PORT, &port))).collect();
        if !env.iter().any(|(name, _)| *name == ENDPOINTS) {
            env.push((ENDPOINTS, proxy.url()));
        }
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let server = Server::start(&env).await?;
        proxy.set_upstream(&server.store_address());
        control.set_upstream(&server.address());
        let objects = server.objects()?;
        let page = Page::open(engine, &control.url()).await?;
        let files = tempfile::tempdir().context("making a folder for files")?;
        Ok(Self { page, proxy, control, server, objects, files })
    }

    async fn explain(&self, error: Error) -> Error {
        let picture = std::env::var_os("PARTWAY_SCREENSHOTS").map(PathBuf::from).map(|folder| {
            let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
            folder.join(format!("{test}.png"))
        });
        if let Some(picture) = picture {
            // It is only an extra; the test has failed already.
            let _ = self.page.browser().screenshot(&picture).await;
        }
        let console = self.page.browser().console().await.unwrap_or_default().join("\n");
        error.context(format!("console:\n{console}\n\nserver:\n{}\n", self.server.log_tail()))
    }
}
