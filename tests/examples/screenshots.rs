//! Takes pictures of the element in every state and in every look: light, dark, narrow, and right to left.
//!
//! `cargo run -p partway-tests --example screenshots` writes them to `screenshots` in the target folder, and the README's
//! to `web/screenshots`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use partway_tests::proxy::Line;
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

const MIB: u64 = 1024 * 1024;
const PATIENTLY: Duration = Duration::from_secs(120);

/// How the page is looked at.
struct Look {
    name: &'static str,
    scheme: &'static str,
    width: u32,
    language: &'static str,
}

const LOOKS: [Look; 4] = [
    Look { name: "light", scheme: "light", width: 860, language: "en" },
    Look { name: "dark", scheme: "dark", width: 860, language: "en" },
    Look { name: "narrow", scheme: "light", width: 280, language: "en" },
    Look { name: "rtl", scheme: "light", width: 860, language: "ar" },
];

/// Which of the pictures stand in the README.
const README: [&str; 4] = ["uploading-light", "done-light", "resumable-light", "uploading-dark"];

struct Camera<'a> {
    stack: &'a Stack,
    look: &'a Look,
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Beside the build, wherever that is.
    let folder = std::env::current_exe()?
        .parent()
        .and_then(Path::parent)
        .context("no target folder")?
        .join("screenshots");
    std::fs::create_dir_all(&folder).context("making the folder for the pictures")?;
    for look in &LOOKS {
        Stack::run(async |stack| {
            let camera = Camera { stack, look, folder: folder.clone() };
            camera.set_up().await?;
            camera.take_all().await
        })
        .await?;
    }
    let readme = root.join("web/screenshots");
    for name in README {
        let (state, _) = name.split_once('-').unwrap_or((name, ""));
        let to = if name == "uploading-dark" { "dark" } else { state };
        std::fs::copy(folder.join(format!("{name}.png")), readme.join(format!("{to}.png")))
            .context("copying a picture")?;
    }
    Ok(())
}

impl Camera<'_> {
    async fn set_up(&self) -> Result<()> {
        let Look { scheme, width, .. } = self.look;
        let browser = self.stack.page.browser();
        let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1.5, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// Opens the page anew, in the look's language.
    async fn visit(&self, attributes: Value) -> Result<()> {
        self.stack.page.visit(&self.stack.control.url()).await?;
        let script = "const { documentElement } = document;
             documentElement.lang = arguments[0];
             documentElement.dir = arguments[0] === 'ar' ? 'rtl' : 'ltr';
             const element = document.createElement('partway-uploader');
             for (const [name, value] of Object.entries(arguments[1])) element.setAttribute(name, value);
             document.querySelector('partway-uploader').replaceWith(element);";
        let browser = self.stack.page.browser();
        browser.run(script, vec![json!(self.look.language), attributes]).await?;
        wait_for("the element", PATIENTLY, async || {
            let is_there = "return !!document.querySelector('partway-uploader').shadowRoot.querySelector('[part~=root]')";
            Ok((browser.run(is_there, vec![]).await? == json!(true)).then_some(()))
        })
        .await
    }

    async fn take(&self, state: &str) -> Result<()> {
        // What moves has come to rest by then.
        let settle = "await new Promise((resolve) => setTimeout(resolve, 300));";
        let browser = self.stack.page.browser();
        browser.run_async(settle, vec![]).await?;
        browser.screenshot(&self.folder.join(format!("{state}-{}.png", self.look.name))).await
    }

    async fn take_all(&self) -> Result<()> {
        let page = &self.stack.page;
        let rules = json!({ "endpoint": ".", "folders": "", "capture": "", "accept": "image/*,video/*,.pdf,.zip", "max-size": "2 GB" });
        self.visit(rules).await?;
        self.take("empty").await?;
        self.drag().await?;

        self.visit(json!({ "endpoint": "." })).await?;
        let first = self.stack.file("Slides.pdf", 7 * MIB)?;
        page.choose(&[&first]).await?;
        self.reach("the first to arrive", |statuses| {
            statuses.iter().any(|status| status["state"] == "completed")
        })
        .await?;
        self.slow_down();
        let large =
            [self.stack.file("Mountain film.mov", 210 * MIB)?, self.stack.file("Backup.tar.zst", 96 * MIB)?];
        page.choose(&large.each_ref()).await?;
        self.reach("a third of it", |statuses| {
            let sum =
                |name: &str| statuses.iter().skip(1).filter_map(|status| status[name].as_u64()).sum::<u64>();
            statuses.len() == 3 && sum("uploaded") * 3 > sum("size")
        })
        .await?;
        self.take("uploading").await?;
        page.press(2, "pause").await?;
        self.reach("the pause", |statuses| statuses.iter().any(|status| status["state"] == "paused")).await?;
        self.take("paused").await?;
        page.press(2, "resume").await?;
        self.stack.proxy.set_line(None);
        self.reach("the end", |statuses| statuses.iter().all(|status| status["state"] == "completed"))
            .await?;
        self.take("done").await?;

        self.visit(json!({ "endpoint": ".", "destination": "nowhere", "max-size": "50 MB" })).await?;
        page.choose(&[&first, &large[0]]).await?;
        self.reach("a failure", |statuses| statuses.iter().any(|status| status["state"] == "failed")).await?;
        self.take("failed").await?;

        self.visit(json!({ "endpoint": "." })).await?;
        self.slow_down();
        let late =
            [self.stack.file("Holiday.mov", 120 * MIB)?, self.stack.file("Thesis data.zip", 80 * MIB)?];
        page.choose(&late.each_ref()).await?;
        self.reach("some of it", |statuses| {
            statuses.len() == 2 && statuses.iter().all(|status| status["partsStored"].as_u64() >= Some(2))
        })
        .await?;
        self.visit(json!({ "endpoint": "." })).await?;
        page.wait_for_resumable("Holiday.mov").await?;
        self.take("resumable").await
    }

    /// Holds a file over the element.
    async fn drag(&self) -> Result<()> {
        let file = self.stack.file("dragged.zip", 1)?;
        self.stack.page.browser().hold_over("[part~=dropzone]", &[&file.path]).await?;
        self.take("dragging").await
    }

    fn slow_down(&self) {
        self.stack.proxy.set_line(Some(Line::new(Duration::from_millis(20)).bytes_per_second(12 * MIB)));
    }

    /// Waits for the uploads' statuses to be as they should be.
    async fn reach(&self, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Result<()> {
        wait_for(what, PATIENTLY, async || {
            let read =
                "return document.querySelector('partway-uploader').uploads.map(({ status }) => status)";
            let statuses = self.stack.page.browser().run(read, vec![]).await?;
            Ok(statuses.as_array().filter(|statuses| is_so(statuses)).map(drop))
        })
        .await
    }
}
