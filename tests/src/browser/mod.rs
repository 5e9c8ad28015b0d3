//! A browser, driven over WebDriver.
//!
//! What only Chromium's driver can do says so when another one is asked for it.

mod engine;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use fantoccini::Client;
use fantoccini::elements::Element;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::process;
pub use engine::Engine;
use engine::Launched;

/// Finds an element, also in shadows.
const FIND: &str = "
    const hosts = [...document.querySelectorAll('*')].filter(({ shadowRoot }) => shadowRoot);
    const roots = [document, ...hosts.map(({ shadowRoot }) => shadowRoot)];
    return roots.map((root) => root.querySelector(arguments[0])).find(Boolean) ?? null;";

/// One window with a profile of its own. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Browser {
    engine: Engine,
    launched: Launched,
    profile: TempDir,
}

impl Browser {
    /// Starts Chromium.
    ///
    /// # Errors
    /// When it or its driver is not installed or does not start.
    pub async fn start() -> Result<Self> {
        Self::start_engine(Engine::Chromium).await
    }

    /// Starts a driver and a browser.
    ///
    /// # Errors
    /// When either is not installed or does not start.
    pub async fn start_engine(engine: Engine) -> Result<Self> {
        let profile = tempfile::tempdir().context("making a folder for the browser")?;
        let launched = engine.launch(profile.path()).await?;
        Ok(Self { engine, launched, profile })
    }

    fn client(&self) -> &Client {
        &self.launched.client
    }

    /// Kills the browser as a crash or a power cut would, and starts it again with all that it had kept.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn crash(&mut self) -> Result<()> {
        process::kill_all_with_path(self.profile.path());
        process::signal(&self.launched.driver, Signal::KILL);
        self.launched.driver.wait().await.context("waiting for the killed driver")?;
        self.launched = self.engine.launch(self.profile.path()).await?;
        Ok(())
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When it does not load.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.client().goto(url).await.with_context(|| format!("opening {url}"))
    }

    /// Puts a new tab in the place of the one in use: another process, in which nothing is left of
    /// earlier pages.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn renew(&self) -> Result<()> {
        let old = self.client().window().await.context("finding the tab")?;
        let new = self.client().new_window(true).await.context("opening a tab")?.handle;
        self.client().switch_to_window(old).await?;
        self.client().close_window().await.context("closing a tab")?;
        self.client().switch_to_window(new).await.context("changing to a new tab")
    }

    /// Opens another tab and goes on in it; gives the one before.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn open_tab(&self) -> Result<WindowHandle> {
        let old = self.client().window().await.context("finding the tab")?;
        let new = self.client().new_window(true).await.context("opening a tab")?.handle;
        self.client().switch_to_window(new).await.context("changing to a new tab")?;
        Ok(old)
    }

    /// Goes on in another tab.
    ///
    /// # Errors
    /// When it was closed.
    pub async fn go_to_tab(&self, other: &WindowHandle) -> Result<()> {
        self.client().switch_to_window(other.clone()).await.context("changing to another tab")
    }

    /// Closes another tab, and stays in this one.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn close_tab(&self, other: &WindowHandle) -> Result<()> {
        let here = self.client().window().await.context("finding the tab")?;
        self.client().switch_to_window(other.clone()).await?;
        self.client().close_window().await.context("closing a tab")?;
        self.client().switch_to_window(here).await.context("going back to the tab")
    }

    /// Runs a script's body in the page and gives what it returns.
    ///
    /// # Errors
    /// When it throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        let result = self.client().execute(script, arguments).await;
        result.with_context(|| format!("running a script: {script}"))
    }

    /// Runs the body of an async function and gives what it resolves to.
    ///
    /// # Errors
    /// When it rejects, or takes longer than half a minute.
    pub async fn run_async(&self, body: &str, arguments: Vec<Value>) -> Result<Value> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const run = async (...args) => {{ {body} }};
             run(...[...arguments].slice(0, -1)).then(
               (value) => done({{ value }}),
               (error) => done({{ error: `${{error?.code ?? error?.name}}: ${{error?.message}}` }}),
             );"
        );
        let mut result = self.client().execute_async(&script, arguments).await.context("running a script")?;
        if let Some(error) = result.get("error") {
            bail!("the script failed with {error}: {body}");
        }
        Ok(result.get_mut("value").map(Value::take).unwrap_or_default())
    }

    /// Chooses files in an `<input type="file">`.
    ///
    /// # Errors
    /// When there is no such input, or no such file.
    pub async fn choose(&self, selector: &str, files: &[&Path]) -> Result<()> {
        let paths: Option<Vec<&str>> = files.iter().map(|path| path.to_str()).collect();
        let paths = paths.context("a path is not UTF-8")?.join("\n");
        let input = self.find(selector).await?;
        input.send_keys(&paths).await.context("choosing files")
    }

    /// Clicks the first element that fits.
    ///
    /// # Errors
    /// When there is none, or it cannot be clicked.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let element = self.find(selector).await?;
        element.click().await.with_context(|| format!("clicking {selector}"))
    }

    /// Drops files or folders from outside on the middle of an element, as a file manager does.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn drop_on(&self, selector: &str, paths: &[&Path]) -> Result<()> {
        self.drag(selector, paths, &["dragEnter", "dragOver", "drop"]).await
    }

    /// Holds them over the middle of an element, without letting go.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn hold_over(&self, selector: &str, paths: &[&Path]) -> Result<()> {
        self.drag(selector, paths, &["dragEnter", "dragOver"]).await
    }

    /// Takes away again what is held over an element.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn drag_away(&self, selector: &str, paths: &[&Path]) -> Result<()> {
        self.drag(selector, paths, &["dragCancel"]).await
    }

    async fn drag(&self, selector: &str, paths: &[&Path], kinds: &[&str]) -> Result<()> {
        let (x, y, width, height) = self.find(selector).await?.rectangle().await?;
        let data = json!({ "items": [], "files": paths, "dragOperationsMask": 1 });
        for kind in kinds {
            let event = json!({ "type": kind, "x": x + width / 2.0, "y": y + height / 2.0, "data": data });
            self.devtools("Input.dispatchDragEvent", event).await?;
        }
        Ok(())
    }

    /// Presses a key, as somebody does who has no mouse: one with a name, such as `Tab`, or a character. `Alt+`, `Control+` or
    /// `Shift+` may stand before it.
    ///
    /// # Errors
    /// When there is no such key here, or the browser refuses.
    pub async fn press(&self, key: &str) -> Result<()> {
        let (modifier, key) = match key.split_once('+') {
            Some(("Alt", key)) => (1, key),
            Some(("Control", key)) => (2, key),
            Some(("Shift", key)) => (8, key),
            _ => (0, key),
        };
        let mut letters = key.chars();
        let (code, text) = match (letters.next(), letters.next()) {
            (Some(letter), None) => (u32::from(letter.to_ascii_uppercase()), key),
            _ => match key {
                "Backspace" => (8, ""),
                "Tab" => (9, ""),
                "Enter" => (13, "\r"),
                "Escape" => (27, ""),
                "PageUp" => (33, ""),
                "PageDown" => (34, ""),
                "End" => (35, ""),
                "Home" => (36, ""),
                "ArrowLeft" => (37, ""),
                "ArrowUp" => (38, ""),
                "ArrowRight" => (39, ""),
                "ArrowDown" => (40, ""),
                "Delete" => (46, ""),
                _ => bail!("no test has pressed {key} before"),
            },
        };
        for kind in ["keyDown", "keyUp"] {
            // With a modifier it is a command.
            let text = if kind == "keyDown" && modifier == 0 { text } else { "" };
            let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text,
                "modifiers": modifier });
            self.devtools("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// The first element that fits, on the page or in the shadow of one of its elements.
    async fn find(&self, selector: &str) -> Result<Element> {
        let found = self.run(FIND, vec![selector.into()]).await?;
        let id = found.as_object().and_then(|element| element.values().next()).and_then(Value::as_str);
        let id = id.with_context(|| format!("there is no {selector}"))?;
        Ok(Element::from_element_id(self.client().clone(), id.to_owned().into()))
    }

    /// Calls a method of the DevTools protocol.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn devtools(&self, method: &'static str, parameters: Value) -> Result<Value> {
        ensure!(self.engine == Engine::Chromium, "{:?} has no DevTools protocol", self.engine);
        let command = Post { path: "goog/cdp/execute", body: json!({ "cmd": method, "params": parameters }) };
        self.client().issue_cmd(command).await.with_context(|| format!("DevTools' {method}"))
    }

    /// What the console has shown since the last call.
    ///
    /// # Errors
    /// When the driver does not say.
    pub async fn console(&self) -> Result<Vec<String>> {
        ensure!(
            self.engine == Engine::Chromium,
            "{:?}'s driver does not tell what the console shows",
            self.engine
        );
        let command = Post { path: "se/log", body: json!({ "type": "browser" }) };
        let log = self.client().issue_cmd(command).await.context("reading the console")?;
        let entries = log.as_array().cloned().unwrap_or_default();
        Ok(entries.iter().map(|entry| format!("{} {}", entry["level"], entry["message"])).collect())
    }

    /// Writes what the window shows to a PNG file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn screenshot(&self, to: &Path) -> Result<()> {
        let png = self.client().screenshot().await.context("taking a screenshot")?;
        std::fs::write(to, png).with_context(|| format!("writing {}", to.display()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        process::signal(&self.launched.driver, Signal::KILL);
        process::kill_all_with_path(self.profile.path());
    }
}

/// A command that only Chromium's driver has.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
