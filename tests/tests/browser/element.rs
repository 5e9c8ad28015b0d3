//! The custom element as web developers use it: events, forms, restrictions, several on a page, thousands of files.

use anyhow::{Context, ensure};
use partway_tests::proxy::{Fault, Gate, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

use super::{MIB, PATIENTLY, SOON, Test, ensure_arrived, is_part};

/// Hears every event of the element's, at the page's root.
const LISTEN: &str = "window.heard = [];
    for (const type of ['before-file-added', 'file-added', 'file-refused', 'file-statechange', 'progress', 'file-completed',
      'file-failed', 'file-cancelled', 'file-removed', 'completed', 'change']) {
      document.addEventListener(type, ({ detail, composed }) => {
        const { upload, file, result, code, completed } = detail ?? {};
        heard.push({ type, composed, name: (upload?.file ?? file)?.name, key: result?.key, code, completed: completed?.length });
      });
    }";

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_the_page_with_their_details() -> Test {
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        browser.run(LISTEN, vec![]).await?;
        let file = stack.file("told.bin", MIB)?;
        stack.page.choose(&[&file]).await?;
        let row = stack.page.wait_for_end(1, SOON).await?.remove(0);
        ensure_arrived(stack, &row, &file).await?;
        wait_for("the change of the value", SOON, async || {
            Ok((browser.run("return heard.some(({ type }) => type === 'change')", vec![]).await?
                == json!(true))
            .then_some(()))
        })
        .await?;
        stack.page.press(row.id, "remove").await?;
        wait_for("the row to go", SOON, async || Ok(stack.page.rows().await?.is_empty().then_some(())))
            .await?;

        let heard: Vec<Value> = serde_json::from_value(browser.run("return heard", vec![]).await?)?;
        ensure!(heard.iter().all(|event| event["composed"] == true), "{heard:?}");
        let find = |kind: &str| {
            heard.iter().find(|event| event["type"] == kind).with_context(|| format!("no {kind}: {heard:?}"))
        };
        for kind in ["before-file-added", "file-added", "file-statechange", "file-completed", "file-removed"]
        {
            ensure!(find(kind)?["name"] == "told.bin", "{kind}: {heard:?}");
        }
        ensure!(find("file-completed")?["key"].as_str() == row.key.as_deref(), "{heard:?}");
        ensure!(find("completed")?["completed"] == 1, "{heard:?}");
        find("progress")?;
        ensure!(!heard.iter().any(|event| event["type"] == "file-failed"), "{heard:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_gets_the_keys_and_waits_for_the_files() -> Test {
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        let build = "const form = document.createElement('form');
             const element = document.createElement('partway-uploader');
             for (const [name, value] of Object.entries({ endpoint: '.', name: 'attachment', required: '', details: '' })) {
               element.setAttribute(name, value);
             }
             document.querySelector('partway-uploader').replaceWith(form);
             form.append(element);
             return [element.form === form, form.checkValidity(), element.validity.valueMissing, element.validationMessage];";
        let empty = browser.run(build, vec![]).await?;
        ensure!(empty == json!([true, false, true, "Please upload a file."]), "{empty}");

        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always());
        let files = [stack.file("first.bin", MIB)?, stack.file("second.bin", 20 * MIB)?];
        stack.page.choose(&files.each_ref()).await?;
        let check = "const form = document.querySelector('form');
             const [element] = form.elements;
             return [form.checkValidity(), element.validationMessage, new FormData(form).getAll('attachment').length];";
        wait_for("the first to be in the value", SOON, async || {
            let waiting = json!([false, "Please wait until all files are uploaded.", 1]);
            Ok((browser.run(check, vec![]).await? == waiting).then_some(()))
        })
        .await?;
        gate.open();
        let rows = stack.page.wait_for_end(2, PATIENTLY).await?;
        wait_for("the form to be valid", SOON, async || {
            Ok((browser.run(check, vec![]).await? == json!([true, "", 2])).then_some(()))
        })
        .await?;
        let sent = browser.run("return new FormData(document.querySelector('form')).getAll('attachment')", vec![]).await?;
        let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        ensure!(sent == json!(keys), "{sent} and {keys:?}");

        browser.run("document.querySelector('form').reset()", vec![]).await?;
        wait_for("the reset", SOON, async || {
            Ok((browser.run(check, vec![]).await? == json!([false, "Please upload a file.", 0])).then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_left_out_before_anything_is_sent() -> Test {
    Stack::run(async |stack| {
        let creates = stack.control.watch(|request| request.path == "/v1/uploads");
        let browser = stack.page.browser();
        browser.run(LISTEN, vec![]).await?;
        let script = "const element = document.createElement('partway-uploader');
             const attributes = { endpoint: '.', accept: 'image/*, .pdf', 'min-size': '2', 'max-size': '1kB', 'max-files': '3', 'max-total': '2kB' };
             for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
             document.querySelector('partway-uploader').replaceWith(element);
             element.addEventListener('before-file-added', (event) => {
               if (event.detail.file.name === 'unwanted.pdf') event.preventDefault();
             });
             const file = (name, size, type = '') => new File([new Uint8Array(size)], name, { type, lastModified: 1 });
             element.setAttribute('start', 'manual');
             await element.add([file('a.pdf', 900), file('a.pdf', 900), file('b.exe', 9), file('c.png', 1001, 'image/png'),
               file('d.pdf', 1), file('unwanted.pdf', 9), file('e.PNG', 900, 'image/png'), file('f.pdf', 900), file('g.pdf', 9), file('h.pdf', 9)]);
             return {
               restrictions: element.shadowRoot.querySelector('[part~=restrictions]').textContent,
               refused: heard.filter(({ type }) => type === 'file-refused').map(({ name, code }) => [name, code]),
               added: element.uploads.map(({ file, state }) => [file.name, state]),
             };";
        let seen = browser.run_async(script, vec![]).await?;
        ensure!(
            seen["restrictions"] == "Only images and PDF · up to 3 files · at least 2 bytes each · up to 1 kB each · 2 kB in all",
            "{seen}"
        );
        let refused = json!([
            ["a.pdf", "duplicate"],
            ["b.exe", "type_refused"],
            ["c.png", "file_too_large"],
            ["d.pdf", "file_too_small"],
            ["unwanted.pdf", "refused_by_page"],
            ["f.pdf", "total_too_large"],
            ["h.pdf", "too_many_files"]
        ]);
        ensure!(seen["refused"] == refused, "{seen}");
        ensure!(seen["added"] == json!([["a.pdf", "ready"], ["e.PNG", "ready"], ["g.pdf", "ready"]]), "{seen}");
        let notice = stack.page.notices().await?;
        ensure!(notice.starts_with("7 files were left out.") && notice.contains("And 4 more."), "{notice}");
        ensure!(creates.count() == 0, "something was sent");

        browser.click("[data-command=startAll]").await?;
        let ended = "return document.querySelector('partway-uploader').value.length";
        wait_for("all to arrive", SOON, async || Ok((browser.run(ended, vec![]).await? == json!(3)).then_some(()))).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_elements_share_a_page_and_a_drop_anywhere_goes_to_the_one_that_asks() -> Test {
    Stack::run(async |stack| {
        // The page's own takes what is dropped anywhere; another one does not, unless it is dropped there.
        let script = "const other = document.createElement('partway-uploader');
             other.setAttribute('endpoint', '.');
             other.setAttribute('start', 'manual');
             other.id = 'other';
             document.querySelector('main').append(other);";
        let browser = stack.page.browser();
        browser.run(script, vec![]).await?;
        let (first, second) = (stack.file("anywhere.bin", MIB)?, stack.file("there.bin", 2 * MIB)?);
        browser.drop_on("h1", &[&first.path]).await?;
        let row = stack.page.wait_for_end(1, SOON).await?.remove(0);
        ensure_arrived(stack, &row, &first).await?;
        browser.drop_on("#other", &[&second.path]).await?;
        let names = "return [...document.querySelectorAll('partway-uploader')].map(({ uploads }) => uploads.map(({ file }) => file.name))";
        wait_for("each to have its file", SOON, async || {
            let each = json!([["anywhere.bin"], ["there.bin"]]);
            Ok((browser.run(names, vec![]).await? == each).then_some(()))
        })
        .await?;
        let state = browser.run("return document.querySelector('#other').uploads[0].state", vec![]).await?;
        ensure!(state == "ready", "{state}");
        // What is moved goes on, what is removed ends.
        let moved = "const other = document.querySelector('#other');
             document.body.append(other);
             await new Promise((resolve) => setTimeout(resolve, 50));
             const { length } = other.uploads;
             const { uploader } = other;
             other.remove();
             await new Promise((resolve) => setTimeout(resolve, 50));
             return [length, other.uploader === undefined, uploader.uploads[0].state];";
        let moved = browser.run_async(moved, vec![]).await?;
        ensure!(moved == json!([1, true, "cancelled"]), "{moved}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pasted_files_are_taken() -> Test {
    Stack::run(async |stack| {
        let paste = "const data = new DataTransfer();
             data.items.add(new File(['pasted'], 'pasted.txt', { type: 'text/plain' }));
             const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true, composed: true });
             document.body.dispatchEvent(event);
             return event.defaultPrevented;";
        ensure!(stack.page.browser().run(paste, vec![]).await? == json!(true), "nobody took it");
        let rows = stack.page.wait_for_end(1, SOON).await?;
        ensure!(rows[0].name == "pasted.txt" && rows[0].state == "completed", "{rows:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_kept_open_and_the_screen_on_while_something_is_under_way() -> Test {
    Stack::run(async |stack| {
        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always());
        let browser = stack.page.browser();
        // What the browser really grants, and when it is given back.
        let observe = "window.locks = [];
             const request = navigator.wakeLock.request.bind(navigator.wakeLock);
             navigator.wakeLock.request = async (type) => {
               const lock = await request(type);
               locks.push('held');
               lock.addEventListener('release', () => locks.push('released'));
               return lock;
             };";
        browser.run(observe, vec![]).await?;
        let leave = "const event = new Event('beforeunload', { cancelable: true });
             window.dispatchEvent(event);
             return [event.defaultPrevented, locks];";
        ensure!(browser.run(leave, vec![]).await? == json!([false, []]), "there was nothing to keep");
        let file = stack.file("kept.bin", 20 * MIB)?;
        stack.page.choose(&[&file]).await?;
        wait_for("the page to be kept", SOON, async || {
            Ok((browser.run(leave, vec![]).await? == json!([true, ["held"]])).then_some(()))
        })
        .await?;
        gate.open();
        stack.page.wait_for_end(1, PATIENTLY).await?;
        wait_for("the page to be let go", SOON, async || {
            Ok((browser.run(leave, vec![]).await? == json!([false, ["held", "released"]])).then_some(()))
        })
        .await
    })
    .await
}

/// What took quadratic time would take seconds.
const LONGEST_TASK: f64 = 400.0;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files_leave_the_page_fluid() -> Test {
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        // Making files is the test's own work, and takes the browser a while.
        let begin = "const files = Array.from({ length: 10_000 }, (_, i) => new File([`${i}`], `file-${i}.txt`, { type: 'text/plain' }));
             document.querySelector('partway-uploader').style.removeProperty('--partway-list-size');
             await new Promise((resolve) => setTimeout(resolve, 100));
             window.tasks = [];
             new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
             const began = performance.now();
             await document.querySelector('partway-uploader').add(files);
             return performance.now() - began;";
        let added = browser.run_async(begin, vec![]).await?;
        let some = "return document.querySelector('partway-uploader').uploads.filter(({ state }) => state === 'completed').length";
        wait_for("a thousand to arrive", PATIENTLY, async || {
            Ok((browser.run(some, vec![]).await?.as_u64() >= Some(1000)).then_some(()))
        })
        .await?;
        let look = "const element = document.querySelector('partway-uploader');
             const viewport = element.shadowRoot.querySelector('[part~=viewport]');
             viewport.scrollTop = viewport.scrollHeight;
             await new Promise((resolve) => setTimeout(resolve, 500));
             const rows = [...element.shadowRoot.querySelectorAll('[data-id]')];
             element.cancel();
             return {
               rows: rows.length,
               last: rows.at(-1).querySelector('[part~=name]').textContent,
               place: [rows.at(-1).getAttribute('aria-posinset'), rows.at(-1).getAttribute('aria-setsize')],
               longest: Math.max(0, ...tasks),
             };";
        let seen = browser.run_async(look, vec![]).await?;
        eprintln!("ten thousand files: added in {added} ms; {seen}");
        ensure!(seen["rows"].as_u64().is_some_and(|rows| rows < 60), "all rows are there: {seen}");
        ensure!(seen["last"] == "file-9999.txt" && seen["place"] == json!(["10000", "10000"]), "{seen}");
        let longest = seen["longest"].as_f64().context("no longest task")?;
        ensure!(longest < LONGEST_TASK, "the page was held up for {longest} ms");
        Ok(())
    })
    .await
}

/// The server refuses two of three hundred: each is a click away, wherever the list is scrolled to.
#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_a_long_list_is_found() -> Test {
    Stack::run_with(&[("PARTWAY_UPLOADS__MAX_FILE_SIZE", "1 KiB")], async |stack| {
        let browser = stack.page.browser();
        let script = "const sizes = Array.from({ length: 300 }, (_, i) => i === 120 || i === 250 ? 2048 : 10);
             const files = sizes.map((size, i) => new File([new Uint8Array(size)], `file-${i}.txt`, { type: 'text/plain' }));
             document.querySelector('partway-uploader').style.removeProperty('--partway-list-size');
             await document.querySelector('partway-uploader').add(files);";
        browser.run_async(script, vec![]).await?;
        let ended = "return document.querySelector('partway-uploader').uploads.filter(({ ended }) => ended).length";
        wait_for("all to end", PATIENTLY, async || {
            Ok((browser.run(ended, vec![]).await? == json!(300)).then_some(()))
        })
        .await?;
        // Rows above it turn out higher than was thought, which must not push it out of sight.
        let seen = "const { shadowRoot } = document.querySelector('partway-uploader');
             await new Promise((resolve) => setTimeout(resolve, 500));
             const row = shadowRoot.activeElement?.closest('[data-id]');
             const [list, own] = [shadowRoot.querySelector('[part~=viewport]'), row].map((node) => node?.getBoundingClientRect());
             return [row?.querySelector('[part~=name]').textContent, own?.top >= list.top - 2 && own?.bottom <= list.bottom + 2];";
        for name in ["file-120.txt", "file-250.txt", "file-120.txt"] {
            browser.click("[data-command=showFailed]").await?;
            let is_seen = browser.run_async(seen, vec![]).await?;
            ensure!(is_seen == json!([name, true]), "{is_seen}, and not {name}");
        }
        Ok(())
    })
    .await
}
