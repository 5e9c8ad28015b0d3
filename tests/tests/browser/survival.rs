//! Uploads that survive: the network, the tab, the browser, the server, the store.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use partway_tests::files::RandomFile;
use partway_tests::page::Row;
use partway_tests::proxy::{Fault, Gate, Line, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::json;

use super::{MIB, PATIENTLY, SOON, Test, ensure_arrived, ensure_nothing_arrived, is_part};

/// Parts as small as S3 takes them, so that there are many.
const SMALL_PARTS: (&str, &str) = ("PARTWAY_UPLOADS__PART_SIZE", "5 MiB");

/// A line on which a file of a hundred mebibytes takes some seconds.
fn slow() -> Option<Line> {
    Some(Line::new(Duration::from_millis(20)).bytes_per_second(24 * MIB))
}

/// Chooses a file and waits until so many of its parts are stored.
async fn begin(stack: &Stack, file: &RandomFile, parts: u32) -> Result<Row> {
    stack.page.choose(&[file]).await?;
    reach(stack, parts).await
}

async fn reach(stack: &Stack, parts: u32) -> Result<Row> {
    wait_for(format!("{parts} parts to be stored"), PATIENTLY, async || {
        let Some(row) = stack.page.rows().await?.pop() else { return Ok(None) };
        let status = stack.page.status(row.id).await?;
        Ok((status["partsStored"].as_u64() >= Some(parts.into())).then_some(row))
    })
    .await
}

async fn arrive(stack: &Stack, file: &RandomFile) -> Result<Row> {
    let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
    ensure_arrived(stack, &rows[0], file).await?;
    let open = stack.objects.open_uploads().await?;
    ensure!(open.is_empty(), "uploads are left: {open:?}");
    Ok(rows[0].clone())
}

/// Chooses the file of an interrupted upload again, by the page's own button.
async fn choose_again(stack: &Stack, file: &RandomFile) -> Result<()> {
    stack.page.wait_for_resumable(file.name()).await?;
    stack.page.choose(&[file]).await
}

/// Waits until `age` has passed since `begun`: time is what is tested.
async fn wait_for_age(begun: Instant, age: Duration) -> Result<()> {
    wait_for("time to pass", age * 2, async || Ok((begun.elapsed() >= age).then_some(()))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_part_in_ten_breaks_off_somewhere() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("torn.bin", 160 * MIB)?;
        let cuts = stack.proxy.add(Rule::new(is_part, Fault::ResetAnywhere).always().at_random(0.1, 7));
        stack.page.choose(&[&file]).await?;
        arrive(stack, &file).await?;
        ensure!(cuts.hits() > 0, "nothing was cut");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_urls_expire_on_the_way() -> Test {
    let short = ("PARTWAY_UPLOADS__URL_LIFETIME", "8s");
    Stack::run_with(&[SMALL_PARTS, short], async |stack| {
        let file = stack.file("expired.bin", 80 * MIB)?;
        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always());
        let parts = stack.proxy.watch(is_part);
        stack.page.choose(&[&file]).await?;
        wait_for("parts on their way", SOON, async || Ok((parts.in_flight() > 1).then_some(()))).await?;
        wait_for_age(Instant::now(), Duration::from_secs(10)).await?;
        let refused = stack.proxy.watch(is_part);
        gate.open();
        arrive(stack, &file).await?;
        ensure!(refused.count() >= 1, "nothing was sent again");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_and_its_store_are_killed_and_started_again() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("killed.bin", 100 * MIB)?;
        stack.proxy.set_line(slow());
        begin(stack, &file, 4).await?;
        stack.server.kill().await?;
        stack.server.restart().await?;
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_away_for_a_while() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("away.bin", 100 * MIB)?;
        stack.proxy.set_line(slow());
        let id = begin(stack, &file, 4).await?.id;
        stack.proxy.take_down().await;
        wait_for("the page to notice", SOON, async || {
            Ok((stack.page.status(id).await?["waitingFor"] == "store_unreachable").then_some(()))
        })
        .await?;
        // A part that had arrived before may be heard of in between.
        stack.page.wait_for_row("a word of it", SOON, |row| row.word == "Waiting for the connection").await?;
        stack.proxy.put_back()?;
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_complete_is_lost() -> Test {
    Stack::run(async |stack| {
        let file = stack.file("unanswered.bin", 48 * MIB)?;
        let is_complete = |request: &partway_tests::proxy::Request| request.path.ends_with("/complete");
        let lost = stack.control.add(Rule::new(is_complete, Fault::LoseAnswer).times(2));
        stack.page.choose(&[&file]).await?;
        arrive(stack, &file).await?;
        ensure!(lost.hits() == 2, "{} answers were lost", lost.hits());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_killed_and_opened_again() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("crashed.bin", 100 * MIB)?;
        stack.proxy.set_line(slow());
        begin(stack, &file, 8).await?;
        let url = stack.control.url();
        stack.page.crash(&url).await?;
        let parts = stack.proxy.watch(is_part);
        stack.proxy.set_line(None);
        choose_again(stack, &file).await?;
        arrive(stack, &file).await?;
        ensure!(parts.count() <= 20 - 8 + 6, "{} parts were sent again", parts.count());
        ensure!(stack.page.resumables().await?.is_empty(), "what has arrived is still offered");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_reloaded_five_times() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("reloaded.bin", 120 * MIB)?;
        stack.proxy.set_line(slow());
        begin(stack, &file, 2).await?;
        let url = stack.control.url();
        for reload in 1..=5 {
            // Without the question whether one wants to leave, which is for people.
            stack.page.browser().run("window.onbeforeunload = null; location.reload();", vec![]).await.ok();
            stack.page.visit(&url).await?;
            choose_again(stack, &file).await?;
            reach(stack, 2 + reload * 3).await?;
        }
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_seconds_offline_cost_no_retry() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("offline.bin", 100 * MIB)?;
        stack.proxy.set_line(slow());
        let id = begin(stack, &file, 4).await?.id;
        let browser = stack.page.browser();
        browser.run("window.dispatchEvent(new Event('offline'))", vec![]).await?;
        stack.proxy.take_down().await;
        stack.control.take_down().await;
        let gone = Instant::now();
        wait_for_age(gone, Duration::from_secs(20)).await?;
        let status = stack.page.status(id).await?;
        ensure!(status["state"] == "uploading" && status["waitingFor"].is_null(), "{status}");
        stack.proxy.put_back()?;
        stack.control.put_back()?;
        browser.run("window.dispatchEvent(new Event('online'))", vec![]).await?;
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_never_send_the_same_upload() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("shared.bin", 60 * MIB)?;
        let gate = Gate::default();
        let tenth = |request: &partway_tests::proxy::Request| request.part_number() == Some(10);
        stack.proxy.add(Rule::new(tenth, Fault::Hold(gate.clone())).always());
        begin(stack, &file, 8).await?;
        let browser = stack.page.browser();
        let first = browser.open_tab().await?;
        stack.page.visit(&stack.control.url()).await?;
        // An uploader of its own, since the page's may have told already what it has found.
        let offered = browser
            .run_async(
                "const { Uploader } = await import('/widget/index.js');
                 const { endpoint } = document.querySelector('partway-uploader').uploader;
                 const uploader = new Uploader({ endpoint });
                 const heard = new Promise((resolve) => uploader.addEventListener('resumables', resolve, { once: true }));
                 await uploader.load();
                 await heard;
                 const { length } = uploader.resumables;
                 uploader.close();
                 return length;",
                vec![],
            )
            .await?;
        ensure!(offered == json!(0), "the second tab was offered what the first one is sending");

        browser.close_tab(&first).await?;
        // Its lock goes a moment after the tab, so whoever looks may have to look twice.
        let look = "setInterval(() => document.dispatchEvent(new Event('visibilitychange')), 500);";
        browser.run(look, vec![]).await?;
        stack.page.wait_for_resumable(file.name()).await?;
        gate.open();
        choose_again(stack, &file).await?;
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_longer_than_the_life_of_urls() -> Test {
    let short = ("PARTWAY_UPLOADS__URL_LIFETIME", "8s");
    Stack::run_with(&[SMALL_PARTS, short], async |stack| {
        let file = stack.file("paused.bin", 100 * MIB)?;
        stack.proxy.set_line(slow());
        let id = begin(stack, &file, 4).await?.id;
        stack.page.press(id, "pause").await?;
        let row = stack.page.wait_for_row("the pause", SOON, |row| row.state == "paused").await?;
        ensure!(row.word == "Paused", "{row:?}");
        let parts = stack.proxy.watch(is_part);
        wait_for_age(Instant::now(), Duration::from_secs(10)).await?;
        ensure!(parts.count() == 0, "{} parts were sent while it was paused", parts.count());
        stack.page.press(id, "resume").await?;
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_paused_resumed_and_cancelled_together() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let files = [stack.file("one.bin", 60 * MIB)?, stack.file("two.bin", 61 * MIB)?];
        stack.proxy.set_line(slow());
        stack.page.choose(&files.each_ref()).await?;
        let all = async |state: &str| {
            wait_for(format!("both to be {state}"), PATIENTLY, async || {
                let rows = stack.page.rows().await?;
                Ok((rows.len() == 2 && rows.iter().all(|row| row.state == state)).then_some(()))
            })
            .await
        };
        all("uploading").await?;
        let browser = stack.page.browser();
        browser.click("[data-command=pauseAll]").await?;
        all("paused").await?;
        browser.click("[data-command=resumeAll]").await?;
        all("uploading").await?;
        browser.click("[data-command=pauseAll]").await?;
        all("paused").await?;
        browser.click("[data-command=cancelAll]").await?;
        all("cancelled").await?;
        ensure!(stack.objects.open_uploads().await?.is_empty(), "parts are left");
        ensure_nothing_arrived(stack).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_is_refused_and_the_right_one_goes_on() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("mine.bin", 60 * MIB)?;
        stack.proxy.set_line(slow());
        begin(stack, &file, 4).await?;
        stack.page.visit(&stack.control.url()).await?;
        stack.page.wait_for_resumable("mine.bin").await?;

        // The same name, size and time, and other bytes.
        let modified = fs::metadata(&file.path)?.modified()?;
        let folder = stack.folder().join("elsewhere");
        fs::create_dir(&folder)?;
        let other = RandomFile::create(&folder, "mine.bin", file.size, 1)?;
        File::options().append(true).open(&other.path)?.set_modified(modified)?;
        stack.page.choose(&[&other]).await?;
        let row = stack.page.wait_for_row("a refusal", SOON, Row::has_ended).await?;
        ensure!(row.code.as_deref() == Some("file_mismatch"), "{row:?}");
        ensure!(row.error.contains("not the file that was being uploaded"), "{row:?}");
        ensure_nothing_arrived(stack).await?;

        // Another size, by the button of the entry itself.
        stack.page.visit(&stack.control.url()).await?;
        stack.page.wait_for_resumable("mine.bin").await?;
        let longer = RandomFile::create(&folder, "mine.bin", file.size + 1, 1)?;
        let browser = stack.page.browser();
        browser.click("[part~=resumable] [data-action=resume]").await?;
        browser.choose("[data-input=resume]", &[&longer.path]).await?;
        wait_for("a word about it", SOON, async || {
            Ok(stack.page.notices().await?.contains("another size").then_some(()))
        })
        .await?;

        browser.choose("[data-input=resume]", &[&file.path]).await?;
        wait_for("its row", SOON, async || Ok((!stack.page.rows().await?.is_empty()).then_some(()))).await?;
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_discarded_leaves_nothing() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("unwanted.bin", 60 * MIB)?;
        stack.proxy.set_line(slow());
        begin(stack, &file, 4).await?;
        stack.page.visit(&stack.control.url()).await?;
        stack.page.wait_for_resumable("unwanted.bin").await?;
        stack.page.browser().click("[part~=resumable] [data-action=discard]").await?;
        wait_for("its parts to go", SOON, async || {
            Ok(stack.objects.open_uploads().await?.is_empty().then_some(()))
        })
        .await?;
        ensure!(stack.page.resumables().await?.is_empty(), "it is still offered");
        Ok(())
    })
    .await
}

/// Other versions, other programs and curious people write to the journal, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_makes_no_sense_is_reported_and_passed_over() -> Test {
    Stack::run_with(&[SMALL_PARTS], async |stack| {
        let file = stack.file("honest.bin", 60 * MIB)?;
        stack.proxy.set_line(slow());
        begin(stack, &file, 4).await?;
        stack.page.visit(&stack.control.url()).await?;
        stack.page.wait_for_resumable("honest.bin").await?;
        let browser = stack.page.browser();
        browser.console().await?;
        browser
            .run_async(
                "const database = await new Promise((resolve, reject) => {
                   const request = indexedDB.open('partway');
                   request.onsuccess = () => resolve(request.result);
                   request.onerror = () => reject(request.error);
                 });
                 const store = database.transaction('uploads', 'readwrite').objectStore('uploads');
                 const all = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
                 const [good] = await all(store.getAll());
                 const spoil = {
                   older: { ...good, form: 0 },
                   huge: { ...good, size: 1e30 },
                   fractional: { ...good, steps: [{ from: 1, part_size: 0.5 }] },
                   unplanned: { ...good, steps: [{ from: 1, part_size: 1 }] },
                   tokenless: { ...good, token: 7 },
                   moved: { ...good },
                   text: 'not an entry',
                   nothing: null,
                 };
                 for (const [name, entry] of Object.entries(spoil)) {
                   await all(store.put(entry, `${good.endpoint} ${name}`));
                 }
                 database.close();",
                vec![],
            )
            .await?;
        stack.page.visit(&stack.control.url()).await?;
        stack.page.wait_for_resumable("honest.bin").await?;
        let offered = stack.page.resumables().await?;
        ensure!(offered == ["honest.bin"], "{offered:?}");
        let console = browser.console().await?;
        ensure!(console.iter().any(|line| line.contains("8 of the uploads")), "{console:#?}");
        choose_again(stack, &file).await?;
        arrive(stack, &file).await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_storage_is_denied_uploads_go_on_without_a_journal() -> Test {
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        let result = browser
            .run_async(
                "Object.defineProperty(globalThis, 'indexedDB', { get() { throw new DOMException('denied', 'SecurityError'); } });
                 const { Uploader } = await import('/widget/index.js');
                 const uploader = new Uploader({ endpoint: '/', worker: false });
                 const warnings = [];
                 uploader.addEventListener('warning', ({ detail }) => warnings.push(detail.code));
                 const file = new File(['partway '.repeat(3_000_000)], 'text.txt', { type: 'text/plain' });
                 const { size, verified } = await uploader.upload(file);
                 uploader.close();
                 return { warnings, size, verified };",
                vec![],
            )
            .await?;
        let expected = json!({ "warnings": ["journal_unavailable"], "size": 24_000_000, "verified": "crc64_nvme" });
        ensure!(result == expected, "{result}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_verifies_md5_alone_is_served_by_md5() -> Test {
    Stack::run_with(&[SMALL_PARTS, ("PARTWAY_UPLOADS__CHECKSUM", "md5")], async |stack| {
        let file = stack.file("md5.bin", 40 * MIB)?;
        let first = |request: &partway_tests::proxy::Request| request.part_number() == Some(1);
        let altered = stack.proxy.add(Rule::new(first, Fault::FlipByte { at: 4_321 }));
        stack.page.choose(&[&file]).await?;
        let row = stack.page.wait_for_row("it to end", PATIENTLY, Row::has_ended).await?;
        let status = stack.page.status(row.id).await?;
        ensure!(status["result"]["verified"] == "md5", "{status}");
        ensure!(altered.hits() == 1, "nothing was altered");
        let key = row.key.context("no key")?;
        ensure!(stack.objects.read(&key).await?.sha256 == file.sha256, "other bytes arrived");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_go_as_forms_without_preflights() -> Test {
    Stack::run(async |stack| {
        let files: Result<Vec<RandomFile>> =
            (0..20).map(|n| stack.file(&format!("small-{n}.bin"), 1_000 + n)).collect();
        let files = files?;
        let preflights = stack.proxy.watch(|request| request.method == "OPTIONS");
        let forms = stack.proxy.watch(|request| request.method == "POST");
        stack.page.choose(&files.iter().collect::<Vec<_>>()).await?;
        let rows = stack.page.wait_for_end(20, PATIENTLY).await?;
        for file in &files {
            let row = rows.iter().find(|row| row.name == file.name()).context("a file is not listed")?;
            ensure_arrived(stack, row, file).await?;
        }
        ensure!(
            forms.count() == 20 && preflights.count() == 0,
            "{} forms, {} preflights",
            forms.count(),
            preflights.count()
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_two_names_gets_more_than_six_parts_at_once() -> Test {
    let names = ("PARTWAY_STORE__ENDPOINTS", "http://127.0.0.1:{proxy}, http://localhost:{proxy}");
    Stack::run_with(&[SMALL_PARTS, names], async |stack| {
        let file = stack.file("wide.bin", 100 * MIB)?;
        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always().skip(6));
        let parts = stack.proxy.watch(is_part);
        stack.page.choose(&[&file]).await?;
        let most = wait_for("more than six parts on their way", SOON, async || {
            Ok(Some(parts.most_in_flight()).filter(|&most| most > 6))
        });
        let most = most.await;
        gate.open();
        ensure!(most? <= 12, "more than six to one name");
        arrive(stack, &file).await.map(drop)
    })
    .await
}

/// A proxy's limit on bodies, such as nginx's of 1 MB, which a thousand files exceed.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_a_proxy_finds_too_large_are_cut_in_two() -> Test {
    Stack::run(async |stack| {
        let too_large = |request: &partway_tests::proxy::Request| {
            request.path.starts_with("/v1/uploads") && request.length > 4_000
        };
        let refuse = Fault::Answer { status: 413, headers: vec![], body: "<h1>413</h1>".to_owned() };
        let refused = stack.control.add(Rule::new(too_large, refuse).always());
        let script = "const { Uploader } = await import('/widget/index.js');
             const uploader = new Uploader({ endpoint: '/' });
             const files = Array.from({ length: 200 }, (_, i) => new File([`${i}`], `file-${i}.txt`));
             const uploads = uploader.add(files);
             const results = await Promise.allSettled(uploads.map(({ finished }) => finished));
             uploader.close();
             return results.filter(({ status }) => status === 'fulfilled').length;";
        let arrived = stack.page.browser().run_async(script, vec![]).await?;
        ensure!(arrived == json!(200), "{arrived} of 200 have arrived");
        ensure!(refused.hits() > 0, "nothing was too large");
        Ok(())
    })
    .await
}

/// Requests that go through a service worker report no progress, so that a part on its way looks like one that stands still.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_whose_progress_a_service_worker_hides_arrives_all_the_same() -> Test {
    Stack::run(async |stack| {
        let script = "oninstall = () => skipWaiting();
             onactivate = (event) => event.waitUntil(clients.claim());
             onfetch = (event) => event.respondWith(fetch(event.request));";
        let headers = vec![("content-type", "text/javascript".to_owned())];
        let answer = Fault::Answer { status: 200, headers, body: script.to_owned() };
        stack.control.add(Rule::new(|request| request.path == "/sw.js", answer).always());
        stack.proxy.set_line(Some(Line::new(Duration::from_millis(20)).bytes_per_second(MIB)));
        let puts = stack.proxy.watch(|request| request.method == "PUT");
        let script = "await navigator.serviceWorker.register('/sw.js');
             await navigator.serviceWorker.ready;
             while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));
             const { Uploader } = await import('/widget/index.js');
             const uploader = new Uploader({ endpoint: '/', stallTimeout: 1 });
             const { size } = await uploader.upload(new File([new Uint8Array(5 << 20)], 'hidden.bin'));
             uploader.close();
             return size;";
        let size = stack.page.browser().run_async(script, vec![]).await?;
        ensure!(size == json!(5 * MIB), "{size}");
        ensure!((2..=4).contains(&puts.count()), "{} PUTs: it takes 5 s, and 2, 4 and 8 are waited for", puts.count());
        Ok(())
    })
    .await
}
