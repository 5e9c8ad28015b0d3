//! The element that shows what is stored: found, opened, read, shared and deleted, by mouse and by keyboard.

use anyhow::{Context, Result, ensure};
use partway_tests::proxy::{Fault, Request, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

use super::access::Auditor;
use super::languages::LANGUAGES;
use super::{MIB, SOON, Test, ensure_arrived};

/// A destination where everything may be done, with files under the names that they have.
pub(super) const OPEN: [(&str, &str); 4] = [
    ("PARTWAY_DESTINATIONS__DEFAULT__KEY", "{path}"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OVERWRITE", "true"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__ALLOW", "get,list,delete"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__SCOPE", ""),
];

/// What somebody sees of the element.
const LOOK: &str = "const root = document.querySelector('partway-files')?.shadowRoot;
    const all = (part) => [...(root?.querySelectorAll(`[part~=${part}]`) ?? [])];
    const text = (part) => all(part).find((node) => !node.closest('[hidden]'))?.textContent ?? '';
    const active = root?.activeElement;
    return {
      rows: all('row').sort((one, other) => one.ariaRowIndex - other.ariaRowIndex).map(({ dataset }) => dataset.key),
      selected: all('row').filter((row) => row.ariaSelected === 'true').map(({ dataset }) => dataset.key),
      state: all('state')[0]?.dataset.state ?? 'none',
      stage: text('state'),
      counts: text('counts'),
      undo: text('undo-text'),
      toast: text('toast-text'),
      notices: text('notices'),
      path: all('step').map((step) => step.textContent),
      live: root?.querySelector('[role=status]')?.textContent ?? '',
      focus: active?.dataset.key ?? active?.dataset.command ?? active?.getAttribute('part') ?? null,
      pictures: root?.querySelectorAll('[part~=thumbnail] > :is(img, canvas)').length ?? 0,
    };";

pub(super) async fn look(stack: &Stack) -> Result<Value> {
    stack.page.browser().run(LOOK, vec![]).await
}

/// Waits until somebody sees this.
pub(super) async fn see(stack: &Stack, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut last = Value::Null;
    let seen = wait_for(what, SOON, async || {
        last = look(stack).await?;
        Ok(is_so(&last).then(|| last.clone()))
    })
    .await;
    seen.with_context(|| format!("{last:#}"))
}

pub(super) async fn see_rows(stack: &Stack, rows: &[&str]) -> Result<Value> {
    see(stack, "the rows", |seen| seen["rows"] == json!(rows)).await
}

/// Clicks something in the element.
pub(super) async fn click(stack: &Stack, selector: &str) -> Test {
    let script = "document.querySelector('partway-files').shadowRoot.querySelector(arguments[0]).click()";
    stack.page.browser().run(script, vec![json!(selector)]).await.map(drop)
}

pub(super) async fn click_in_row(stack: &Stack, key: &str, action: &str) -> Test {
    click(stack, &format!("[data-key='{key}'] [data-action={action}]")).await
}

pub(super) async fn press(stack: &Stack, keys: &[&str]) -> Test {
    for key in keys {
        stack.page.browser().press(key).await?;
    }
    Ok(())
}

pub(super) async fn focus_rows(stack: &Stack) -> Test {
    stack.page.browser().run("document.querySelector('partway-files').focus()", vec![]).await.map(drop)
}

/// Puts objects, and shows them.
async fn with(stack: &Stack, keys: &[&str]) -> Test {
    see(stack, "an empty list", |seen| seen["state"] == "empty").await?;
    for key in keys {
        stack.objects.put(key, key.as_bytes()).await?;
    }
    refresh(stack).await
}

pub(super) async fn refresh(stack: &Stack) -> Test {
    stack
        .page
        .browser()
        .run_async("await document.querySelector('partway-files').refresh()", vec![])
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_is_listed_below_and_can_be_had_again() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        see(stack, "an empty list", |seen| seen["stage"] == "There are no files yet").await?;
        let file = stack.file("told.bin", MIB)?;
        stack.page.choose(&[&file]).await?;
        let row = stack.page.wait_for_end(1, SOON).await?.remove(0);
        ensure_arrived(stack, &row, &file).await?;
        see_rows(stack, &["told.bin"]).await?;
        // The uploader's own row offers the same, once it has asked whether that is allowed.
        wait_for("the actions of a finished upload", SOON, async || {
            let script = "const { shadowRoot } = document.querySelector('partway-uploader');
                 return ['download', 'copyLink'].every((action) => shadowRoot.querySelector(`[data-action=${action}]`));";
            Ok((stack.page.browser().run(script, vec![]).await? == json!(true)).then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_is_there_where_nobody_may_list() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("told.bin", MIB)?;
        stack.page.choose(&[&file]).await?;
        stack.page.wait_for_end(1, SOON).await?;
        let script = "return [!!document.querySelector('partway-files'),
             performance.getEntriesByType('resource').some(({ name }) => /\\/files\\.js/.test(name)),
             !!document.querySelector('partway-uploader').shadowRoot.querySelector('[data-action=download]')]";
        let seen = stack.page.browser().run(script, vec![]).await?;
        ensure!(seen == json!([false, false, false]), "{seen}");
        // An element that a page puts there all the same says why it shows nothing.
        let put = "await import('/widget/files.js');
             const files = document.createElement('partway-files');
             files.endpoint = '.';
             document.body.append(files);";
        stack.page.browser().run_async(put, vec![]).await?;
        see(stack, "why not", |seen| seen["stage"] == "You may not list files here.").await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_entered_and_left() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with(stack, &["a/b/1", "a/b/2", "a/c", "top", "ü &<\"x\".txt"]).await?;
        let seen = see_rows(stack, &["a/", "top", "ü &<\"x\".txt"]).await?;
        ensure!(
            seen["counts"].as_str().is_some_and(|counts| counts.starts_with("1 folder · 2 files")),
            "{seen:#}"
        );
        // By keyboard: in, further in, and out again by either way.
        focus_rows(stack).await?;
        press(stack, &["Enter"]).await?;
        see_rows(stack, &["a/b/", "a/c"]).await?;
        press(stack, &["Enter"]).await?;
        let seen = see_rows(stack, &["a/b/1", "a/b/2"]).await?;
        ensure!(seen["path"] == json!(["Files", "a", "b"]), "{seen:#}");
        press(stack, &["Backspace"]).await?;
        let seen = see_rows(stack, &["a/b/", "a/c"]).await?;
        ensure!(seen["focus"] == "a/b/", "the focus is on the folder that was left: {seen:#}");
        press(stack, &["Alt+ArrowUp"]).await?;
        see_rows(stack, &["a/", "top", "ü &<\"x\".txt"]).await?;
        // By the path, from deep within.
        stack
            .page
            .browser()
            .run_async("await document.querySelector('partway-files').open('a/b/')", vec![])
            .await?;
        see_rows(stack, &["a/b/1", "a/b/2"]).await?;
        click(stack, "[part~=path-list] button").await?;
        see_rows(stack, &["a/", "top", "ü &<\"x\".txt"]).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_filtered_sorted_and_selected() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        see(stack, "the list", |seen| seen["state"] == "empty").await?;
        for (key, size) in [("b.txt", 10), ("a.txt", 30), ("c.bin", 20)] {
            stack.objects.put(key, vec![b'x'; size]).await?;
        }
        refresh(stack).await?;
        see_rows(stack, &["a.txt", "b.txt", "c.bin"]).await?;
        click(stack, "[part~=size] [part~=sort]").await?;
        see(stack, "the smallest or the largest first", |seen| {
            seen["rows"] == json!(["b.txt", "c.bin", "a.txt"])
                || seen["rows"] == json!(["a.txt", "c.bin", "b.txt"])
        })
        .await?;
        click(stack, "[part~=entry] [part~=sort]").await?;
        see_rows(stack, &["a.txt", "b.txt", "c.bin"]).await?;
        focus_rows(stack).await?;
        press(stack, &["/"]).await?;
        see(stack, "the filter", |seen| seen["focus"].as_str().is_some_and(|part| part.contains("filter")))
            .await?;
        press(stack, &["t", "x", "t"]).await?;
        let seen = see_rows(stack, &["a.txt", "b.txt"]).await?;
        ensure!(seen["counts"] == "2 of 3 match", "{seen:#}");
        press(stack, &["Escape"]).await?;
        see_rows(stack, &["a.txt", "b.txt", "c.bin"]).await?;
        // By keyboard, one, then a range, then all.
        focus_rows(stack).await?;
        press(stack, &["Home", " "]).await?;
        see(stack, "one", |seen| seen["selected"] == json!(["a.txt"])).await?;
        press(stack, &["Shift+ArrowDown"]).await?;
        let seen = see(stack, "two", |seen| seen["selected"] == json!(["a.txt", "b.txt"])).await?;
        ensure!(seen["counts"].as_str().is_some_and(|counts| counts.starts_with("2 selected")), "{seen:#}");
        press(stack, &["Control+a"]).await?;
        see(stack, "all", |seen| seen["selected"] == json!(["a.txt", "b.txt", "c.bin"])).await?;
        press(stack, &["Escape"]).await?;
        see(stack, "none", |seen| seen["selected"] == json!([])).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_can_be_undone_and_tells_what_failed() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with(stack, &["a", "b", "c", "d"]).await?;
        see_rows(stack, &["a", "b", "c", "d"]).await?;
        click_in_row(stack, "b", "delete").await?;
        let seen = see_rows(stack, &["a", "c", "d"]).await?;
        ensure!(seen["undo"] == "“b” will be deleted", "{seen:#}");
        ensure!(stack.objects.keys().await?.len() == 4, "it is there until the time to undo is over");
        click(stack, "[data-command=undo]").await?;
        see_rows(stack, &["a", "b", "c", "d"]).await?;
        // By the keyboard, and at once.
        focus_rows(stack).await?;
        press(stack, &["Home", "Delete"]).await?;
        let seen = see_rows(stack, &["b", "c", "d"]).await?;
        ensure!(seen["focus"] == "b", "the focus is on what took its place: {seen:#}");
        click(stack, "[data-command=deleteNow]").await?;
        wait_for("a to be gone", SOON, async || {
            Ok((stack.objects.keys().await? == ["b", "c", "d"]).then_some(()))
        })
        .await?;
        // Another one has come into its place: nobody deletes what they have not seen.
        stack.objects.put("c", "another").await?;
        click_in_row(stack, "c", "delete").await?;
        click(stack, "[data-command=deleteNow]").await?;
        let seen = see(stack, "why not", |seen| {
            seen["notices"].as_str().is_some_and(|text| text.contains("“c” was not deleted"))
        })
        .await?;
        ensure!(
            seen["notices"].as_str().is_some_and(|text| text.contains("changed since it was listed")),
            "{seen:#}"
        );
        see_rows(stack, &["b", "c", "d"]).await?;
        ensure!(stack.objects.keys().await? == ["b", "c", "d"]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_copied_and_works_for_anybody() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let browser = stack.page.browser();
        // Nobody is there who could be asked.
        let leave = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.devtools("Browser.grantPermissions", leave).await?;
        with(stack, &["a.txt"]).await?;
        see_rows(stack, &["a.txt"]).await?;
        let listen = "document.addEventListener('link', ({ detail }) => { window.link = detail.url; });";
        browser.run(listen, vec![]).await?;
        click_in_row(stack, "a.txt", "copyLink").await?;
        wait_for("the link", SOON, async || {
            Ok((browser.run("return !!window.link", vec![]).await? == json!(true)).then_some(()))
        })
        .await?;
        // Without whatever this page is known by.
        let body = "const answer = await fetch(window.link, { credentials: 'omit' });
             return [answer.status, await answer.text()];";
        let got = browser.run_async(body, vec![]).await?;
        ensure!(got == json!([200, "a.txt"]), "{got}");
        // Whether it could be copied is the browser's to say; that there is one is told either way.
        see(stack, "the word", |seen| {
            let told = format!("{} {}", seen["toast"], seen["notices"]);
            told.contains("Link copied") || told.contains("Copy this link")
        })
        .await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_shown_small() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        see(stack, "the list", |seen| seen["state"] == "empty").await?;
        let png = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../web/screenshots/done.png"))?;
        stack.objects.put("photo.png", png).await?;
        stack.objects.put("broken.png", "no image").await?;
        stack.objects.put("notes.txt", "text").await?;
        refresh(stack).await?;
        see_rows(stack, &["broken.png", "notes.txt", "photo.png"]).await?;
        see(stack, "one picture", |seen| seen["pictures"] == 1).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_told_and_asked_again() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        with(stack, &["a"]).await?;
        see_rows(stack, &["a"]).await?;
        let fault = Fault::Answer { status: 503, headers: vec![], body: String::new() };
        let is_list = |request: &Request| request.path == "/v1/objects";
        stack.control.add(Rule::new(is_list, fault).always());
        refresh(stack).await?;
        // What was shown stays, and says that it is not what there is now.
        see(stack, "the problem", |seen| seen["rows"] == json!(["a"]) && seen["notices"] != "").await?;
        stack.page.browser().run_async("const { endpoint } = document.querySelector('partway-files');
             const other = document.createElement('partway-files'); other.endpoint = endpoint; document.querySelector('partway-files').replaceWith(other);", vec![]).await?;
        see(stack, "a way to try again", |seen| seen["state"] == "failed" && seen["stage"].as_str().is_some_and(|text| text.contains("Try again"))).await?;
        stack.control.clear();
        click(stack, "[data-command=retry]").await?;
        see_rows(stack, &["a"]).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_page_is_loaded_as_it_is_needed() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        see(stack, "the list", |seen| seen["state"] == "empty").await?;
        for number in 0..1_250 {
            stack.objects.put(&format!("n/{number:05}"), "x").await?;
        }
        stack
            .page
            .browser()
            .run_async("await document.querySelector('partway-files').open('n/')", vec![])
            .await?;
        see(stack, "the first rows", |seen| seen["rows"][0] == "n/00000").await?;
        let seen = look(stack).await?;
        ensure!(seen["rows"].as_array().is_some_and(|rows| rows.len() < 100), "only what is seen is there");
        focus_rows(stack).await?;
        // The end of what is there comes nearer with each page.
        let seen = wait_for("the very last", SOON, async || {
            press(stack, &["End"]).await?;
            let seen = look(stack).await?;
            Ok((seen["focus"] == "n/01249").then_some(seen))
        })
        .await?;
        ensure!(seen["counts"].as_str().is_some_and(|counts| counts.starts_with("1,250 files")), "{seen:#}");
        Ok(())
    })
    .await
}

/// A hundred pages of a thousand, answered within the page, so that what is measured is the list.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_stay_fluid() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let browser = stack.page.browser();
        see(stack, "the list", |seen| seen["state"] == "empty").await?;
        let answer = "const real = window.fetch;
             window.fetch = async (input, options) => {
               const url = new URL(input.url ?? input, location.href);
               if (url.pathname !== '/v1/objects') return real(input, options);
               const from = Number((url.searchParams.get('after') ?? 'k-1').slice(1)) + 1;
               const name = (number) => `k${String(number).padStart(6, '0')}`;
               const objects = Array.from({ length: 1000 }, (_, i) => ({ key: name(from + i), size: (from + i) % 977, etag: 'x', last_modified: 1.7e12 + from + i }));
               const next = from + 1000 < 100000 ? name(from + 999) : undefined;
               return new Response(JSON.stringify({ prefix: '', objects, prefixes: [], next }), { headers: { 'Content-Type': 'application/json' } });
             };";
        browser.run(answer, vec![]).await?;
        refresh(stack).await?;
        see(stack, "the first rows", |seen| seen["rows"][0] == "k000000").await?;
        click(stack, "[part~=size] [part~=sort]").await?;
        let seen = see(stack, "all to be sorted", |seen| seen["counts"].as_str().is_some_and(|counts| counts.starts_with("100,000 files"))).await?;
        ensure!(seen["rows"].as_array().is_some_and(|rows| rows.len() < 100), "only what is seen is there: {seen:#}");
        // The longest that a frame takes while it is scrolled through.
        let scroll = "const viewport = document.querySelector('partway-files').shadowRoot.querySelector('[part~=viewport]');
             let longest = 0;
             let last = performance.now();
             for (let i = 0; i < 40; i += 1) {
               viewport.scrollTop = (viewport.scrollHeight * (i * 7919 % 40)) / 40;
               await new Promise(requestAnimationFrame);
               longest = Math.max(longest, performance.now() - last);
               last = performance.now();
             }
             return longest;";
        let longest = browser.run_async(scroll, vec![]).await?.as_f64().context("a time")?;
        ensure!(longest < 500.0, "a frame took {longest} ms");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_the_list() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let auditor = Auditor::new()?;
        see(stack, "an empty list", |seen| seen["state"] == "empty").await?;
        auditor.approve(stack, "empty").await?;
        for key in ["a/1", "b.txt", "c.png"] {
            stack.objects.put(key, key).await?;
        }
        refresh(stack).await?;
        see_rows(stack, &["a/", "b.txt", "c.png"]).await?;
        auditor.approve(stack, "listed").await?;
        focus_rows(stack).await?;
        press(stack, &["Control+a"]).await?;
        auditor.approve(stack, "selected").await?;
        press(stack, &["Delete"]).await?;
        see(stack, "the way back", |seen| seen["undo"] != "").await?;
        auditor.approve(stack, "about to be deleted").await?;
        stack
            .page
            .browser()
            .run_async("await document.querySelector('partway-files').open('a/')", vec![])
            .await?;
        see_rows(stack, &["a/1"]).await?;
        auditor.approve(stack, "in a folder").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_the_page_s_language() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let browser = stack.page.browser();
        see(stack, "an empty list", |seen| seen["state"] == "empty").await?;
        let mut said = std::collections::BTreeSet::new();
        for language in LANGUAGES {
            browser.run("document.documentElement.lang = arguments[0]; document.querySelector('partway-files').lang = arguments[0]", vec![json!(language)]).await?;
            let texts = browser.run_async("return (await import(`/widget/files/languages/${args[0]}.js`)).default.empty", vec![json!(language)]).await?;
            let empty = texts.as_str().context("a text")?.to_owned();
            see(stack, language, |seen| seen["stage"] == json!(empty)).await?;
            said.insert(empty);
        }
        ensure!(said.len() == LANGUAGES.len(), "each says it in its own words: {said:?}");
        Ok(())
    })
    .await
}
