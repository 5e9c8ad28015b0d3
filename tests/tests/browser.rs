//! The page in Chromium, with the server and its store as they are shipped.

use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use partway_tests::files::RandomFile;
use partway_tests::objects::Content;
use partway_tests::page::Row;
use partway_tests::proxy::{Fault, Gate, Line, Request, Rule, RuleHandle};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::json;

#[path = "browser/access.rs"]
mod access;
#[path = "browser/choices.rs"]
mod choices;
#[path = "browser/copies.rs"]
mod copies;
#[path = "browser/download.rs"]
mod download;
#[path = "browser/element.rs"]
mod element;
#[path = "browser/engines.rs"]
mod engines;
#[path = "browser/files.rs"]
mod files;
#[path = "browser/headless.rs"]
mod headless;
#[path = "browser/languages.rs"]
mod languages;
#[path = "browser/large.rs"]
mod large;
#[path = "browser/misuse.rs"]
mod misuse;
#[path = "browser/ownership.rs"]
mod ownership;
#[path = "browser/policy.rs"]
mod policy;
#[path = "browser/saving.rs"]
mod saving;
#[path = "browser/survival.rs"]
mod survival;
#[path = "browser/worker.rs"]
mod worker;

const MIB: u64 = 1024 * 1024;
/// For what takes as long as the disk and the browser take.
const SOON: Duration = Duration::from_secs(60);
/// For what ends only after all its retries.
const PATIENTLY: Duration = Duration::from_secs(150);

type Test = Result<()>;

/// The row's object is the file, byte for byte, and the page says that it was verified.
async fn ensure_arrived(stack: &Stack, row: &Row, file: &RandomFile) -> Result<()> {
    ensure!(row.state == "completed", "{} has not arrived: {row:?}", file.name());
    ensure!(row.word == "Uploaded and verified", "{row:?}");
    ensure!(row.checksum.is_some(), "no checksum is shown: {row:?}");
    let key = row.key.as_deref().context("no key is shown")?;
    let content = stack.objects.read(key).await?;
    let expected = Content { size: file.size, sha256: file.sha256 };
    ensure!(content == expected, "{} arrived as something else", file.name());
    Ok(())
}

async fn ensure_nothing_arrived(stack: &Stack) -> Result<()> {
    let keys = stack.objects.keys().await?;
    ensure!(keys.is_empty(), "there are objects: {keys:?}");
    Ok(())
}

fn is_part(request: &Request) -> bool {
    request.part_number().is_some()
}

fn is_part_number(number: u32) -> impl Fn(&Request) -> bool + Send + Sync + 'static {
    move |request| request.part_number() == Some(number)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_arrives_whole_without_holding_up_the_page() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("large.bin", 256 * MIB)?;
        let parts = stack.proxy.watch(is_part);
        let browser = stack.page.browser();
        browser
            .run(
                "window.longTasks = [];
                 const observer = new PerformanceObserver((list) => {
                   for (const { startTime, duration } of list.getEntries()) longTasks.push([startTime, duration]);
                 });
                 observer.observe({ type: 'longtask', buffered: true });
                 window.began = performance.now();",
                vec![],
            )
            .await?;

        stack.page.choose(&[&file]).await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        ensure!(rows[0].parts.contains("parts"), "the parts are not shown: {:?}", rows[0]);
        ensure!(parts.count() >= 16, "only {} parts", parts.count());
        ensure!(parts.most_in_flight() >= 2, "only one part at a time");

        // Whatever else a machine does makes a task of 50 ms here and there, which is what browsers call long.
        let long = "return longTasks.map(([start, duration]) => (start >= began ? duration : 0)).filter((ms) => ms > 200);";
        let tasks = browser.run(long, vec![]).await?;
        ensure!(tasks == json!([]), "the main thread was held up, for milliseconds: {tasks}");

        // The observer would have seen one.
        let block = "setTimeout(() => { const end = performance.now() + 300; while (performance.now() < end); });";
        browser.run(block, vec![]).await?;
        wait_for("a long task to be observed", SOON, async || {
            Ok((browser.run(long, vec![]).await? != json!([])).then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_size_around_the_limits_arrives() -> Test {
    Stack::run(async |stack| {
        let parts = stack.proxy.watch(is_part);
        for size in [0, 1, 5 * MIB, 16 * MIB - 1, 16 * MIB] {
            let file = stack.file(&format!("{size}.bin"), size)?;
            let row = upload(stack, &file).await?;
            ensure_arrived(stack, &row, &file).await?;
        }
        ensure!(parts.count() == 0, "a file that fits one PUT was cut into parts");

        let file = stack.file("multipart.bin", 16 * MIB + 1)?;
        let row = upload(stack, &file).await?;
        ensure_arrived(stack, &row, &file).await?;
        ensure!(parts.count() >= 2, "a file above the limit was not cut into parts");
        Ok(())
    })
    .await
}

/// Chooses one more file, and waits until it has ended.
async fn upload(stack: &Stack, file: &RandomFile) -> Result<Row> {
    let count = stack.page.rows().await?.len() + 1;
    stack.page.choose(&[file]).await?;
    let rows = stack.page.wait_for_end(count, SOON).await?;
    rows.into_iter().find(|row| row.name == file.name()).context("the file is not listed")
}

#[tokio::test(flavor = "multi_thread")]
async fn five_files_at_once_share_requests_and_all_arrive() -> Test {
    Stack::run(async |stack| {
        let files: Result<Vec<RandomFile>> =
            (1..=5).map(|n| stack.file(&format!("file-{n}.bin"), n * 3 * MIB + n)).collect();
        let files = files?;
        let front = &stack.control;
        let creates = front.watch(|request| request.path == "/v1/uploads");
        stack.page.choose(&files.iter().collect::<Vec<_>>()).await?;
        let rows = stack.page.wait_for_end(5, SOON).await?;
        for file in &files {
            let row = rows.iter().find(|row| row.name == file.name()).context("a file is not listed")?;
            ensure_arrived(stack, row, file).await?;
        }

        // Those whose checksums are known by then share one.
        let creates = creates.count();
        ensure!((1..5).contains(&creates), "five files took {creates} requests to create");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_leaves_nothing_in_the_store() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("cancelled.bin", 64 * MIB)?;
        // The first part arrives and the others wait, so that there is something to remove.
        let held = stack.proxy.watch(|request| request.part_number().is_some_and(|number| number > 1));
        let gate = Gate::default();
        stack.proxy.add(
            Rule::new(
                |request| request.part_number().is_some_and(|number| number > 1),
                Fault::Hold(gate.clone()),
            )
            .always(),
        );
        stack.page.choose(&[&file]).await?;
        let stored = stack.page.wait_for_row("one part to be stored", SOON, |row| {
            row.state == "uploading" && row.parts.starts_with("1 of ")
        });
        let id = stored.await?.id;
        wait_for("other parts to be on their way", SOON, async || Ok((held.in_flight() > 0).then_some(())))
            .await?;
        let open = stack.objects.open_uploads().await?;
        ensure!(open.len() == 1, "one upload should be open: {open:?}");
        let (key, upload_id) = &open[0];
        ensure!(stack.objects.part_count(key, upload_id).await? == 1, "one part should be stored");

        stack.page.press(id, "cancel").await?;
        stack.page.wait_for_row("the upload to be cancelled", SOON, |row| row.state == "cancelled").await?;
        gate.open();
        let open = stack.objects.open_uploads().await?;
        ensure!(open.is_empty(), "cancelled, yet uploads are open: {open:?}");
        ensure_nothing_arrived(stack).await?;

        stack.page.press(id, "remove").await?;
        wait_for("the row to go", SOON, async || Ok(stack.page.rows().await?.is_empty().then_some(()))).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_three_ways_still_ends_verified() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("retried.bin", 48 * MIB)?;
        let faults = [
            Fault::s3_error(500, "InternalError"),
            Fault::s3_error(503, "SlowDown"),
            Fault::Reset { after: MIB },
        ]
        .map(|fault| stack.proxy.add(Rule::new(is_part_number(2), fault)));
        let attempts = stack.proxy.watch(is_part_number(2));
        stack.page.choose(&[&file]).await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        let hits: Vec<u64> = faults.iter().map(RuleHandle::hits).collect();
        ensure!(hits == [1, 1, 1], "the faults were not all met: {hits:?}");
        ensure!(attempts.count() >= 4, "part 2 was tried only {} times", attempts.count());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_does_no_harm() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("answers.bin", 48 * MIB)?;
        let fault = stack.proxy.add(Rule::new(is_part_number(3), Fault::LoseAnswer).times(2));
        stack.page.choose(&[&file]).await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        ensure!(fault.hits() == 2, "the answers were not lost");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_store_whose_connections_break_off_gets_the_file_all_the_same() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("far.bin", 64 * MIB)?;
        let line = Line::new(Duration::from_millis(40)).bytes_per_second(50 * MIB);
        stack.proxy.set_line(Some(line.clone()));
        stack.control.set_line(Some(line));
        let cuts = Rule::new(is_part, Fault::ResetAnywhere).at_random(0.6, 1).times(4);
        let cuts = stack.proxy.add(cuts);
        stack.page.choose(&[&file]).await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        ensure!(cuts.hits() > 0, "no connection was cut");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_altered_once_are_refused_and_sent_again() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("altered-once.bin", 48 * MIB)?;
        let fault = stack.proxy.add(Rule::new(is_part_number(1), Fault::FlipByte { at: 12_345 }));
        stack.page.choose(&[&file]).await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure!(fault.hits() == 1, "nothing was altered");
        ensure_arrived(stack, &rows[0], &file).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_altered_each_time_never_complete() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("altered.bin", 48 * MIB)?;
        let fault = stack.proxy.add(Rule::new(is_part_number(1), Fault::FlipByte { at: 12_345 }).always());
        stack.page.choose(&[&file]).await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure!(fault.hits() >= 2, "the part was not tried again");
        ensure!(rows[0].state == "failed" && !rows[0].error.is_empty(), "{:?}", rows[0]);
        ensure_nothing_arrived(stack).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_named_and_a_retry_works_once_it_is_back() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("patient.bin", 20 * MIB)?;
        // The page has its engine by now.
        let load = "await document.querySelector('partway-uploader').uploader.load();";
        stack.page.browser().run_async(load, vec![]).await?;
        stack.server.kill().await?;
        stack.page.choose(&[&file]).await?;
        let row = stack.page.wait_for_row("an error", PATIENTLY, Row::has_ended).await?;
        ensure!(row.code.as_deref() == Some("server_unreachable"), "{row:?}");
        ensure!(row.error.contains("server") && row.error.contains("reached"), "{row:?}");

        stack.server.restart().await?;
        stack.page.press(row.id, "retry").await?;
        let row = stack.page.wait_for_row("the file to arrive", SOON, Row::has_arrived).await?;
        ensure_arrived(stack, &row, &file).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_did_not_load_loads_on_a_retry() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("unlucky.bin", MIB)?;
        let is_away = Arc::new(AtomicBool::new(true));
        let answer = Fault::Answer { status: 503, headers: vec![], body: String::new() };
        let rule = Rule::new(
            {
                let is_away = Arc::clone(&is_away);
                // Of the worker, and then of the page in its place.
                let scripts = ["/widget/worker", "/widget/engine"];
                move |request| {
                    scripts.iter().any(|script| request.path.starts_with(script))
                        && is_away.load(Ordering::SeqCst)
                }
            },
            answer,
        );
        stack.control.add(rule.always());
        stack.page.visit(&stack.control.url()).await?;
        stack.page.choose(&[&file]).await?;
        let row = stack.page.wait_for_row("an error", SOON, Row::has_ended).await?;
        ensure!(row.code.as_deref() == Some("engine_unavailable"), "{row:?}");

        is_away.store(false, Ordering::SeqCst);
        stack.page.press(row.id, "retry").await?;
        let row = stack.page.wait_for_row("the file to arrive", SOON, Row::has_arrived).await?;
        ensure_arrived(stack, &row, &file).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_meanwhile_is_not_even_noticed() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("restarted.bin", 64 * MIB)?;
        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part_number(2), Fault::Hold(gate.clone())));
        stack.page.choose(&[&file]).await?;
        let stored = |row: &Row| row.state == "uploading" && row.parts.starts_with("3 of ");
        stack.page.wait_for_row("three of four parts", SOON, stored).await?;
        stack.server.kill().await?;
        stack.server.restart().await?;
        gate.open();
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure_arrived(stack, &rows[0], &file).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_meanwhile_is_named() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("changed.bin", 160 * MIB)?;
        let gate = Gate::default();
        let held = stack.proxy.watch(is_part);
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always());
        stack.page.choose(&[&file]).await?;
        wait_for("a part to be on its way", SOON, async || Ok((held.in_flight() > 0).then_some(()))).await?;

        let mut appended = File::options().append(true).open(&file.path)?;
        appended.write_all(b"one more line\n")?;
        appended.sync_all()?;
        gate.open();

        let row = stack.page.wait_for_row("an error", PATIENTLY, Row::has_ended).await?;
        ensure!(row.code.as_deref() == Some("file_changed"), "{row:?}");
        ensure!(row.error.contains("changed"), "{row:?}");
        ensure_nothing_arrived(stack).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hides_the_etag_is_said_to_need_cors() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("hidden.bin", 20 * MIB)?;
        let hidden = Fault::StripHeaders(&["access-control-expose-headers"]);
        let fault = stack.proxy.add(Rule::new(|_| true, hidden).always());
        stack.page.choose(&[&file]).await?;
        let row = stack.page.wait_for_row("an error", PATIENTLY, Row::has_ended).await?;
        ensure!(fault.hits() > 0, "no header was cut");
        ensure!(row.code.as_deref() == Some("store_etag_hidden"), "{row:?}");
        ensure!(row.error.contains("not set up correctly"), "{row:?}");
        ensure_nothing_arrived(stack).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_space_is_named_and_a_retry_goes_on_once_there_is_some() -> Test {
    Stack::run_with(&[("PARTWAY_EMBEDDED__MAX_BYTES", "40 MiB")], async |stack| {
        let filler = stack.file("filler.bin", 10 * MIB)?;
        let row = upload(stack, &filler).await?;
        ensure_arrived(stack, &row, &filler).await?;
        let file = stack.file("second.bin", 36 * MIB)?;
        stack.page.choose(&[&file]).await?;
        let refused =
            |rows: &[Row]| rows.iter().find(|row| row.name == file.name() && row.has_ended()).cloned();
        let row = wait_for("an error", PATIENTLY, async || Ok(refused(&stack.page.rows().await?))).await?;
        ensure!(row.code.as_deref() == Some("store_full"), "{row:?}");
        ensure!(row.error.contains("make room"), "{row:?}");

        let filler_key = stack.objects.keys().await?;
        stack.objects.delete(&filler_key[0]).await?;
        stack.page.press(row.id, "retry").await?;
        let arrived = wait_for("the file to arrive", SOON, async || {
            let rows = stack.page.rows().await?;
            Ok(rows.into_iter().find(|row| row.name == file.name() && row.has_arrived()))
        });
        ensure_arrived(stack, &arrived.await?, &file).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_arrives_with_its_paths_and_an_empty_one_is_named() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("beside.bin", MIB)?;
        let folder = stack.folder().join("Holiday photos");
        let empty = stack.folder().join("Nothing yet");
        fs::create_dir_all(folder.join("2024/may"))?;
        fs::create_dir(&empty)?;
        fs::write(folder.join("one.jpg"), b"not a picture")?;
        fs::write(folder.join("2024/may/two.jpg"), b"neither")?;
        let creates = stack.control.watch(|request| request.path == "/v1/uploads");
        stack.page.drop_files(&[&folder, &empty, &file.path]).await?;

        let rows = stack.page.wait_for_end(3, SOON).await?;
        let mut names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        names.sort_unstable();
        ensure!(
            names == ["Holiday photos/2024/may/two.jpg", "Holiday photos/one.jpg", "beside.bin"],
            "{names:?}"
        );
        let beside = rows.iter().find(|row| row.name == "beside.bin").context("no such row")?;
        ensure_arrived(stack, beside, &file).await?;
        let notice = stack.page.notices().await?;
        ensure!(notice == "“Nothing yet” has no files in it.", "{notice:?}");
        ensure!(creates.count() >= 1 && stack.objects.keys().await?.len() == 3, "not all have arrived");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_resolves_with_the_object_and_obeys_a_signal() -> Test {
    Stack::run(async |stack| {
        let result = stack
            .page
            .browser()
            .run_async(
                "const { Uploader } = await import('/widget/index.js');
                 const uploader = new Uploader({ endpoint: '/', concurrency: 2 });
                 const seen = [];
                 const file = new File(['partway '.repeat(3_000_000)], 'text.txt', { type: 'text/plain' });
                 const result = await uploader.upload(file, { onProgress: ({ uploaded }) => seen.push(uploaded) });

                 const aborted = new AbortController();
                 const upload = uploader.upload(file, { signal: aborted.signal });
                 setTimeout(() => aborted.abort(), 50);
                 const error = await upload.then(() => null, ({ name, code }) => ({ name, code }));
                 uploader.close();
                 return { result, seen, error, size: file.size };",
                vec![],
            )
            .await?;
        let size = result["size"].as_u64().context("no size")?;
        ensure!(result["result"]["size"] == size && result["result"]["checksum"]["algorithm"] == "CRC64NVME", "{result}");
        let key = result["result"]["key"].as_str().context("no key")?;
        ensure!(stack.objects.read(key).await?.size == size, "the object has another size");
        let seen: Vec<u64> = serde_json::from_value(result["seen"].clone())?;
        ensure!(seen.is_sorted() && seen.last() == Some(&size), "{seen:?}");
        ensure!(result["error"] == json!({ "name": "AbortError", "code": "cancelled" }), "{result}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_option_is_named() -> Test {
    Stack::run(async |stack| {
        let error = stack
            .page
            .browser()
            .run_async(
                "const { Uploader, PartwayError } = await import('/widget/index.js');
                 const uploader = new Uploader({ endpoint: '/', partSize: 1 });
                 const error = await uploader.load().then(() => null, (error) => error);
                 return { ours: error instanceof PartwayError, code: error?.code, field: error?.field };",
                vec![],
            )
            .await?;
        ensure!(error == json!({ "ours": true, "code": "invalid_option", "field": "partSize" }), "{error}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_decides_how_often_it_tries() -> Test {
    Stack::run(async |stack| {
        let creates =
            stack.control.watch(|request| request.method == "POST" && request.path == "/v1/uploads");
        let answer = Fault::Answer { status: 500, headers: vec![], body: String::new() };
        stack.control.add(Rule::new(|request| request.path == "/v1/uploads", answer).always());
        let error = stack
            .page
            .browser()
            .run_async(
                "const { Uploader } = await import('/widget/index.js');
                 const uploader = new Uploader({ endpoint: '/', maxAttempts: 2 });
                 const error = await uploader.upload(new File(['a'], 'a')).then(() => null, (error) => error);
                 return { code: error?.code, retryable: error?.retryable };",
                vec![],
            )
            .await?;
        ensure!(error == json!({ "code": "server_misbehaved", "retryable": true }), "{error}");
        ensure!(creates.count() == 2, "it was tried {} times", creates.count());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_leaves_no_complaint_on_the_console() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("quiet.bin", 20 * MIB)?;
        let row = upload(stack, &file).await?;
        ensure_arrived(stack, &row, &file).await?;
        let console = stack.page.browser().console().await?;
        ensure!(console.is_empty(), "{console:#?}");
        // It would have been heard.
        stack.page.browser().run("console.error('heard')", vec![]).await?;
        let console = stack.page.browser().console().await?;
        ensure!(console.iter().any(|line| line.contains("heard")), "{console:#?}");
        Ok(())
    })
    .await
}
