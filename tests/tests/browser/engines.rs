//! What people do most, in every engine: upload, watch, pause, go on after a reload, cancel, try again.

use anyhow::{Context, Result, ensure};
use partway_tests::browser::Engine;
use partway_tests::page::Row;
use partway_tests::proxy::{Fault, Gate, Line, Request, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use std::time::Duration;

use super::{MIB, PATIENTLY, SOON, Test, ensure_arrived, ensure_nothing_arrived, is_part, is_part_number};

/// Parts as small as S3 takes them, so that there are many.
const SMALL_PARTS: (&str, &str) = ("PARTWAY_UPLOADS__PART_SIZE", "5 MiB");
const SIZE: u64 = 64 * MIB;

/// One test of each scenario in each engine.
macro_rules! in_every_engine {
    ($($scenario:ident)*) => {
        in_every_engine!(@ chromium Chromium, $($scenario)*);
        in_every_engine!(@ firefox Firefox, $($scenario)*);
        in_every_engine!(@ webkit WebKit, $($scenario)*);
    };
    (@ $module:ident $engine:ident, $($scenario:ident)*) => {
        mod $module {
            use super::{Engine, Test};

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() -> Test {
                super::$scenario(Engine::$engine).await
            })*
        }
    };
}

in_every_engine! {
    a_file_arrives_in_parts_and_its_progress_is_seen
    a_pause_holds_until_it_ends
    an_upload_goes_on_after_a_reload_with_its_file_chosen_again
    cancelling_leaves_nothing
    a_failure_is_shown_and_a_retry_goes_on
}

/// On which the file takes some seconds.
fn slow() -> Option<Line> {
    Some(Line::new(Duration::from_millis(10)).bytes_per_second(24 * MIB))
}

async fn a_file_arrives_in_parts_and_its_progress_is_seen(engine: Engine) -> Test {
    Stack::run_in(engine, &[SMALL_PARTS], async |stack| {
        let file = stack.file("watched.bin", SIZE)?;
        stack.proxy.set_line(slow());
        let parts = stack.proxy.watch(is_part);
        stack.page.choose(&[&file]).await?;
        let id = stack.page.wait_for_row("its row", SOON, |_| true).await?.id;
        let mut seen = Vec::new();
        wait_for("it to end", PATIENTLY, async || {
            let status = stack.page.status(id).await?;
            seen.push(status["uploaded"].as_u64().context("nothing is said of its progress")?);
            Ok((status["state"] == "completed").then_some(()))
        })
        .await?;
        let rows = stack.page.wait_for_end(1, SOON).await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        ensure!(seen.is_sorted(), "progress ran back: {seen:?}");
        let between = seen.iter().filter(|&&uploaded| 0 < uploaded && uploaded < SIZE).count();
        ensure!(between >= 3, "progress was hardly seen: {seen:?}");
        ensure!(parts.count() >= 13, "only {} parts", parts.count());
        ensure!(parts.most_in_flight() >= 2, "only one part at a time");
        Ok(())
    })
    .await
}

async fn a_pause_holds_until_it_ends(engine: Engine) -> Test {
    Stack::run_in(engine, &[SMALL_PARTS], async |stack| {
        let file = stack.file("paused.bin", SIZE)?;
        stack.proxy.set_line(slow());
        let id = begin(stack, &file, 2).await?.id;
        stack.page.press(id, "pause").await?;
        stack.page.wait_for_row("the pause", SOON, |row| row.state == "paused").await?;
        let parts = stack.proxy.watch(is_part);
        let before = stack.page.status(id).await?["partsStored"].clone();
        stack.page.press(id, "resume").await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        let stored = before.as_u64().context("no number of parts")?;
        ensure!(stored >= 2, "{stored} parts were stored");
        ensure!(
            parts.count() <= 13 - stored + 1,
            "{} parts were sent after {stored} were stored",
            parts.count()
        );
        Ok(())
    })
    .await
}

async fn an_upload_goes_on_after_a_reload_with_its_file_chosen_again(engine: Engine) -> Test {
    Stack::run_in(engine, &[SMALL_PARTS], async |stack| {
        let file = stack.file("reloaded.bin", SIZE)?;
        stack.proxy.set_line(slow());
        begin(stack, &file, 4).await?;
        // Without the question whether one wants to leave, which is for people.
        stack.page.browser().run("window.onbeforeunload = null", vec![]).await?;
        stack.page.visit(&stack.control.url()).await?;
        let parts = stack.proxy.watch(is_part);
        stack.page.wait_for_resumable(file.name()).await?;
        stack.page.choose(&[&file]).await?;
        let rows = stack.page.wait_for_end(1, PATIENTLY).await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        ensure!(parts.count() <= 13 - 4 + 1, "{} parts were sent again", parts.count());
        ensure!(stack.page.resumables().await?.is_empty(), "what has arrived is still offered");
        Ok(())
    })
    .await
}

async fn cancelling_leaves_nothing(engine: Engine) -> Test {
    Stack::run_in(engine, &[SMALL_PARTS], async |stack| {
        let file = stack.file("cancelled.bin", SIZE)?;
        let gate = Gate::default();
        let later = |request: &Request| request.part_number().is_some_and(|number| number > 2);
        stack.proxy.add(Rule::new(later, Fault::Hold(gate.clone())).always());
        let id = begin(stack, &file, 2).await?.id;
        stack.page.press(id, "cancel").await?;
        stack.page.wait_for_row("the upload to be cancelled", SOON, |row| row.state == "cancelled").await?;
        gate.open();
        ensure!(stack.objects.open_uploads().await?.is_empty(), "parts are left");
        ensure_nothing_arrived(stack).await
    })
    .await
}

async fn a_failure_is_shown_and_a_retry_goes_on(engine: Engine) -> Test {
    Stack::run_in(engine, &[SMALL_PARTS], async |stack| {
        let file = stack.file("refused.bin", SIZE)?;
        // The last, which is sent once others are stored: six go at once.
        let refusal =
            stack.proxy.add(Rule::new(is_part_number(13), Fault::s3_error(400, "InvalidArgument")).always());
        stack.page.choose(&[&file]).await?;
        let row = stack.page.wait_for_row("an error", PATIENTLY, Row::has_ended).await?;
        ensure!(row.state == "failed" && row.code.as_deref() == Some("part_refused"), "{row:?}");
        ensure!(refusal.hits() > 0, "nothing was refused");
        stack.proxy.clear();
        let parts = stack.proxy.watch(is_part);
        stack.page.press(row.id, "retry").await?;
        let rows = wait_for("it to arrive", PATIENTLY, async || {
            let rows = stack.page.rows().await?;
            // What details it has is loaded once there are some to show.
            Ok(rows.iter().all(|row| row.state == "completed" && row.checksum.is_some()).then_some(rows))
        })
        .await?;
        ensure_arrived(stack, &rows[0], &file).await?;
        ensure!(parts.count() < 13, "everything was sent again: {} parts", parts.count());
        Ok(())
    })
    .await
}

/// Chooses a file and waits until so many of its parts are stored.
async fn begin(stack: &Stack, file: &partway_tests::files::RandomFile, parts: u64) -> Result<Row> {
    stack.page.choose(&[file]).await?;
    wait_for(format!("{parts} parts to be stored"), PATIENTLY, async || {
        let Some(row) = stack.page.rows().await?.pop() else { return Ok(None) };
        let status = stack.page.status(row.id).await?;
        Ok((status["partsStored"].as_u64() >= Some(parts)).then_some(row))
    })
    .await
}
