//! Downloads in a page: each place where they can go, behind every damage that a network and a store can do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use partway_tests::files::RandomFile;
use partway_tests::proxy::{Fault, Gate, Line, Request, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{MIB, PATIENTLY, SOON, Test};

/// Everybody may read everything.
const OPEN: [(&str, &str); 2] = [
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__ALLOW", "get, list, delete"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__SCOPE", ""),
];

/// What scripts begin with. A file of the origin's own stands in for one that a user has chosen; pickers are for people.
const HELPERS: &str = "const { download, startDownload, resumableDownloads, Downloader } = await import('/widget/download.js');
    const root = await navigator.storage.getDirectory();
    const handleOf = (name) => root.getFileHandle(name, { create: true });
    const sha256 = async (blob) => {
      const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
      return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    };
    const kept = async (name) => sha256(await (await handleOf(name)).getFile());
    const until = async (is) => { while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 20)); };
    const fault = ({ name, code, field, retryable, message }) => ({ name, code, field, retryable, message });
    const endpoint = '/';\n";

/// Runs a script's body after [`HELPERS`].
async fn run(stack: &Stack, body: &str, arguments: Vec<Value>) -> Result<Value> {
    stack.page.browser().run_async(&format!("{HELPERS}{body}"), arguments).await
}

/// Stores a file of random bytes as an object of its name.
pub(super) async fn stored(stack: &Stack, name: &str, size: u64) -> Result<RandomFile> {
    let file = stack.file(name, size)?;
    stack.objects.put(name, fs::read(&file.path)?).await?;
    Ok(file)
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn is_get(request: &Request) -> bool {
    request.method == "GET" && request.parameter("X-Amz-Signature").is_some()
}

/// Downloads an object into a file, and compares it.
const INTO_FILE: &str = "const handle = await handleOf('file');
    const { size, verified } = await download(args[0], { endpoint, to: handle, ...args[1] });
    return { size, verified, sha256: await kept('file') };";

async fn ensure_arrives(stack: &Stack, file: &RandomFile, options: Value) -> Test {
    let seen = run(stack, INTO_FILE, vec![json!(file.name()), options]).await?;
    ensure!(
        seen["size"] == file.size && seen["sha256"] == hex(&file.sha256),
        "{} became {seen}",
        file.name()
    );
    ensure!(seen["verified"] == "crc64_nvme", "{seen}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_any_size_arrives_whole_wherever_it_goes() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let preflights = stack.proxy.watch(|request| request.method == "OPTIONS");
        for size in [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 64 * MIB] {
            let file = stored(stack, &format!("{size}.bin"), size).await?;
            for worker in [true, false] {
                let body = "const [key, worker] = args;
                     const options = { endpoint, worker };
                     const seen = [];
                     const add = async ({ size, verified, checksum }, blob) => seen.push([size, verified, checksum?.algorithm, await sha256(blob)]);
                     const handle = await handleOf('file');
                     await add(await download(key, { ...options, to: handle }), await handle.getFile());
                     const chunks = [];
                     const to = new WritableStream({ write: (chunk) => void chunks.push(chunk) });
                     await add(await download(key, { ...options, to }), new Blob(chunks));
                     const { blob, ...result } = await download(key, { ...options, to: 'memory' });
                     await add(result, blob);
                     return seen;";
                let seen = run(stack, body, vec![json!(file.name()), json!(worker)]).await?;
                let whole = json!([size, "crc64_nvme", "CRC64NVME", hex(&file.sha256)]);
                ensure!(seen == json!([whole, whole, whole]), "{size} bytes, worker {worker}: {seen} for {whole}");
            }
        }
        ensure!(preflights.count() == 0, "{} preflights", preflights.count());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_downloads_by_itself_under_the_name_that_was_given() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "by-itself.bin", 3 * MIB).await?;
        let folder = stack.folder().join("downloads");
        fs::create_dir(&folder)?;
        let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
        stack.page.browser().devtools("Page.setDownloadBehavior", behaviour).await?;
        let body = "const before = location.href;
             const job = startDownload(args[0], { endpoint, filename: 'Übersicht 1.bin' });
             const { verified, size } = await job.finished;
             return [verified, size, job.state, job.cancel(), location.href === before];";
        let seen = run(stack, body, vec![json!(file.name())]).await?;
        ensure!(seen == json!(["none", 3 * MIB, "completed", false, true]), "{seen}");
        wait_for("the file in the folder", SOON, async || {
            let content = fs::read(folder.join("Übersicht 1.bin")).ok();
            Ok(content.filter(|content| Sha256::digest(content)[..] == file.sha256).map(drop))
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_refused_or_stalls_goes_on_where_it_was() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "rough.bin", 64 * MIB).await?;
        let options = json!({ "stallTimeout": 1 });
        let expired = Fault::Answer {
            status: 403,
            headers: vec![("access-control-allow-origin", "*".to_owned())],
            body: "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>".to_owned(),
        };
        let gate = Gate::default();
        for (what, fault) in [
            ("cut", Fault::Truncate { after: 3_000_000 }),
            ("refused", Fault::s3_error(503, "SlowDown")),
            ("expired", expired),
            ("stalled", Fault::StallAnswer { after: 2_000_000, gate: gate.clone() }),
            ("without an answer", Fault::LoseAnswer),
        ] {
            stack.proxy.clear();
            let rule = stack.proxy.add(Rule::new(is_get, fault).times(2));
            ensure_arrives(stack, &file, options.clone()).await.context(what)?;
            ensure!(rule.hits() == 2, "{what}: {} of 2", rule.hits());
        }
        gate.open();
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_bytes_are_noticed_and_not_given_out_as_the_file() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "altered.bin", 8 * MIB).await?;
        stack.proxy.add(Rule::new(is_get, Fault::FlipAnswerByte { at: 12_345 }));
        let body = "const handle = await handleOf('file');
             const job = startDownload(args[0], { endpoint, to: handle });
             const error = await job.finished.catch(fault);
             const again = job.retry();
             const { verified } = await job.finished;
             return { error, again, verified, sha256: await kept('file') };";
        let seen = run(stack, body, vec![json!(file.name())]).await?;
        ensure!(seen["error"]["code"] == "download_corrupt" && seen["error"]["retryable"] == true, "{seen}");
        ensure!(seen["again"] == true && seen["verified"] == "crc64_nvme", "{seen}");
        ensure!(seen["sha256"] == hex(&file.sha256), "{seen}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_replaced_meanwhile_is_never_mixed_with_the_other() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        for (to, expected) in [("file", "arrived"), ("stream", "object_changed")] {
            stored(stack, "replaced.bin", 64 * MIB).await?;
            let gate = Gate::default();
            stack.proxy.clear();
            stack.proxy.add(Rule::new(is_get, Fault::Hold(gate.clone())).skip(2).always());
            let begin = "window.chunks = [];
                 window.aborted = false;
                 const to = args[0] === 'file'
                   ? await handleOf('file')
                   : new WritableStream({ write: (chunk) => void chunks.push(chunk), abort: () => { window.aborted = true; } });
                 window.job = startDownload('replaced.bin', { endpoint, to });
                 await until(() => job.status.downloaded > 0);";
            run(stack, begin, vec![json!(to)]).await?;
            let other = RandomFile::create(stack.folder(), "other.bin", 64 * MIB, 5)?;
            stack.objects.put("replaced.bin", fs::read(&other.path)?).await?;
            gate.open();
            let end = "const code = await job.finished.then(() => 'arrived', ({ code }) => code);
                 return { code, aborted, sha256: args[0] === 'file' ? await kept('file') : null };";
            let seen = run(stack, end, vec![json!(to)]).await?;
            ensure!(seen["code"] == expected, "{to}: {seen}");
            ensure!(to == "file" || seen["aborted"] == true, "{seen}");
            ensure!(to == "stream" || seen["sha256"] == hex(&other.sha256), "{seen}");
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_downloaded_says_why() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        stored(stack, "there.bin", 2 * MIB).await?;
        let refused = async |key: &str, options: Value| {
            let body = "const options = { ...args[1] };
                 if (options.to === 'handle') options.to = await handleOf('file');
                 return download(args[0], { endpoint, to: 'memory', ...options }).then(() => null, fault);";
            run(stack, body, vec![json!(key), options]).await
        };
        let error = refused("nowhere.bin", json!({})).await?;
        ensure!(error["code"] == "object_not_found" && error["retryable"] == false, "{error}");
        let error = refused("nowhere.bin", json!({ "to": "browser" })).await?;
        ensure!(error["code"] == "object_not_found", "the page of an error took this one's place: {error}");
        let error = refused("there.bin", json!({ "to": "printer" })).await?;
        ensure!(error["code"] == "invalid_option" && error["field"] == "to", "{error}");
        let error = refused("there.bin", json!({ "concurrency": 0 })).await?;
        ensure!(error["code"] == "invalid_option" && error["field"] == "concurrency", "{error}");
        // Headless, and without a click.
        let error = refused("there.bin", json!({ "to": "file" })).await?;
        ensure!(error["code"] == "invalid_option" && error["field"] == "to", "{error}");

        let hidden = Fault::StripHeaders(&["access-control-expose-headers"]);
        stack.proxy.add(Rule::new(is_get, hidden).always());
        let error = refused("there.bin", json!({ "to": "handle" })).await?;
        ensure!(error["code"] == "store_etag_hidden", "{error}");
        ensure!(error["message"].as_str().is_some_and(|text| text.contains("ExposeHeaders")), "{error}");

        // What is too large for memory is said before a byte is fetched.
        stack.proxy.clear();
        let gets = stack.proxy.watch(is_get);
        let object = json!({ "key": "there.bin", "size": 600 * MIB, "etag": "a", "has_md5_etag": false });
        let url = format!("{}/uploads/there.bin?X-Amz-Signature=a", stack.proxy.url());
        let signed =
            json!({ "objects": [{ "signed": { "url": url, "expires_in": 900, "object": object } }] });
        let headers = vec![("content-type", "application/json".to_owned())];
        let answer = Fault::Answer { status: 200, headers, body: signed.to_string() };
        stack.control.add(Rule::new(|request| request.path == "/v1/objects/sign", answer));
        let error = refused("there.bin", json!({})).await?;
        ensure!(error["code"] == "invalid_option" && error["field"] == "to", "{error}");
        ensure!(gets.count() == 0, "{} requests", gets.count());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_refused_and_a_stale_token_is_asked_for_anew() -> Test {
    Stack::run(async |stack| {
        let body = "return download('any', { endpoint, to: 'memory' }).then(() => null, fault);";
        let error = run(stack, body, vec![]).await?;
        ensure!(error["code"] == "operation_not_allowed", "{error}");
        Ok(())
    })
    .await?;
    Stack::run_with(&OPEN, async |stack| {
        stored(stack, "mine.bin", MIB).await?;
        let expired = Fault::Answer { status: 401, headers: vec![], body: String::new() };
        let is_stale = |request: &Request| request.authorization.as_deref() == Some("Bearer stale");
        let refused = stack.control.add(Rule::new(is_stale, expired).always());
        let body = "let asked = 0;
             const token = async () => (asked++ === 0 ? 'stale' : 'fresh');
             const { size } = await download('mine.bin', { endpoint, to: 'memory', token });
             return [asked, size];";
        let seen = run(stack, body, vec![]).await?;
        ensure!(seen == json!([2, MIB]) && refused.hits() == 1, "{seen}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_keeps_what_came_and_cancelling_removes_it() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "halted.bin", 48 * MIB).await?;
        stack.proxy.set_line(Some(Line::new(Duration::from_millis(10)).bytes_per_second(12 * MIB)));
        let pause = "window.job = startDownload(args[0], { endpoint, to: await handleOf('file') });
             window.speeds = [];
             job.subscribe(({ bytesPerSecond, secondsLeft }) => speeds.push([bytesPerSecond, secondsLeft]));
             await until(() => job.status.downloaded > (8 << 20));
             const paused = [job.pause(), job.pause()];
             const { state, downloaded } = job.status;
             return { paused, state, downloaded };";
        let seen = run(stack, pause, vec![json!(file.name())]).await?;
        ensure!(seen["paused"] == json!([true, false]) && seen["state"] == "paused", "{seen}");
        let gets = stack.proxy.watch(is_get);
        let resume = "const before = job.status.downloaded;
             job.resume();
             const seen = [];
             for await (const { downloaded } of job) seen.push(downloaded);
             const sorted = seen.every((bytes, i) => i === 0 || bytes >= seen[i - 1]);
             return { sorted, kept: seen[0] >= before, sha256: await kept('file'), progress: job.progress,
               timed: speeds.some(([speed, left]) => speed > 0 && left > 0) };";
        let seen = run(stack, resume, vec![]).await?;
        ensure!(seen["sha256"] == hex(&file.sha256) && seen["progress"] == 1, "{seen}");
        ensure!(seen["sorted"] == true && seen["kept"] == true && seen["timed"] == true, "{seen}");
        ensure!(gets.count() > 0, "nothing was fetched after the pause");

        let cancel = "const controller = new AbortController();
             const job = startDownload(args[0], { endpoint, to: await handleOf('other'), signal: controller.signal });
             await until(() => job.status.downloaded > (4 << 20));
             controller.abort();
             const error = await job.finished.catch(fault);
             await until(async () => (await (await handleOf('other')).getFile()).size === 0);
             return { error, left: (await resumableDownloads({ endpoint })).length };";
        let seen = run(stack, cancel, vec![json!(file.name())]).await?;
        ensure!(seen["error"]["code"] == "cancelled" && seen["error"]["name"] == "AbortError", "{seen}");
        ensure!(seen["left"] == 0, "{seen}");
        Ok(())
    })
    .await
}

/// Makes files whose names begin with "chosen" look like those that a user has chosen: a worker cannot write to them in place.
pub(super) const CHOSEN: &str = "window.Worker = class extends Worker {
       constructor(script, options) {
         const patch = `const { createSyncAccessHandle } = FileSystemFileHandle.prototype;
           FileSystemFileHandle.prototype.createSyncAccessHandle = function () {
             if (this.name.startsWith('chosen')) return Promise.reject(new DOMException('no', 'InvalidStateError'));
             return createSyncAccessHandle.call(this);
           };`;
         const address = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
         super(address(`import '${address(patch)}'; import '${script}';`), options);
       }
     };\n";

async fn goes_on_after_a_reload(stack: &mut Stack, name: &str, crash: bool) -> Test {
    let file = stored(stack, "interrupted.bin", 96 * MIB).await?;
    stack.proxy.set_line(Some(Line::new(Duration::from_millis(10)).bytes_per_second(24 * MIB)));
    let begin = format!(
        "{CHOSEN} window.job = startDownload(args[0], {{ endpoint, to: await handleOf(args[1]), concurrency: 2 }});
         await until(() => job.status.downloaded > (56 << 20));
         // The journal is a moment behind.
         await new Promise((resolve) => setTimeout(resolve, 800));"
    );
    run(stack, &begin, vec![json!(file.name()), json!(name)]).await?;
    if crash {
        let url = stack.control.url();
        stack.page.crash(&url).await?;
    } else {
        stack.page.visit(&stack.control.url()).await?;
    }
    stack.proxy.set_line(None);
    let gets = stack.proxy.watch(is_get);
    let go_on = format!(
        "{CHOSEN} let found = [];
         await until(async () => (found = await resumableDownloads({{ endpoint }})).length > 0);
         const [{{ key, size, downloaded, handle }}] = found;
         const job = found[0].resume();
         const first = await new Promise((resolve) => job.subscribe(({{ state, downloaded }}) => state === 'downloading' && resolve(downloaded)));
         const {{ verified }} = await job.finished;
         const stage = await root.getDirectoryHandle('partway-downloads', {{ create: true }});
         const staged = [];
         for await (const name of stage.keys()) staged.push(name);
         return {{ key, size, downloaded, name: handle.name, first, verified, staged, sha256: await kept(args[0]),
           left: (await resumableDownloads({{ endpoint }})).length }};"
    );
    let seen = run(stack, &go_on, vec![json!(name)]).await?;
    ensure!(seen["key"] == "interrupted.bin" && seen["size"] == 96 * MIB && seen["name"] == name, "{seen}");
    ensure!(seen["verified"] == "crc64_nvme" && seen["sha256"] == hex(&file.sha256), "{seen}");
    let kept = seen["downloaded"].as_u64().unwrap_or_default();
    ensure!(kept >= 16 * MIB, "only {kept} bytes were kept: {seen}");
    ensure!(seen["first"].as_u64() >= Some(kept), "it began from zero: {seen}");
    ensure!(seen["left"] == 0 && seen["staged"] == json!([]), "{seen}");
    ensure!(gets.count() > 0, "nothing was fetched");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_tab_goes_on_in_the_file_itself() -> Test {
    Stack::run_with(&OPEN, async |stack| goes_on_after_a_reload(stack, "own", false).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_goes_on_in_a_staged_file_that_is_copied_at_the_end() -> Test {
    Stack::run_with(&OPEN, async |stack| goes_on_after_a_reload(stack, "chosen", true).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_file_is_written_beside_itself_where_nothing_has_to_go_on() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "direct.bin", 64 * MIB + 17).await?;
        stack.proxy.add(Rule::new(is_get, Fault::Truncate { after: 1_000_001 }).times(3));
        let body = format!(
            "{CHOSEN} const handle = await handleOf('chosen');
             const states = [];
             const job = startDownload(args[0], {{ endpoint, to: handle, resumable: false }});
             job.addEventListener('statechange', ({{ detail }}) => states.push(detail.state));
             await job.finished;
             // What is replaced is whole, or as it was.
             const gone = startDownload(args[0], {{ endpoint, to: handle, resumable: false }});
             await until(() => gone.status.downloaded > 0);
             gone.cancel();
             await gone.finished.catch(() => null);
             return {{ states, sha256: await kept('chosen') }};"
        );
        let seen = run(stack, &body, vec![json!(file.name())]).await?;
        ensure!(seen["sha256"] == hex(&file.sha256), "{seen}");
        ensure!(seen["states"] == json!(["downloading", "saving", "completed"]), "{seen}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_download_that_writes_to_the_file_is_not_disturbed() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "busy.bin", 32 * MIB).await?;
        stack.proxy.set_line(Some(Line::new(Duration::from_millis(10)).bytes_per_second(16 * MIB)));
        let body = "const handle = await handleOf('file');
             const first = startDownload(args[0], { endpoint, to: handle });
             await until(() => first.status.downloaded > 0);
             const second = await download(args[0], { endpoint, to: handle }).catch(fault);
             await first.finished;
             return { second, sha256: await kept('file') };";
        let seen = run(stack, body, vec![json!(file.name())]).await?;
        ensure!(seen["second"]["code"] == "file_unwritable" && seen["second"]["retryable"] == true, "{seen}");
        ensure!(seen["sha256"] == hex(&file.sha256), "{seen}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_is_waited_for_and_one_that_fails_ends_it() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "streamed.bin", 160 * MIB).await?;
        let body = "const [key] = args;
             let open, taken = 0;
             const gate = new Promise((resolve) => { open = resolve; });
             const to = new WritableStream({ async write(chunk) { await gate; taken += chunk.byteLength; } });
             const job = startDownload(key, { endpoint, to });
             let most = 0;
             job.subscribe(({ downloaded }) => { most = downloaded; });
             await until(() => most > (32 << 20));
             await new Promise((resolve) => setTimeout(resolve, 1500));
             const held = most;
             open();
             const { verified } = await job.finished;

             const reasons = [];
             const failing = new WritableStream({
               write: () => { throw new Error('no more'); }, abort: (reason) => void reasons.push(reason.code),
             });
             const failed = startDownload(key, { endpoint, to: failing });
             const error = await failed.finished.catch(fault);
             return { held, taken, verified, error, again: failed.retry() };";
        let seen = run(stack, body, vec![json!(file.name())]).await?;
        ensure!(seen["taken"] == file.size && seen["verified"] == "crc64_nvme", "{seen}");
        ensure!(seen["held"].as_u64() <= Some(64 * MIB), "more than the window: {seen}");
        ensure!(seen["error"]["code"] == "file_unwritable" && seen["again"] == false, "{seen}");
        ensure!(seen["error"]["message"].as_str().is_some_and(|text| text.contains("no more")), "{seen}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_nothing_is_tried_and_nothing_fails() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "offline.bin", 48 * MIB).await?;
        stack.proxy.set_line(Some(Line::new(Duration::from_millis(10)).bytes_per_second(16 * MIB)));
        let begin =
            "window.job = startDownload(args[0], { endpoint, to: await handleOf('file'), maxAttempts: 2 });
             await until(() => job.status.downloaded > (4 << 20));
             dispatchEvent(new Event('offline'));";
        run(stack, begin, vec![json!(file.name())]).await?;
        stack.proxy.take_down().await;
        let gets = stack.proxy.watch(is_get);
        let state = run(
            stack,
            "await new Promise((resolve) => setTimeout(resolve, 3000)); return job.state;",
            vec![],
        )
        .await?;
        ensure!(state == "downloading" && gets.count() == 0, "{state}, {} requests", gets.count());
        stack.proxy.put_back()?;
        stack.proxy.set_line(None);
        let end = "dispatchEvent(new Event('online'));
             await job.finished;
             return kept('file');";
        let sha256 = run(stack, end, vec![]).await?;
        ensure!(sha256 == hex(&file.sha256), "{sha256}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_share_an_engine_and_six_connections_and_leave_the_page_alone() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        for n in 0..12 {
            stored(stack, &format!("many-{n}.bin"), 4 * MIB + n).await?;
        }
        let gets = stack.proxy.watch(is_get);
        let signs = stack.control.watch(|request| request.path == "/v1/objects/sign");
        let body = "const long = [];
             new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
             const names = Array.from({ length: 12 }, (_, n) => `many-${n}.bin`);
             const all = await Promise.all(names.map(async (name) => download(name, { endpoint, to: await handleOf(name) })));
             const loaded = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length;
             return { sizes: all.map(({ size }) => size), loaded, long: long.filter((ms) => ms > 200) };";
        let seen = run(stack, body, vec![]).await?;
        let sizes: Vec<_> = (0..12).map(|n| 4 * MIB + n).collect();
        ensure!(seen["sizes"] == json!(sizes), "{seen}");
        ensure!(seen["loaded"] == 0, "the page itself has loaded an engine");
        ensure!(seen["long"] == json!([]), "the main thread was held up: {seen}");
        ensure!(gets.most_in_flight() <= 6, "{} at once", gets.most_in_flight());
        ensure!(signs.count() <= 4, "{} calls for 12 objects", signs.count());
        Ok(())
    })
    .await
}

/// The module for downloads is not what a page loads that uploads.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_uploads_loads_nothing_of_it() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let asked = stack.control.watch(|request| request.path.contains("download"));
        let file = stack.file("up.bin", 6 * MIB)?;
        stack.page.visit(&stack.control.url()).await?;
        stack.page.choose(&[&file]).await?;
        stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure!(asked.count() == 0, "{} files of downloads", asked.count());
        let key = stack.objects.keys().await?.pop().context("nothing arrived")?;
        // What was uploaded is downloaded: a sum that the one made is the other's.
        let seen = run(stack, INTO_FILE, vec![json!(key), json!({})]).await?;
        ensure!(seen["verified"] == "crc64_nvme" && seen["sha256"] == hex(&file.sha256), "{seen}");
        ensure!(Path::new(&file.path).exists() && asked.count() > 0, "nothing was loaded");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_failed_can_be_removed_when_its_engine_has_ended() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "large.bin", 192 * MIB).await?;
        stack.proxy.add(Rule::new(is_get, Fault::Reset { after: 0 }).skip(8).always());
        let body = "const downloader = new Downloader({ endpoint, maxAttempts: 1 });
             const one = downloader.add(args[0], { to: await handleOf('file') });
             await one.finished.catch(() => {});
             const failed = [one.state, downloader.unload()];
             const cancelled = [one.cancel(), one.state];
             await until(async () => (await downloader.resumables()).length === 0);
             downloader.close();
             return [failed, cancelled];";
        let seen = run(stack, body, vec![json!(file.name())]).await?;
        ensure!(seen == json!([["failed", true], [true, "cancelled"]]), "{seen}");
        Ok(())
    })
    .await
}
