//! The engine off the page's main thread, and in it where there can be no worker.

use anyhow::{Context, Result, ensure};
use partway_tests::files::RandomFile;
use partway_tests::objects::Content;
use partway_tests::proxy::{Fault, Gate, Proxy, Request, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

use super::{MIB, PATIENTLY, SOON, Test, ensure_arrived, is_part};

/// The engine's module, if the page itself has loaded it. What a worker fetches is not among this, but the
/// scripts that it imports are.
pub(super) const ENGINE_IN_PAGE: &str = "return performance.getEntriesByType('resource')
    .map(({ name }) => name.split('/').at(-1)).filter((name) => /^partway_web_bg-.*[.]wasm$/.test(name));";

/// A page that imports `Uploader` from a server and lets a file be chosen.
fn page(server: &str) -> String {
    format!(
        "<!doctype html><input type=file id=file><script type=module>
           import {{ Uploader }} from '{server}/widget/index.js';
           window.Uploader = Uploader;
           window.server = '{server}';
         </script>"
    )
}

/// Uploads the file that was chosen on such a page, and gives the object's key.
const UPLOAD: &str = "const uploader = new Uploader({ endpoint: server, ...args[0] });
    const { key } = await uploader.upload(document.querySelector('#file').files[0]);
    uploader.close();
    return key;";

async fn upload(stack: &Stack, file: &RandomFile, options: Value) -> Result<()> {
    let browser = stack.page.browser();
    browser.choose("#file", &[&file.path]).await?;
    let key = browser.run_async(UPLOAD, vec![options]).await?;
    let content = stack.objects.read(key.as_str().context("no key")?).await?;
    ensure!(content == Content { size: file.size, sha256: file.sha256 }, "it arrived as something else");
    Ok(())
}

/// Has a proxy answer `GET path` with a page.
pub(super) fn serve(proxy: &Proxy, path: &'static str, headers: &[(&'static str, &str)], html: String) {
    let mut headers: Vec<_> = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    headers.push(("content-type", "text/html; charset=utf-8".to_owned()));
    let answer = Fault::Answer { status: 200, headers, body: html };
    proxy.add(Rule::new(move |request| request.path == path, answer).always());
}

/// The addresses of the workers that run in the browser.
async fn workers(stack: &Stack) -> Result<Vec<String>> {
    let targets = stack.page.browser().devtools("Target.getTargets", json!({})).await?;
    let targets = targets["targetInfos"].as_array().context("no targets")?;
    let workers = targets.iter().filter(|target| target["type"] == "worker");
    Ok(workers.filter_map(|target| target["url"].as_str()).map(str::to_owned).collect())
}

async fn ensure_worker_count(stack: &Stack, count: usize) -> Result<()> {
    wait_for(format!("{count} workers"), SOON, async || {
        Ok((workers(stack).await?.len() == count).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_main_thread_holds_up_no_upload() -> Test {
    Stack::run(async |stack| {
        let front = &stack.control;
        let file = stack.file("undisturbed.bin", 160 * MIB)?;
        let (parts, start) = (stack.proxy.watch(is_part), Gate::default());
        stack.proxy.add(Rule::new(is_part, Fault::Hold(start.clone())).always());
        stack.page.choose(&[&file]).await?;
        wait_for("a part to be on its way", SOON, async || Ok((parts.in_flight() > 0).then_some(()))).await?;

        // The main thread waits for an answer, and does nothing else until it has it.
        let (blocked, end) = (front.watch(|request| request.path == "/block"), Gate::default());
        front.add(Rule::new(|request| request.path == "/block", Fault::Hold(end.clone())));
        let block = "const request = new XMLHttpRequest();
             request.open('GET', '/block', false);
             request.send();";
        let meanwhile = async {
            wait_for("the page to be blocked", SOON, async || Ok((blocked.in_flight() > 0).then_some(())))
                .await?;
            let before = parts.count();
            ensure!(before < 10, "{before} of 10 parts were sent before one had arrived");
            start.open();
            wait_for("the object to be complete", PATIENTLY, async || {
                Ok((!stack.objects.keys().await?.is_empty()).then_some(()))
            })
            .await?;
            ensure!(blocked.in_flight() == 1, "the page was not blocked all the while");
            Ok(())
        };
        let (block, uploaded) = tokio::join!(stack.page.browser().run(block, vec![]), async {
            let uploaded = meanwhile.await;
            end.open();
            uploaded
        });
        uploaded?;
        block?;
        let rows = stack.page.wait_for_end(1, SOON).await?;
        ensure_arrived(stack, &rows[0], &file).await?;

        let loaded = stack.page.browser().run(ENGINE_IN_PAGE, vec![]).await?;
        ensure!(loaded == json!([]), "the page has loaded an engine: {loaded}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_in_the_background_uploads_as_well() -> Test {
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        let file = stack.file("behind.bin", 160 * MIB)?;
        let (parts, start) = (stack.proxy.watch(is_part), Gate::default());
        stack.proxy.add(Rule::new(is_part, Fault::Hold(start.clone())).always());
        let note =
            "document.addEventListener('visibilitychange', () => { window.wasHidden ||= document.hidden; });";
        browser.run(note, vec![]).await?;
        stack.page.choose(&[&file]).await?;
        wait_for("a part to be on its way", SOON, async || Ok((parts.in_flight() > 0).then_some(()))).await?;

        let first = browser.open_tab().await?;
        stack.proxy.clear();
        // What failed waits for a timer, which browsers hold back in a page that nobody sees.
        let answer = Fault::Answer { status: 500, headers: vec![], body: String::new() };
        stack.proxy.add(Rule::new(is_part, answer).times(4));
        start.open();
        wait_for("the object to be complete", SOON, async || {
            Ok((!stack.objects.keys().await?.is_empty()).then_some(()))
        })
        .await?;

        browser.go_to_tab(&first).await?;
        ensure!(browser.run("return window.wasHidden", vec![]).await? == json!(true), "it was in view");
        let rows = stack.page.wait_for_end(1, SOON).await?;
        ensure_arrived(stack, &rows[0], &file).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_workers_are_refused_the_page_uploads_and_warns_once() -> Test {
    Stack::run(async |stack| {
        let front = &stack.control;
        let policy = [("content-security-policy", "worker-src 'none'")];
        serve(front, "/refusing", &policy, page(&front.url()));
        let browser = stack.page.browser();
        browser.console().await?;
        browser.open(&format!("{}/refusing", front.url())).await?;

        for name in ["first.bin", "second.bin"] {
            upload(stack, &stack.file(name, 20 * MIB)?, json!({})).await?;
        }
        let console = browser.console().await?;
        let ours: Vec<&String> = console.iter().filter(|line| line.contains("Partway")).collect();
        ensure!(ours.len() == 1, "{console:#?}");
        ensure!(ours[0].contains("WARNING") && ours[0].contains("worker-src 'self'"), "{}", ours[0]);
        let loaded = browser.run(ENGINE_IN_PAGE, vec![]).await?;
        ensure!(loaded != json!([]), "no engine was loaded into the page");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_uploads_by_a_worker_of_its_own() -> Test {
    let site = Proxy::start().await?;
    Stack::run_with(&[("PARTWAY_SERVER__ALLOWED_ORIGINS", &site.url())], async |stack| {
        site.set_upstream(&stack.server.address());
        serve(&site, "/elsewhere", &[], page(&stack.server.url()));
        // It uploads, but nothing that it loads comes from its own origin.
        let own = site.watch(|request| request.path != "/elsewhere" && request.path != "/favicon.ico");
        let browser = stack.page.browser();
        browser.console().await?;
        browser.open(&format!("{}/elsewhere", site.url())).await?;
        upload(stack, &stack.file("from-elsewhere.bin", 20 * MIB)?, json!({})).await?;

        ensure!(own.count() == 0, "the page's own server was asked for something");
        let loaded = browser.run(ENGINE_IN_PAGE, vec![]).await?;
        ensure!(loaded == json!([]), "the page has loaded an engine: {loaded}");
        let console = browser.console().await?;
        ensure!(!console.iter().any(|line| line.contains("Partway")), "{console:#?}");

        browser
            .run_async("window.idle = new Uploader({ endpoint: server }); await idle.load();", vec![])
            .await?;
        let (workers, blob) = (workers(stack).await?, format!("blob:{}/", site.url()));
        ensure!(workers.iter().any(|address| address.starts_with(&blob)), "{workers:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_isolated_from_other_origins_has_its_worker() -> Test {
    Stack::run(async |stack| {
        let front = &stack.control;
        let isolation =
            [("cross-origin-opener-policy", "same-origin"), ("cross-origin-embedder-policy", "require-corp")];
        serve(front, "/isolated", &isolation, page(&front.url()));
        let browser = stack.page.browser();
        browser.open(&format!("{}/isolated", front.url())).await?;
        ensure!(
            browser.run("return crossOriginIsolated", vec![]).await? == json!(true),
            "it is not isolated"
        );
        upload(stack, &stack.file("isolated.bin", 20 * MIB)?, json!({})).await?;

        let loaded = browser.run(ENGINE_IN_PAGE, vec![]).await?;
        ensure!(loaded == json!([]), "the page has loaded an engine: {loaded}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_can_do_without_a_worker() -> Test {
    Stack::run(async |stack| {
        let front = &stack.control;
        serve(front, "/alone", &[], page(&front.url()));
        let browser = stack.page.browser();
        browser.console().await?;
        browser.open(&format!("{}/alone", front.url())).await?;
        upload(stack, &stack.file("alone.bin", 20 * MIB)?, json!({ "worker": false })).await?;

        let loaded = browser.run(ENGINE_IN_PAGE, vec![]).await?;
        ensure!(loaded != json!([]), "no engine was loaded into the page");
        let console = browser.console().await?;
        ensure!(!console.iter().any(|line| line.contains("Partway")), "{console:#?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_an_uploader_ends_its_worker_and_what_it_sends() -> Test {
    Stack::run(async |stack| {
        // The page has none of its own before it needs one.
        ensure_worker_count(stack, 0).await?;
        let parts = stack.proxy.watch(is_part);
        stack.proxy.add(Rule::new(is_part, Fault::Hold(Gate::default())).always());
        let browser = stack.page.browser();
        let begin = "const { Uploader } = await import('/widget/index.js');
             window.uploader = new Uploader({ endpoint: '/' });
             uploader.add(new File([new Uint8Array(20 << 20)], 'given-up.bin'));";
        browser.run_async(begin, vec![]).await?;
        wait_for("a part to be on its way", SOON, async || Ok((parts.in_flight() > 0).then_some(()))).await?;
        ensure_worker_count(stack, 1).await?;

        let states =
            browser.run("uploader.close(); return uploader.uploads.map(({ state }) => state);", vec![]);
        let states = states.await?;
        ensure!(states == json!(["cancelled"]), "{states}");
        ensure_worker_count(stack, 0).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_breaks_is_replaced_on_a_retry() -> Test {
    Stack::run(async |stack| {
        let parts = stack.proxy.watch(is_part);
        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always());
        let browser = stack.page.browser();
        let begin = "const { Uploader } = await import('/widget/index.js');
             const Native = Worker;
             window.Worker = class extends Native {
               constructor(...args) {
                 super(...args);
                 window.worker = this;
               }
             };
             const uploader = new Uploader({ endpoint: '/' });
             window.upload = uploader.add(new File([new Uint8Array(20 << 20)], 'unbroken.bin'));";
        browser.run_async(begin, vec![]).await?;
        wait_for("a part to be on its way", SOON, async || Ok((parts.in_flight() > 0).then_some(()))).await?;

        let break_it = "worker.dispatchEvent(new ErrorEvent('error', { message: 'unreachable' }));
             return [upload.state, upload.error.code, upload.error.message];";
        let failed = browser.run(break_it, vec![]).await?;
        ensure!(failed == json!(["failed", "internal", "Partway's engine failed: unreachable"]), "{failed}");
        ensure_worker_count(stack, 0).await?;

        gate.open();
        let retried = "const again = upload.retry();
             return { again, state: upload.state, size: (await upload.finished).size };";
        let retried = browser.run_async(retried, vec![]).await?;
        ensure!(retried == json!({ "again": true, "state": "waiting", "size": 20 * MIB }), "{retried}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_show_at_once_what_they_come_to() -> Test {
    Stack::run(async |stack| {
        let put = |request: &Request| request.method == "PUT";
        let hidden = Fault::StripHeaders(&["access-control-expose-headers"]);
        stack.proxy.add(Rule::new(put, hidden));
        let script = "const { Uploader } = await import('/widget/index.js');
             const uploader = new Uploader({ endpoint: '/' });
             const states = [];
             uploader.addEventListener('statechange', ({ detail: { state } }) => states.push(state));
             const upload = uploader.add(new File([new Uint8Array(2 << 20)], 'small.bin'));
             const before = upload.finished;
             const failed = await before.then(() => null, ({ code }) => code);
             const retried = upload.retry() && upload.finished !== before && upload.state;
             const { size } = await upload.finished;

             const other = uploader.add(new File([new Uint8Array(20 << 20)], 'cancelled.bin'));
             await new Promise((begun) => other.addEventListener('statechange', begun, { once: true }));
             const cancelled = other.cancel() && other.state;
             const error = await other.finished.then(() => null, ({ name }) => name);
             const removed = other.remove();
             uploader.close();
             return { failed, retried, size, cancelled, error, removed, states };";
        let seen = stack.page.browser().run_async(script, vec![]).await?;
        ensure!(seen["failed"] == "store_etag_hidden" && seen["retried"] == "waiting", "{seen}");
        ensure!(seen["size"] == 2 * MIB, "{seen}");
        ensure!(seen["cancelled"] == "cancelling" && seen["error"] == "AbortError", "{seen}");
        ensure!(seen["removed"] == true, "{seen}");
        // After a command nothing older than it is shown.
        let states: Vec<String> = serde_json::from_value(seen["states"].clone())?;
        let cancelling = states.iter().position(|state| state == "cancelling").context("no such state")?;
        ensure!(states[cancelling..] == ["cancelling", "cancelled"], "{states:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_the_worker_of_the_network() -> Test {
    Stack::run(async |stack| {
        let script = "const { Uploader } = await import('/widget/index.js');
             const file = new File([new Uint8Array(20 << 20)], 'patient.bin');
             const uploader = new Uploader({ endpoint: '/' });
             await uploader.load();
             dispatchEvent(new Event('offline'));
             const upload = uploader.add(file);

             // One that has heard of nothing gets through meanwhile.
             const other = new Uploader({ endpoint: '/' });
             await other.upload(file);
             const { state } = upload;

             dispatchEvent(new Event('online'));
             await upload.finished;
             // Here this changes nothing.
             document.dispatchEvent(new Event('visibilitychange'));
             await uploader.upload(file);
             uploader.close();
             other.close();
             return state;";
        let state = stack.page.browser().run_async(script, vec![]).await?;
        ensure!(state == "waiting", "without a network it was {state}");
        ensure!(stack.objects.keys().await?.len() == 3, "not all have arrived");
        Ok(())
    })
    .await
}
