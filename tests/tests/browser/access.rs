//! The element for those who see, hear and move otherwise: axe-core finds nothing in any state, and everything
//! can be done by keyboard.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use partway_tests::npm;
use partway_tests::proxy::{Fault, Gate, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

use super::{MIB, PATIENTLY, SOON, Test, is_part};

const RUN_AXE: &str = "const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`)}`);";

const DROP_ZONE: &str = "[part~=dropzone]";

pub(super) struct Auditor {
    axe: String,
}

impl Auditor {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { axe: npm::read(Path::new(env!("CARGO_TARGET_TMPDIR")), "axe-core/axe.min.js")? })
    }

    /// Everything that axe-core finds wrong with the page as it is.
    async fn violations(&self, stack: &Stack) -> Result<Vec<String>> {
        let browser = stack.page.browser();
        // Run by DevTools, it is not under the page's policy.
        if browser.run("return !!window.axe", vec![]).await? == json!(false) {
            browser.devtools("Runtime.evaluate", json!({ "expression": self.axe })).await?;
        }
        Ok(serde_json::from_value(browser.run_async(RUN_AXE, vec![]).await?)?)
    }

    /// Finds nothing, neither in light nor in dark, nor in the colours of somebody's own.
    pub(super) async fn approve(&self, stack: &Stack, state: &str) -> Result<()> {
        for (scheme, forced) in [("light", "none"), ("dark", "none"), ("dark", "active"), ("light", "active")]
        {
            // Without motion, so that no colour is on its way to another one when it is looked at.
            let features = json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "forced-colors", "value": forced },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] });
            stack.page.browser().devtools("Emulation.setEmulatedMedia", features).await?;
            let violations = self.violations(stack).await?;
            ensure!(violations.is_empty(), "{state}, {scheme}, forced colours {forced}: {violations:#?}");
        }
        Ok(())
    }
}

/// Puts another element in the place of the page's.
async fn replace(stack: &Stack, attributes: &Value) -> Result<()> {
    let script = "const element = document.createElement('partway-uploader');
         for (const [name, value] of Object.entries(arguments[0])) element.setAttribute(name, value);
         document.querySelector('partway-uploader').replaceWith(element);";
    stack.page.browser().run(script, vec![attributes.clone()]).await.map(drop)
}

async fn state(stack: &Stack, state: &str) -> Result<()> {
    wait_for(format!("a file to be {state}"), PATIENTLY, async || {
        Ok(stack.page.rows().await?.iter().any(|row| row.state == state).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_any_state() -> Test {
    Stack::run(async |stack| {
        let auditor = Auditor::new()?;
        auditor.approve(stack, "empty").await?;
        let dragged = stack.file("dragged.pdf", 1)?;
        let held = [dragged.path.as_path()];
        stack.page.browser().hold_over(DROP_ZONE, &held).await?;
        let is_over = "return document.querySelector('partway-uploader').shadowRoot.querySelector('[data-over]') !== null";
        ensure!(stack.page.browser().run(is_over, vec![]).await? == json!(true), "nobody noticed the file");
        auditor.approve(stack, "dragging").await?;
        stack.page.browser().drag_away(DROP_ZONE, &held).await?;

        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always());
        let small = stack.file("small.pdf", MIB)?;
        let large = stack.file("A film of the mountains with a long name.mov", 40 * MIB)?;
        stack.page.choose(&[&small, &large]).await?;
        state(stack, "completed").await?;
        auditor.approve(stack, "uploading").await?;
        stack.page.browser().click("[data-command=pauseAll]").await?;
        state(stack, "paused").await?;
        auditor.approve(stack, "paused").await?;

        // Duplicates are left out with a word.
        stack.page.choose(&[&small]).await?;
        wait_for("a word about it", SOON, async || {
            Ok(stack.page.notices().await?.contains("already in the list").then_some(()))
        })
        .await?;
        auditor.approve(stack, "left out").await?;
        stack.page.browser().click("[data-command=cancelAll]").await?;
        state(stack, "cancelled").await?;
        auditor.approve(stack, "cancelled").await?;
        stack.page.browser().click("[data-command=clear]").await?;
        stack.page.choose(&[&small]).await?;
        state(stack, "completed").await?;
        auditor.approve(stack, "completed").await?;

        replace(stack, &json!({ "endpoint": ".", "destination": "nowhere" })).await?;
        stack.page.choose(&[&small]).await?;
        state(stack, "failed").await?;
        auditor.approve(stack, "failed").await?;

        let restricted = json!({ "endpoint": ".", "start": "manual", "folders": "", "capture": "", "max-size": "2 MiB",
            "accept": "image/*,.pdf" });
        replace(stack, &restricted).await?;
        stack.page.choose(&[&small]).await?;
        state(stack, "ready").await?;
        auditor.approve(stack, "ready, with restrictions").await?;
        replace(stack, &json!({ "endpoint": ".", "disabled": "" })).await?;
        auditor.approve(stack, "disabled").await?;
        replace(stack, &json!({})).await?;
        auditor.approve(stack, "without an endpoint").await?;

        // It would have been found.
        let wrong = "document.querySelector('main').append(document.createElement('button'));";
        stack.page.browser().run(wrong, vec![]).await?;
        let found = auditor.violations(stack).await?;
        ensure!(found.iter().any(|violation| violation.starts_with("button-name")), "{found:#?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_what_can_be_resumed() -> Test {
    Stack::run_with(&[("PARTWAY_UPLOADS__PART_SIZE", "5 MiB")], async |stack| {
        let auditor = Auditor::new()?;
        let third =
            |request: &partway_tests::proxy::Request| request.part_number().is_some_and(|number| number > 2);
        stack.proxy.add(Rule::new(third, Fault::Hold(Gate::default())).always());
        let file = stack.file("interrupted.zip", 40 * MIB)?;
        stack.page.choose(&[&file]).await?;
        wait_for("two parts", PATIENTLY, async || {
            let Some(row) = stack.page.rows().await?.pop() else { return Ok(None) };
            Ok((stack.page.status(row.id).await?["partsStored"].as_u64() >= Some(2)).then_some(()))
        })
        .await?;
        stack.page.visit(&stack.control.url()).await?;
        stack.page.wait_for_resumable("interrupted.zip").await?;
        auditor.approve(stack, "resumable").await
    })
    .await
}

/// What has the focus, by its command, action or part.
async fn focus(stack: &Stack) -> Result<String> {
    let script = "const focus = document.querySelector('partway-uploader').shadowRoot.activeElement;
         const row = focus?.closest('[data-id]')?.dataset.id;
         return focus && `${row ?? ''}${focus.dataset.action ?? focus.dataset.command ?? focus.getAttribute('part')}`;";
    let focus = stack.page.browser().run(script, vec![]).await?;
    Ok(focus.as_str().unwrap_or("nothing").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_done_by_keyboard_and_the_focus_is_kept() -> Test {
    Stack::run(async |stack| {
        let gate = Gate::default();
        stack.proxy.add(Rule::new(is_part, Fault::Hold(gate.clone())).always());
        let files = [stack.file("one.bin", 20 * MIB)?, stack.file("two.bin", 21 * MIB)?];
        stack.page.choose(&files.each_ref()).await?;
        wait_for("both to be uploading", SOON, async || {
            let rows = stack.page.rows().await?;
            Ok((rows.len() == 2 && rows.iter().all(|row| row.state == "uploading")).then_some(()))
        })
        .await?;

        let browser = stack.page.browser();
        browser
            .run("document.activeElement?.blur(); window.getSelection().removeAllRanges();", vec![])
            .await?;
        let mut order = Vec::new();
        for _ in 0..8 {
            browser.press("Tab").await?;
            order.push(focus(stack).await?);
        }
        let expected =
            ["choose", "choose-folder", "pauseAll", "cancelAll", "1pause", "1cancel", "2pause", "2cancel"];
        ensure!(order == expected, "{order:?}");

        // Arrows go between files, and a button that another one replaces hands it the focus.
        browser.press("ArrowUp").await?;
        ensure!(focus(stack).await? == "1cancel", "{}", focus(stack).await?);
        browser.press("ArrowDown").await?;
        browser.press("Enter").await?;
        state(stack, "cancelled").await?;
        wait_for("the focus to follow", SOON, async || Ok((focus(stack).await? == "2remove").then_some(())))
            .await?;
        // Of a row that goes, the next one; at last the place where files come in.
        browser.press("Enter").await?;
        wait_for("the focus on the other row", SOON, async || {
            Ok((focus(stack).await? == "1pause").then_some(()))
        })
        .await?;
        gate.open();
        state(stack, "completed").await?;
        wait_for("its row to offer removal", SOON, async || {
            Ok((focus(stack).await? == "1remove").then_some(()))
        })
        .await?;
        browser.press("Enter").await?;
        wait_for("the focus to be kept", SOON, async || Ok((focus(stack).await? == "choose").then_some(())))
            .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_tell_of_many_files_in_few_sentences() -> Test {
    Stack::run(async |stack| {
        let listen = "window.heard = [];
             const live = document.querySelector('partway-uploader').shadowRoot.querySelector('[role=status]');
             new MutationObserver(() => heard.push(live.textContent)).observe(live, { childList: true, characterData: true, subtree: true });
             await document.querySelector('partway-uploader')
               .add(Array.from({ length: 30 }, (_, i) => new File([`${i}`], `${i}.txt`)));";
        let browser = stack.page.browser();
        browser.run_async(listen, vec![]).await?;
        let heard = wait_for("the end to be announced", SOON, async || {
            let heard: Vec<String> = serde_json::from_value(browser.run("return heard", vec![]).await?)?;
            Ok(heard.last().is_some_and(|last| last.ends_with("30 files uploaded")).then_some(heard))
        })
        .await
        .context("what a screen reader hears")?;
        ensure!(heard[0].starts_with("30 files added"), "{heard:?}");
        ensure!(heard.len() <= 4, "it chatters: {heard:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_motion_gets_none() -> Test {
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        let read = "const { shadowRoot } = document.querySelector('partway-uploader');
             return getComputedStyle(shadowRoot.querySelector('[part~=dropzone]')).transitionDuration;";
        let before = browser.run(read, vec![]).await?;
        let features = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
        browser.devtools("Emulation.setEmulatedMedia", features).await?;
        let after = browser.run(read, vec![]).await?;
        ensure!(before != after && after == "0s", "{before} and {after}");
        Ok(())
    })
    .await
}
