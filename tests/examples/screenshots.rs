//! Takes pictures of the elements in every state and in every look: light, dark, narrow, and right to left.
//!
//! `cargo run -p partway-tests --example screenshots` writes them to `screenshots` in the target folder, and those of the README and the
//! book to `web/screenshots`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use partway_tests::proxy::{Fault, Gate, Line, Request, Rule};
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

/// Which of the pictures stand in the README and in the book, and under which names.
const SHOWN: [(&str, &str); 6] = [
    ("uploading-light", "uploading"),
    ("done-light", "done"),
    ("resumable-light", "resumable"),
    ("uploading-dark", "dark"),
    ("saving-light", "files"),
    ("saving-dark", "files-dark"),
];

/// A destination where everything may be done, with files under the names that they have.
const OPEN: [(&str, &str); 3] = [
    ("PARTWAY_DESTINATIONS__DEFAULT__KEY", "{path}"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__ALLOW", "get,list,delete"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__SCOPE", ""),
];

/// In the place of the picker, which is for people: a file of the origin's own.
const PICKER: &str = "window.showSaveFilePicker = async ({ suggestedName }) => {
    const root = await navigator.storage.getDirectory();
    return root.getFileHandle(suggestedName, { create: true });
  };";

/// How many bytes would be there after a reload.
const KEPT: &str = "const answer = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
    if (!(await indexedDB.databases()).some(({ name }) => name === 'partway-downloads')) return 0;
    const journal = await answer(indexedDB.open('partway-downloads'));
    const records = await answer(journal.transaction('downloads').objectStore('downloads').getAll());
    journal.close();
    return records.flatMap(({ partial }) => partial.ranges).reduce((sum, { start, end }) => sum + end - start, 0);";

/// Stores pictures of hills.
const HILLS: &str = "const { Uploader } = await import('/widget/index.js');
    const uploader = new Uploader({ endpoint: '/' });
    for (const [name, hue] of args) {
      const canvas = new OffscreenCanvas(320, 320);
      const context = canvas.getContext('2d');
      const sky = context.createLinearGradient(0, 0, 0, 320);
      sky.addColorStop(0, `hsl(${hue} 70% 62%)`);
      sky.addColorStop(1, `hsl(${hue + 50} 80% 86%)`);
      context.fillStyle = sky;
      context.fillRect(0, 0, 320, 320);
      context.fillStyle = '#fff8e0';
      context.beginPath();
      context.arc(60 + (hue % 200), 90, 30, 0, 7);
      context.fill();
      for (let hill = 0; hill < 3; hill += 1) {
        context.fillStyle = `hsl(${hue + 140} 30% ${52 - hill * 14}%)`;
        context.beginPath();
        context.moveTo(0, 320);
        for (let x = 0; x <= 320; x += 4) context.lineTo(x, 170 + hill * 45 + 40 * Math.sin(x / (46 + hill * 17) + hue + hill * 2));
        context.lineTo(320, 320);
        context.fill();
      }
      const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
      await uploader.upload(new File([blob], name, { type: 'image/jpeg' }), { path: name });
    }
    uploader.close();";

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
            camera.set_up(800).await?;
            camera.take_uploader().await
        })
        .await?;
        Stack::run_with(&OPEN, async |stack| {
            let camera = Camera { stack, look, folder: folder.clone() };
            camera.set_up(980).await?;
            camera.take_files().await
        })
        .await?;
    }
    let shown = root.join("web/screenshots");
    for (from, to) in SHOWN {
        std::fs::copy(folder.join(format!("{from}.png")), shown.join(format!("{to}.png")))
            .context("copying a picture")?;
    }
    Ok(())
}

impl Camera<'_> {
    async fn set_up(&self, height: u32) -> Result<()> {
        let Look { scheme, width, .. } = self.look;
        let browser = self.stack.page.browser();
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": false });
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

    async fn take_uploader(&self) -> Result<()> {
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

    /// The list of what is stored, alone on its page.
    async fn take_files(&self) -> Result<()> {
        let browser = self.stack.page.browser();
        let source = json!({ "source": PICKER });
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await?;
        let hills = json!([["Harbour at dawn.jpg", 18], ["North ridge.jpg", 205], ["Old town.jpg", 262]]);
        let hills = hills.as_array().cloned().unwrap_or_default();
        browser.run_async(HILLS, hills).await?;
        for (key, size) in [
            ("Drone footage/1.mov", MIB),
            ("Interviews/1.wav", MIB),
            ("Backup.tar.zst", 96 * MIB),
            ("Mountain film.mov", 210 * MIB),
            ("Survey 2026.csv", 3 * MIB),
        ] {
            let name = key.rsplit('/').next().unwrap_or(key);
            let file = self.stack.file(name, size)?;
            self.stack.objects.put(key, std::fs::read(&file.path)?).await?;
        }
        self.visit_files().await?;
        self.take("files").await?;
        self.in_files("files.shadowRoot.querySelector('[data-key=\"North ridge.jpg\"] .check').click()")
            .await?;
        self.take("selected").await?;

        self.save("Survey 2026.csv").await?;
        self.see_save("Survey 2026.csv", "completed", 0).await?;
        // Some of its ranges come, and the others wait for ever.
        let is_get = |request: &Request| request.parameter("X-Amz-Signature").is_some();
        self.stack.proxy.add(Rule::new(is_get, Fault::Hold(Gate::default())).skip(3).always());
        self.save("Backup.tar.zst").await?;
        wait_for("a part of it to be kept", PATIENTLY, async || {
            Ok((browser.run_async(KEPT, vec![]).await?.as_u64() >= Some(40 * MIB)).then_some(()))
        })
        .await?;
        self.stack.proxy.clear();
        self.visit_files().await?;
        self.see_save("Backup.tar.zst", "interrupted", 0).await?;
        self.take("interrupted").await?;
        self.save("Survey 2026.csv").await?;
        self.see_save("Survey 2026.csv", "completed", 0).await?;
        self.slow_down();
        self.save("Mountain film.mov").await?;
        self.see_save("Mountain film.mov", "downloading", 40).await?;
        self.take("saving").await?;
        self.press_save("Mountain film.mov", "pause").await?;
        self.see_save("Mountain film.mov", "paused", 0).await?;
        self.take("save-paused").await?;
        self.press_save("Mountain film.mov", "cancel").await?;
        self.stack.objects.delete("Old town.jpg").await?;
        self.save("Old town.jpg").await?;
        self.see_save("Old town.jpg", "failed", 0).await?;
        self.take("save-failed").await
    }

    async fn visit_files(&self) -> Result<()> {
        self.stack.page.visit(&self.stack.control.url()).await?;
        let script = "const { documentElement } = document;
             documentElement.lang = arguments[0];
             documentElement.dir = arguments[0] === 'ar' ? 'rtl' : 'ltr';
             document.querySelector('partway-uploader').hidden = true;
             document.querySelector('.lead').hidden = true;";
        self.stack.page.browser().run(script, vec![json!(self.look.language)]).await?;
        let anew = "const other = document.createElement('partway-files');
             other.endpoint = '.';
             files.replaceWith(other);";
        self.in_files(anew).await?;
        wait_for("the pictures", PATIENTLY, async || {
            let count =
                self.in_files("return files.shadowRoot.querySelectorAll('.thumbnail canvas').length").await?;
            Ok((count == json!(3)).then_some(()))
        })
        .await
    }

    /// Runs a script in which `files` is the list, once it is there.
    async fn in_files(&self, script: &str) -> Result<Value> {
        let script = format!("const files = document.querySelector('partway-files'); {script}");
        wait_for("the list", PATIENTLY, async || {
            let is_there =
                "return !!document.querySelector('partway-files')?.shadowRoot.querySelector('.files')";
            Ok((self.stack.page.browser().run(is_there, vec![]).await? == json!(true)).then_some(()))
        })
        .await?;
        self.stack.page.browser().run(&script, vec![]).await
    }

    async fn save(&self, key: &str) -> Result<()> {
        let script =
            format!("files.shadowRoot.querySelector('[data-key=\"{key}\"] [data-action=save]').click()");
        self.in_files(&script).await.map(drop)
    }

    async fn press_save(&self, key: &str, action: &str) -> Result<()> {
        let script =
            format!("files.shadowRoot.querySelector('[data-save=\"{key}\"] [data-action={action}]').click()");
        self.in_files(&script).await.map(drop)
    }

    /// Waits until so many hundredths of a file are saved.
    async fn see_save(&self, key: &str, state: &str, share: u64) -> Result<()> {
        let script = format!(
            "const row = files.shadowRoot.querySelector('[data-save=\"{key}\"]');
             const bar = row?.querySelector('[role=progressbar]');
             return row?.dataset.state === '{state}' && Number(bar.getAttribute('aria-valuenow')) >= {share};"
        );
        wait_for(format!("{key} to be {state}"), PATIENTLY, async || {
            Ok((self.in_files(&script).await? == json!(true)).then_some(()))
        })
        .await
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
