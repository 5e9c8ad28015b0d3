//! Pages that are set up wrongly: people get one sentence, and developers one on the console.

use anyhow::{Context, Result, ensure};
use partway_tests::page::Row;
use partway_tests::proxy::{Fault, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;

use super::worker::serve;
use super::{MIB, PATIENTLY, SOON, Test};

/// A page with an element.
fn page(attributes: &str) -> String {
    format!(
        "<!doctype html><html lang=en><title>Misuse</title><script type=module src=/widget/element.js></script>
         <partway-uploader {attributes}></partway-uploader>"
    )
}

async fn open(stack: &Stack, attributes: &str, policy: &[(&'static str, &str)]) -> Result<()> {
    stack.control.clear();
    serve(&stack.control, "/misuse", policy, page(attributes));
    let browser = stack.page.browser();
    browser.console().await?;
    browser.open(&format!("{}/misuse", stack.control.url())).await
}

/// What the element tells a user: in a row, or in place of everything.
async fn sentence(stack: &Stack) -> Result<String> {
    wait_for("a sentence for the user", PATIENTLY, async || {
        let read = "const { shadowRoot } = document.querySelector('partway-uploader');
             return shadowRoot?.querySelector('[part~=problem] p, [part~=error-text]')?.textContent ?? null;";
        Ok(stack.page.browser().run(read, vec![]).await?.as_str().map(str::to_owned))
    })
    .await
}

/// The only line of ours on the console.
async fn advice(stack: &Stack) -> Result<String> {
    let mut lines = Vec::new();
    wait_for("a line on the console", PATIENTLY, async || {
        let console = stack.page.browser().console().await?;
        lines.extend(console.into_iter().filter(|line| line.contains("Partway:")));
        Ok((!lines.is_empty()).then_some(()))
    })
    .await?;
    ensure!(lines.len() == 1, "{lines:#?}");
    lines.pop().context("no line")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_missing_or_no_address_is_said_at_once() -> Test {
    Stack::run(async |stack| {
        for attributes in ["", "endpoint='ftp://nowhere'", "endpoint='http://'"] {
            open(stack, attributes, &[]).await?;
            let sentence = sentence(stack).await?;
            ensure!(sentence.contains("not set up correctly"), "{sentence}");
            let advice = advice(stack).await?;
            ensure!(advice.contains("Set the attribute endpoint"), "{advice}");
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_where_there_is_no_partway_is_named() -> Test {
    Stack::run(async |stack| {
        open(stack, "endpoint='/somewhere/else'", &[]).await?;
        stack.page.choose(&[&stack.file("lost.bin", MIB)?]).await?;
        let sentence = sentence(stack).await?;
        ensure!(
            sentence.starts_with("Something else than the upload server answered")
                || sentence.contains("not set up correctly"),
            "{sentence}"
        );
        let advice = advice(stack).await?;
        ensure!(advice.contains("404") || advice.contains("nothing here"), "{advice}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_answers_in_html_is_named() -> Test {
    Stack::run(async |stack| {
        open(stack, "endpoint='/'", &[]).await?;
        let html = Fault::Answer {
            status: 200,
            headers: vec![("content-type", "text/html".to_owned())],
            body: "<!doctype html><title>Sign in</title>".to_owned(),
        };
        stack.control.add(Rule::new(|request| request.path == "/v1/uploads", html).always());
        stack.page.choose(&[&stack.file("behind.bin", MIB)?]).await?;
        let advice = advice(stack).await?;
        ensure!(advice.contains("server_misbehaved") && advice.contains("proxy"), "{advice}");
        let sentence = sentence(stack).await?;
        ensure!(sentence.contains("sign in to your network"), "{sentence}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_know_the_page_is_told_from_one_that_is_away() -> Test {
    Stack::run(async |stack| {
        // The server by its own address is another origin than the proxy that the page comes from.
        open(stack, &format!("endpoint='{}'", stack.server.url()), &[]).await?;
        let file = stack.file("refused.bin", MIB)?;
        stack.page.choose(&[&file]).await?;
        let told = advice(stack).await?;
        let allow = format!("add {} to server.allowed_origins", stack.control.url());
        ensure!(told.contains(&allow), "{told}");
        let waits = |row: &Row| row.word == "Waiting for the upload server";
        stack.page.wait_for_row("a word about it", SOON, waits).await?;

        open(stack, "endpoint='http://127.0.0.1:9'", &[]).await?;
        stack.page.choose(&[&file]).await?;
        let told = advice(stack).await?;
        ensure!(told.contains("Nothing answers at http://127.0.0.1:9"), "{told}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_forbids_webassembly_is_named() -> Test {
    Stack::run(async |stack| {
        let policy = [("content-security-policy", "script-src 'self'; worker-src 'none'")];
        open(stack, "endpoint='/'", &policy).await?;
        stack.page.choose(&[&stack.file("blocked.bin", MIB)?]).await?;
        let sentence = sentence(stack).await?;
        ensure!(sentence.contains("try a newer browser"), "{sentence}");
        let advice = advice(stack).await?;
        ensure!(advice.contains("'wasm-unsafe-eval'"), "{advice}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_webassembly_is_told_so() -> Test {
    Stack::run(async |stack| {
        open(stack, "endpoint='/'", &[("content-security-policy", "worker-src 'none'")]).await?;
        stack.page.browser().run("delete globalThis.WebAssembly", vec![]).await?;
        stack.page.choose(&[&stack.file("old.bin", MIB)?]).await?;
        let sentence = sentence(stack).await?;
        ensure!(sentence.contains("try a newer browser"), "{sentence}");
        let advice = advice(stack).await?;
        ensure!(advice.contains("no WebAssembly"), "{advice}");
        Ok(())
    })
    .await
}
