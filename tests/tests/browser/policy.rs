//! The element under the strictest Content-Security-Policy that it works under, which is the one that
//! the package's README gives; and without the one thing that it cannot do without.

use std::fs;

use anyhow::{Context, Result, ensure};
use partway_tests::objects::Content;
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::json;

use super::worker::{ENGINE_IN_PAGE, serve};
use super::{MIB, SOON, Test};

/// The README's policy for a server and a store.
fn strict(stack: &Stack) -> Result<String> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../web/npm/README.md"))?;
    let policy = readme.lines().find(|line| line.starts_with("default-src 'none';"));
    let policy = policy.context("the README gives no policy")?;
    let stores = "https://uploads.example https://bucket.s3.eu-central-1.amazonaws.com";
    ensure!(policy.contains(stores), "it names other servers: {policy}");
    Ok(policy.replace(stores, &stack.proxy.url()))
}

/// A page with the element, which notes what its policy refuses.
async fn open(stack: &Stack, policy: &str) -> Result<()> {
    let front = &stack.control;
    let html = "<!doctype html><title>Strict</title><script src='/widget/element.js' type=module></script>
        <partway-uploader endpoint='.'></partway-uploader>";
    serve(front, "/strict", &[("content-security-policy", policy)], html.to_owned());
    let browser = stack.page.browser();
    browser.console().await?;
    browser.open(&format!("{}/strict", front.url())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_needs_no_more_than_the_readme_says() -> Test {
    Stack::run(async |stack| {
        open(stack, &strict(stack)?).await?;
        let file = stack.file("strict.bin", 20 * MIB)?;
        let browser = stack.page.browser();
        wait_for("an input", SOON, async || Ok(browser.choose("input[type=file]", &[&file.path]).await.ok()))
            .await?;
        let key =
            wait_for("the file to arrive", SOON, async || Ok(stack.objects.keys().await?.pop())).await?;
        let content = stack.objects.read(&key).await?;
        ensure!(content == Content { size: file.size, sha256: file.sha256 }, "it arrived as something else");

        let loaded = browser.run(ENGINE_IN_PAGE, vec![]).await?;
        ensure!(loaded == json!([]), "there was no worker: the page has loaded {loaded}");
        let height = "return document.querySelector('partway-uploader').getBoundingClientRect().height";
        ensure!(browser.run(height, vec![]).await?.as_f64() > Some(100.0), "nothing is to be seen of it");
        let console = browser.console().await?;
        let refused: Vec<&String> = console.iter().filter(|line| !line.contains("favicon")).collect();
        ensure!(refused.is_empty(), "{refused:#?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_refuses_wasm_is_named() -> Test {
    Stack::run(async |stack| {
        open(stack, &strict(stack)?.replace(" 'wasm-unsafe-eval'", "")).await?;
        let error = stack
            .page
            .browser()
            .run_async(
                "const { Uploader } = await import('/widget/index.js');
                 const uploader = new Uploader({ endpoint: '.', worker: false });
                 const { code, message } = await uploader.load().then(() => ({}), (error) => error);
                 return { code, message };",
                vec![],
            )
            .await?;
        ensure!(error["code"] == "engine_unavailable", "{error}");
        ensure!(
            error["message"].as_str().is_some_and(|message| message.contains("'wasm-unsafe-eval'")),
            "{error}"
        );
        Ok(())
    })
    .await
}
