//! "Save as…" in the list of stored files: into a file that the user chooses, verified, paused, cut, reloaded and gone on with.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use partway_tests::files::RandomFile;
use partway_tests::proxy::{Fault, Gate, Line, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

use super::access::Auditor;
use super::download::{CHOSEN, hex, is_get, stored};
use super::files::{OPEN, click, click_in_row, focus_rows, look, press, refresh, see_rows};
use super::{MIB, PATIENTLY, SOON, Test};

/// In the place of the picker, which is for people: a file of the origin's own, which workers take for one that a user has chosen. What it
/// was asked, and whether that was within a click or a key, is kept.
const PICKER: &str = "window.picked = [];
    window.showSaveFilePicker = async ({ suggestedName }) => {
      picked.push([suggestedName, navigator.userActivation.isActive]);
      const root = await navigator.storage.getDirectory();
      return root.getFileHandle(`chosen ${suggestedName}`, { create: true });
    };
    window.told = [];
    for (const type of ['save', 'saved', 'error', 'download']) {
      addEventListener(type, ({ detail, target }) => {
        if (target?.localName !== 'partway-files') return;
        told.push([type, detail.error?.code ?? detail.result?.verified ?? detail.object?.key ?? detail.objects?.length]);
      }, true);
    }\n";

/// The panel, as somebody sees it.
const PANEL: &str = "const root = document.querySelector('partway-files')?.shadowRoot;
    const panel = root?.querySelector('[part~=saves]:not([hidden])');
    const active = root?.activeElement;
    return {
      rows: [...(panel?.querySelectorAll('[data-save]') ?? [])].map((row) => ({
        key: row.dataset.save,
        state: row.dataset.state,
        name: row.querySelector('[part~=name]').title,
        word: row.querySelector('[part~=status]').textContent,
        share: Number(row.querySelector('[role=progressbar]').getAttribute('aria-valuenow')),
        error: row.querySelector('[part~=error-text]')?.textContent ?? '',
        buttons: [...row.querySelectorAll('button')].map(({ dataset }) => dataset.action),
      })),
      focus: panel?.contains(active) ? `${active.dataset.action ?? active.dataset.command} ${active.closest('[data-save]')?.dataset.save}` : null,
      live: root?.querySelector('[role=status]')?.textContent ?? '',
    };";

/// Has every page from now on find the picker's stand-in, and opens the list anew.
async fn prepare(stack: &Stack, script: &str) -> Test {
    let source = json!({ "source": script });
    stack.page.browser().devtools("Page.addScriptToEvaluateOnNewDocument", source).await?;
    stack.page.visit(&stack.control.url()).await
}

async fn with_picker(stack: &Stack) -> Test {
    prepare(stack, &format!("{PICKER}{CHOSEN}")).await
}

/// Stores a file as an object, and shows it.
async fn listed(stack: &Stack, name: &str, size: u64) -> Result<RandomFile> {
    let file = stored(stack, name, size).await?;
    wait_for(format!("{name} in the list"), SOON, async || {
        refresh(stack).await?;
        let rows = look(stack).await?["rows"].clone();
        Ok(rows.as_array().is_some_and(|rows| rows.contains(&json!(name))).then_some(()))
    })
    .await?;
    Ok(file)
}

async fn panel(stack: &Stack) -> Result<Value> {
    stack.page.browser().run(PANEL, vec![]).await
}

/// Waits until somebody sees this in the panel.
async fn see(stack: &Stack, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut last = Value::Null;
    let seen = wait_for(what, PATIENTLY, async || {
        last = panel(stack).await?;
        Ok(is_so(&last).then(|| last.clone()))
    })
    .await;
    seen.with_context(|| format!("{last:#}"))
}

/// Waits until the only row is in a state.
async fn see_state(stack: &Stack, state: &str) -> Result<Value> {
    let seen = see(stack, state, |seen| {
        seen["rows"].as_array().is_some_and(|rows| rows.len() == 1) && seen["rows"][0]["state"] == state
    });
    Ok(seen.await?["rows"][0].clone())
}

async fn see_nothing(stack: &Stack) -> Test {
    see(stack, "an empty panel", |seen| seen["rows"] == json!([])).await.map(drop)
}

async fn click_in_panel(stack: &Stack, action: &str) -> Test {
    click(stack, &format!("[data-save] [data-action={action}]")).await
}

/// What was saved is the object, byte for byte.
async fn ensure_saved(stack: &Stack, file: &RandomFile) -> Test {
    let body = "const root = await navigator.storage.getDirectory();
         const saved = await (await root.getFileHandle(`chosen ${args[0]}`)).getFile();
         const digest = await crypto.subtle.digest('SHA-256', await saved.arrayBuffer());
         return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');";
    let sha256 = stack.page.browser().run_async(body, vec![json!(file.name())]).await?;
    ensure!(sha256 == hex(&file.sha256), "{} became something else: {sha256}", file.name());
    Ok(())
}

/// What is left for later: how many bytes the journal knows of, and the names of staged files.
async fn left(stack: &Stack) -> Result<(u64, Vec<String>)> {
    let body = "const answer = (request) => new Promise((resolve, reject) => {
           request.onsuccess = () => resolve(request.result);
           request.onerror = () => reject(request.error);
         });
         const staged = [];
         let bytes = 0;
         const root = await navigator.storage.getDirectory();
         const stage = await root.getDirectoryHandle('partway-downloads').catch(() => null);
         if (stage) for await (const name of stage.keys()) staged.push(name);
         if ((await indexedDB.databases()).some(({ name }) => name === 'partway-downloads')) {
           const journal = await answer(indexedDB.open('partway-downloads'));
           const records = await answer(journal.transaction('downloads').objectStore('downloads').getAll());
           journal.close();
           for (const { partial } of records) for (const { start, end } of partial.ranges) bytes += end - start;
         }
         return [bytes, staged];";
    Ok(serde_json::from_value(stack.page.browser().run_async(body, vec![]).await?)?)
}

async fn told(stack: &Stack) -> Result<Value> {
    stack.page.browser().run("return told", vec![]).await
}

/// Whether the browser would ask before it leaves the page.
async fn asks_before_leaving(stack: &Stack) -> Result<bool> {
    let script = "const event = new Event('beforeunload', { cancelable: true });
         dispatchEvent(event);
         return event.defaultPrevented;";
    Ok(stack.page.browser().run(script, vec![]).await? == json!(true))
}

/// Begins to save a file. Some of its ranges come and are kept, the others wait at the gate.
async fn save_some(stack: &Stack, file: &RandomFile) -> Result<Gate> {
    let gate = Gate::default();
    stack.proxy.clear();
    stack.proxy.add(Rule::new(is_get, Fault::Hold(gate.clone())).skip(3).always());
    let (before, _) = left(stack).await?;
    click_in_row(stack, file.name(), "save").await?;
    let kept = async || Ok((left(stack).await?.0 >= before + 16 * MIB).then_some(()));
    wait_for("the journal", PATIENTLY, kept).await?;
    Ok(gate)
}

/// What the page has loaded beyond the list.
async fn loaded(stack: &Stack, name: &str) -> Result<bool> {
    let script = "return performance.getEntriesByType('resource').some(({ name }) => name.includes(`/${arguments[0]}`));";
    Ok(stack.page.browser().run(script, vec![json!(name)]).await? == json!(true))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_saved_whole_and_verified() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        let file = listed(stack, "Übersicht 1.bin", 70 * MIB).await?;
        ensure!(!loaded(stack, "saves-").await?, "it is loaded before anybody saves");
        click_in_row(stack, file.name(), "save").await?;
        let row = see_state(stack, "completed").await?;
        ensure!(row["word"] == "Saved and verified" && row["buttons"] == json!(["remove"]), "{row}");
        ensure!(row["name"] == "chosen Übersicht 1.bin", "it is called what the user calls it: {row}");
        ensure_saved(stack, &file).await?;
        see(stack, "the word", |seen| {
            seen["live"].as_str().is_some_and(|live| live.ends_with("Saved and verified"))
        })
        .await?;
        ensure!(told(stack).await? == json!([["save", file.name()], ["saved", "crc64_nvme"]]));
        ensure!(left(stack).await? == (0, vec![]), "something is left of it");
        ensure!(loaded(stack, "saves-").await? && !asks_before_leaving(stack).await?);
        click_in_panel(stack, "remove").await?;
        see_nothing(stack).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_goes_on_and_so_it_does_under_another_language_or_token() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        let file = listed(stack, "cut.bin", 80 * MIB).await?;
        stack.proxy.set_line(Some(Line::new(Duration::from_millis(10)).bytes_per_second(24 * MIB)));
        let cuts = stack.proxy.add(Rule::new(is_get, Fault::Truncate { after: 3_000_000 }).times(5));
        click_in_row(stack, file.name(), "save").await?;
        see(stack, "some of it", |seen| seen["rows"][0]["share"].as_u64() > Some(5)).await?;
        ensure!(asks_before_leaving(stack).await?, "nobody would be asked");
        let change = "const files = document.querySelector('partway-files');
             files.lang = 'de';
             files.token = 'another';";
        stack.page.browser().run(change, vec![]).await?;
        let seen =
            see(stack, "it in German", |seen| seen["rows"][0]["word"] == "Wird heruntergeladen").await?;
        ensure!(seen["rows"][0]["share"].as_u64() > Some(5), "it has begun anew: {seen:#}");
        stack.proxy.set_line(None);
        let row = see_state(stack, "completed").await?;
        ensure!(row["word"] == "Gespeichert und geprüft", "{row}");
        ensure!(cuts.hits() == 5, "{} of 5 cuts", cuts.hits());
        ensure_saved(stack, &file).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reload_has_interrupted_is_offered_and_goes_on() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        let file = listed(stack, "interrupted.bin", 96 * MIB).await?;
        save_some(stack, &file).await?;
        let visit = async || stack.page.visit(&stack.control.url()).await;
        visit().await?;
        let row = see_state(stack, "interrupted").await?;
        ensure!(row["buttons"] == json!(["resume", "discard"]), "{row}");
        ensure!(row["name"] == "chosen interrupted.bin", "{row}");
        let kept = row["share"].as_u64().unwrap_or_default();
        ensure!((16..90).contains(&kept) && row["word"] == format!("{kept}% is there"), "{row}");
        see(stack, "a word about it", |seen| {
            seen["live"].as_str().is_some_and(|live| live.starts_with("1 file was interrupted"))
        })
        .await?;
        // Of several, what the list could show is offered, and nothing else.
        let other = listed(stack, "other.bin", 80 * MIB).await?;
        let gate = save_some(stack, &other).await?;
        visit().await?;
        let keys = |seen: &Value| {
            let rows = seen["rows"].as_array().into_iter().flatten();
            let mut keys: Vec<_> = rows.filter_map(|row| Some(row["key"].as_str()?.to_owned())).collect();
            keys.sort_unstable();
            keys
        };
        let both = async || see(stack, "both", |seen| keys(seen) == ["interrupted.bin", "other.bin"]).await;
        let its_own = async || see(stack, "its own", |seen| keys(seen) == ["interrupted.bin"]).await;
        both().await?;
        let show = "document.querySelector('partway-files').prefix = arguments[0]";
        stack.page.browser().run(show, vec![json!("inter")]).await?;
        its_own().await?;
        stack.page.browser().run(show, vec![json!("")]).await?;
        both().await?;
        click(stack, "[data-save='other.bin'] [data-action=discard]").await?;
        its_own().await?;

        click_in_panel(stack, "resume").await?;
        let row = see_state(stack, "downloading").await?;
        ensure!(row["share"].as_u64() >= Some(kept), "it has begun anew: {row}");
        stack.proxy.clear();
        gate.open();
        let row = see_state(stack, "completed").await?;
        ensure!(row["word"] == "Saved and verified", "{row}");
        ensure_saved(stack, &file).await?;
        ensure!(left(stack).await? == (0, vec![]), "something is left of it");

        // With nothing left, nothing of it is loaded.
        visit().await?;
        see_rows(stack, &["interrupted.bin", "other.bin"]).await?;
        wait_for("the look into the journal", SOON, async || {
            Ok(loaded(stack, "interrupted-").await?.then_some(()))
        })
        .await?;
        // Asked later than the page has, this is answered later.
        ensure!(left(stack).await? == (0, vec![]), "something is left of it");
        ensure!(!loaded(stack, "saves-").await?, "it is loaded although nothing is left");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_discarding_leave_nothing() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        let file = listed(stack, "unwanted.bin", 96 * MIB).await?;
        for action in ["cancel", "discard"] {
            save_some(stack, &file).await?;
            if action == "discard" {
                stack.page.visit(&stack.control.url()).await?;
                see_state(stack, "interrupted").await?;
            }
            // By its button's own focus, which goes to the rows.
            let focus =
                "document.querySelector('partway-files').shadowRoot.querySelector(arguments[0]).focus()";
            stack
                .page
                .browser()
                .run(focus, vec![json!(format!("[data-save] [data-action={action}]"))])
                .await?;
            press(stack, &["Enter"]).await?;
            see_nothing(stack).await?;
            ensure!(look(stack).await?["focus"] == file.name(), "{action} has lost the focus");
            wait_for("nothing to be left", SOON, async || {
                Ok((left(stack).await? == (0, vec![])).then_some(()))
            })
            .await?;
        }
        ensure!(!asks_before_leaving(stack).await?);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_can_be_done_by_keyboard() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        stored(stack, "b.bin", 40 * MIB).await?;
        let file = listed(stack, "a.bin", 40 * MIB).await?;
        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_get, Fault::Hold(gate.clone())).always());
        focus_rows(stack).await?;
        press(stack, &["End", "Control+s"]).await?;
        see(stack, "the second", |seen| seen["rows"].as_array().is_some_and(|rows| rows.len() == 1)).await?;
        press(stack, &["Home", "Control+s"]).await?;
        see(stack, "both, the latest first", |seen| {
            seen["rows"][0]["key"] == "a.bin" && seen["rows"][1]["key"] == "b.bin"
        })
        .await?;
        let picked = stack.page.browser().run("return picked", vec![]).await?;
        ensure!(picked == json!([["b.bin", true], ["a.bin", true]]), "within the key: {picked}");
        ensure!(look(stack).await?["focus"] == "a.bin", "the focus stays in the list");

        let focus_is = async |focus: &str| see(stack, focus, |seen| seen["focus"] == focus).await.map(drop);
        press(stack, &["Tab"]).await?;
        focus_is("pause a.bin").await?;
        press(stack, &["Enter"]).await?;
        see(stack, "the pause", |seen| seen["rows"][0]["state"] == "paused").await?;
        focus_is("resume a.bin").await?;
        press(stack, &["ArrowDown"]).await?;
        focus_is("pause b.bin").await?;
        press(stack, &["Tab", "Enter"]).await?;
        see(stack, "the other to be gone", |seen| {
            seen["rows"].as_array().is_some_and(|rows| rows.len() == 1)
        })
        .await?;
        focus_is("resume a.bin").await?;
        gate.open();
        press(stack, &["Enter"]).await?;
        see_state(stack, "completed").await?;
        focus_is("remove a.bin").await?;
        ensure_saved(stack, &file).await?;
        press(stack, &["Enter"]).await?;
        see_nothing(stack).await?;
        ensure!(look(stack).await?["focus"] == "a.bin", "the focus goes back to the list");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_says_why_and_can_be_tried_again() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        let file = listed(stack, "fickle.bin", 8 * MIB).await?;
        stack.objects.delete(file.name()).await?;
        click_in_row(stack, file.name(), "save").await?;
        let row = see_state(stack, "failed").await?;
        ensure!(
            row["error"] == "It no longer exists." && row["buttons"] == json!(["retry", "discard"]),
            "{row}"
        );
        see(stack, "the word", |seen| {
            seen["live"] == "“chosen fickle.bin” was not saved. It no longer exists."
        })
        .await?;
        stored(stack, file.name(), 8 * MIB).await?;
        click_in_panel(stack, "retry").await?;
        see_state(stack, "completed").await?;
        ensure_saved(stack, &file).await?;
        let expected = json!([["save", file.name()], ["error", "object_not_found"], ["saved", "crc64_nvme"]]);
        ensure!(told(stack).await? == expected, "{}", told(stack).await?);
        click(stack, "[data-command=clearSaves]").await?;
        see_nothing(stack).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_may_save_by_itself_and_nobody_has_to_choose() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        let file = listed(stack, "kept.bin", MIB).await?;
        let browser = stack.page.browser();
        let object = "addEventListener('save', (event) => event.preventDefault(), { once: true });";
        browser.run(object, vec![]).await?;
        click_in_row(stack, file.name(), "save").await?;
        ensure!(told(stack).await? == json!([["save", file.name()]]));
        ensure!(browser.run("return picked", vec![]).await? == json!([]), "somebody was asked all the same");
        // Somebody who chooses no file has not failed.
        let dismiss =
            "window.showSaveFilePicker = async () => { throw new DOMException('no', 'AbortError'); };";
        browser.run(dismiss, vec![]).await?;
        click_in_row(stack, file.name(), "save").await?;
        // Where a page may not ask, the browser downloads by itself.
        let deny =
            "window.showSaveFilePicker = async () => { throw new DOMException('no', 'SecurityError'); };
             addEventListener('download', (event) => event.preventDefault(), { once: true });";
        browser.run(deny, vec![]).await?;
        click_in_row(stack, file.name(), "save").await?;
        let expected =
            json!([["save", file.name()], ["save", file.name()], ["save", file.name()], ["download", 1]]);
        wait_for("a download", SOON, async || Ok((told(stack).await? == expected).then_some(()))).await?;
        see_nothing(stack).await?;
        ensure!(look(stack).await?["notices"] == "");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_offered_where_the_browser_or_the_server_does_not_allow_it() -> Test {
    let offers = async |stack: &Stack| {
        listed(stack, "a.bin", MIB).await?;
        let script = "const { shadowRoot } = document.querySelector('partway-files');
             return [...shadowRoot.querySelectorAll('[part~=row] button')].map(({ dataset }) => dataset.action);";
        stack.page.browser().run(script, vec![]).await
    };
    Stack::run_with(&OPEN, async |stack| {
        with_picker(stack).await?;
        let offered = offers(stack).await?;
        ensure!(offered == json!(["download", "save", "copyLink", "delete"]), "{offered}");
        prepare(stack, "delete window.showSaveFilePicker;").await?;
        let offered = offers(stack).await?;
        ensure!(offered == json!(["download", "copyLink", "delete"]), "{offered}");
        focus_rows(stack).await?;
        press(stack, &["Control+s"]).await?;
        see_nothing(stack).await
    })
    .await?;
    let mut list_only = OPEN;
    list_only[2].1 = "list";
    Stack::run_with(&list_only, async |stack| {
        with_picker(stack).await?;
        let offered = offers(stack).await?;
        ensure!(offered == json!([]), "{offered}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_the_panel() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let auditor = Auditor::new()?;
        with_picker(stack).await?;
        let file = listed(stack, "a film of the mountains with a long name.mov", 96 * MIB).await?;
        let gate = save_some(stack, &file).await?;
        auditor.approve(stack, "downloading").await?;
        click_in_panel(stack, "pause").await?;
        see_state(stack, "paused").await?;
        auditor.approve(stack, "paused").await?;
        stack.page.visit(&stack.control.url()).await?;
        see_state(stack, "interrupted").await?;
        auditor.approve(stack, "interrupted").await?;
        stack.proxy.clear();
        gate.open();
        click_in_panel(stack, "resume").await?;
        see_state(stack, "completed").await?;
        auditor.approve(stack, "completed").await?;
        click_in_panel(stack, "remove").await?;
        see_nothing(stack).await?;
        stack.objects.delete(file.name()).await?;
        click_in_row(stack, file.name(), "save").await?;
        see_state(stack, "failed").await?;
        auditor.approve(stack, "failed").await
    })
    .await
}
