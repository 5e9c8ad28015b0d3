//! Partway's page, as somebody in front of it sees and uses it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::browser::{Browser, Engine};
use crate::files::RandomFile;
use crate::wait::wait_for;

/// The page in a browser.
#[derive(Debug)]
pub struct Page {
    browser: Browser,
}

/// A file's row in the list.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Row {
    /// The upload's id.
    pub id: u64,
    /// Its state, as a name.
    pub state: String,
    /// The file's name.
    pub name: String,
    /// The state in words.
    pub word: String,
    /// The parts in words.
    pub parts: String,
    /// What is said about an error.
    pub error: String,
    /// Its code.
    pub code: Option<String>,
    /// The object's key, once completed.
    pub key: Option<String>,
    /// The object's checksum, once completed.
    pub checksum: Option<String>,
}

impl Row {
    /// Whether nothing more happens by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_arrived() || matches!(self.state.as_str(), "cancelled" | "failed")
    }

    /// Whether it is complete, and the page shows where.
    #[must_use]
    pub fn has_arrived(&self) -> bool {
        self.state == "completed" && self.key.is_some()
    }
}

const READ_ROWS: &str = r"
    const { shadowRoot } = document.querySelector('partway-uploader');
    return [...shadowRoot.querySelectorAll('[data-id]')].map((row) => {
      const text = (part) => row.querySelector(`[part~=${part}]`)?.textContent;
      return {
        id: Number(row.dataset.id),
        state: row.dataset.state,
        name: text('name'),
        word: text('status'),
        parts: text('parts'),
        error: text('error-text') ?? '',
        code: row.querySelector('[part~=error]')?.dataset.code ?? null,
        key: text('key') ?? null,
        checksum: text('checksum') ?? null,
      };
    });";

impl Page {
    /// Opens the page of a server.
    ///
    /// # Errors
    /// When the browser does not start or the page does not load.
    pub async fn open(engine: Engine, url: &str) -> Result<Self> {
        let page = Self { browser: Browser::start_engine(engine).await? };
        page.visit(url).await?;
        Ok(page)
    }

    /// Opens the page of another address in the same browser.
    ///
    /// # Errors
    /// When it does not load.
    pub async fn visit(&self, url: &str) -> Result<()> {
        self.browser.open(url).await?;
        wait_for("the widget on the page", Duration::from_secs(20), async || {
            let mounted =
                self.browser.run("return !!document.querySelector('partway-uploader')?.uploader", vec![]);
            Ok((mounted.await? == json!(true)).then_some(()))
        })
        .await?;
        // Tall enough for the rows of some dozen files, since those that are scrolled away are not there to be read.
        let tall =
            "document.querySelector('partway-uploader').style.setProperty('--partway-list-size', '6000px')";
        self.browser.run(tall, vec![]).await.map(drop)
    }

    /// The browser, for what the page does not show.
    #[must_use]
    pub const fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Kills the browser, starts it again, and opens a page as its user would.
    ///
    /// # Errors
    /// When the browser does not start or the page does not load.
    pub async fn crash(&mut self, url: &str) -> Result<()> {
        self.browser.crash().await?;
        self.visit(url).await
    }

    /// The names of the uploads that can be resumed.
    ///
    /// # Errors
    /// When the page is not what it should be.
    pub async fn resumables(&self) -> Result<Vec<String>> {
        let names = "const { shadowRoot } = document.querySelector('partway-uploader');
             return [...shadowRoot.querySelectorAll('[part~=resumable] [part~=name]')].map(({ title }) => title);";
        serde_json::from_value(self.browser.run(names, vec![]).await?).context("the list of resumables")
    }

    /// Waits until an upload of this name can be resumed.
    ///
    /// # Errors
    /// When none is offered in time.
    pub async fn wait_for_resumable(&self, name: &str) -> Result<()> {
        wait_for(format!("{name} to be offered"), Duration::from_secs(30), async || {
            Ok(self.resumables().await?.iter().any(|other| other == name).then_some(()))
        })
        .await
    }

    /// Chooses files with the page's button.
    ///
    /// # Errors
    /// When the page does not take them.
    pub async fn choose(&self, files: &[&RandomFile]) -> Result<()> {
        let paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        self.browser.choose("[data-input=input]", &paths).await
    }

    /// Drops files or folders on the page.
    ///
    /// # Errors
    /// When the page does not take them.
    pub async fn drop_files(&self, paths: &[&Path]) -> Result<()> {
        self.browser.drop_on("[part~=dropzone]", paths).await
    }

    /// Clicks a button of a file's: `cancel`, `retry`, `discard` or `remove`.
    ///
    /// # Errors
    /// When it has no such button.
    pub async fn press(&self, id: u64, action: &str) -> Result<()> {
        self.browser.click(&format!("[data-id='{id}'] [data-action={action}]")).await
    }

    /// The list of files.
    ///
    /// # Errors
    /// When the page is not what it should be.
    pub async fn rows(&self) -> Result<Vec<Row>> {
        let rows = self.browser.run(READ_ROWS, vec![]).await?;
        serde_json::from_value(rows).context("the rows of the page")
    }

    /// The only file in the list.
    ///
    /// # Errors
    /// When there is none or another.
    pub async fn row(&self) -> Result<Row> {
        let rows = self.rows().await?;
        match <[Row; 1]>::try_from(rows) {
            Ok([row]) => Ok(row),
            Err(rows) => bail!("one row was expected: {rows:?}"),
        }
    }

    /// Waits until the only file in the list is as it should be.
    ///
    /// # Errors
    /// When that does not happen in time; the error shows how it was last.
    pub async fn wait_for_row(
        &self,
        what: &str,
        timeout: Duration,
        is_so: impl Fn(&Row) -> bool,
    ) -> Result<Row> {
        let mut last = Vec::new();
        let found = wait_for(what, timeout, async || {
            last = self.rows().await?;
            Ok(last.iter().find(|row| last.len() == 1 && is_so(row)).cloned())
        })
        .await;
        found.with_context(|| format!("the page shows {last:?}"))
    }

    /// Waits until so many files are listed, all have ended, and gives them.
    ///
    /// # Errors
    /// When that does not happen in time; the error shows how they were last.
    pub async fn wait_for_end(&self, count: usize, timeout: Duration) -> Result<Vec<Row>> {
        let mut last = Vec::new();
        let found = wait_for(format!("{count} files to end"), timeout, async || {
            last = self.rows().await?;
            Ok((last.len() == count && last.iter().all(Row::has_ended)).then(|| last.clone()))
        })
        .await;
        found.with_context(|| format!("the page shows {last:?}"))
    }

    /// What the engine says of an upload.
    ///
    /// # Errors
    /// When there is no such upload.
    pub async fn status(&self, id: u64) -> Result<Value> {
        let status = self
            .browser
            .run(
                "const { uploads } = document.querySelector('partway-uploader').uploader;
                 return uploads.find((upload) => upload.id === arguments[0])?.status ?? null;",
                vec![json!(id)],
            )
            .await?;
        if status.is_null() {
            bail!("there is no upload {id}");
        }
        Ok(status)
    }

    /// The text of the notices over the list.
    ///
    /// # Errors
    /// When the page is not what it should be.
    pub async fn notices(&self) -> Result<String> {
        let text = self
            .browser
            .run(
                "const { shadowRoot } = document.querySelector('partway-uploader');
                 return shadowRoot.querySelector('[part~=notices]').textContent;",
                vec![],
            )
            .await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }
}
