//! Objects that the store copies for a page: at once and in parts, over lines that break.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use partway_tests::files::RandomFile;
use partway_tests::proxy::{Fault, Gate, Request, Rule};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

use super::{MIB, SOON, Test};

const OPEN: [(&str, &str); 4] = [
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__ALLOW", "get,copy"),
    ("PARTWAY_DESTINATIONS__DEFAULT__OBJECTS__SCOPE", ""),
    ("PARTWAY_UPLOADS__COPY_THRESHOLD", "5MiB"),
    ("PARTWAY_UPLOADS__COPY_PART_SIZE", "5MiB"),
];

const HELPERS: &str = "const { Uploader } = await import('/widget/index.js');
    const uploader = new Uploader({ endpoint: '/', maxAttempts: 5 });
    const fault = ({ name, code, field, retryable, message }) => ({ name, code, field, retryable, message });
    const attempt = (copy) => uploader.copy(copy).finished.then((result) => result, fault);\n";

async fn run(stack: &Stack, body: &str) -> Result<Value> {
    stack.page.browser().run_async(&format!("{HELPERS}{body}"), vec![]).await
}

/// Stores a file of random bytes as an object of its name.
async fn stored(stack: &Stack, name: &str, size: u64) -> Result<RandomFile> {
    let file = stack.file(name, size)?;
    stack.objects.put(name, fs::read(&file.path)?).await?;
    Ok(file)
}

fn is_part(request: &Request) -> bool {
    request.part_number().is_some()
}

async fn ensure_copied(stack: &Stack, key: &str, file: &RandomFile) -> Test {
    let content = stack.objects.read(key).await?;
    ensure!(content.size == file.size && content.sha256 == file.sha256, "{key} is not what was copied");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_any_size_are_copied_without_a_byte_through_the_page() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let bodies = stack.proxy.watch(|request| request.method == "PUT" && request.length > 0);
        let parts = stack.proxy.watch(is_part);
        for size in [0, 5 * MIB, 23 * MIB] {
            let file = stored(stack, "the film.bin", size).await?;
            let seen = run(
                stack,
                "const upload = uploader.copy({ from: { key: 'the film.bin' }, to: { key: 'copies/one.bin' }, metadata: { a: 'b' } });
                 const before = { name: upload.name, file: upload.file ?? null, size: upload.status.size, active: uploader.active };
                 const statuses = [];
                 for await (const { state, uploaded, size } of upload) statuses.push([state, uploaded, size]);
                 const { key, verified, partCount } = upload.result;
                 uploader.close();
                 return { before, states: [...new Set(statuses.map(([state]) => state))], last: statuses.at(-1), key, verified, partCount };",
            )
            .await?;
            ensure!(seen["before"] == json!({ "name": "one.bin", "file": null, "size": 0, "active": 1 }), "{seen}");
            ensure!(seen["last"] == json!(["completed", size, size]) && seen["verified"] == "crc64_nvme", "{seen}");
            ensure!(seen["key"] == "copies/one.bin" && seen["partCount"] == size.div_ceil(5 * MIB).max(1), "{seen}");
            ensure_copied(stack, "copies/one.bin", &file).await?;
            stack.objects.delete("copies/one.bin").await?;
        }
        ensure!(parts.count() == 5 && bodies.count() == 0, "{} parts, {} bodies", parts.count(), bodies.count());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_fail_are_copied_again_even_where_the_status_was_200() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "film.bin", 30 * MIB).await?;
        let error = |code: &str| {
            format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>later</Message></Error>")
        };
        let answer = |status, body| Fault::Answer {
            status,
            headers: vec![("access-control-allow-origin", "*".to_owned())],
            body,
        };
        let faults = [
            answer(200, error("InternalError")),
            answer(200, String::new()),
            answer(503, error("SlowDown")),
            Fault::Reset { after: 0 },
            Fault::LoseAnswer,
        ];
        let faults = (1..).zip(faults).map(|(number, fault)| {
            stack.proxy.add(Rule::new(move |request| request.part_number() == Some(number), fault))
        });
        let faults: Vec<_> = faults.collect();
        let created = stack.control.add(Rule::new(|request| request.path == "/v1/copies", Fault::LoseAnswer));
        let seen = run(
            stack,
            "const { key } = await uploader.copy({ from: { key: 'film.bin' } }).finished;
             uploader.close();
             return key;",
        )
        .await?;
        ensure!(faults.iter().all(|rule| rule.hits() == 1) && created.hits() == 1, "{faults:?}");
        let key = seen.as_str().unwrap_or_default();
        ensure!(key.ends_with("/film.bin"), "{seen}");
        ensure_copied(stack, key, &file).await?;
        let mut keys = stack.objects.keys().await?;
        keys.retain(|other| other.ends_with("film.bin"));
        ensure!(keys.len() == 2, "asking twice was asking twice: {keys:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_paused_and_resumed_and_one_that_is_cancelled_leaves_nothing() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        let file = stored(stack, "film.bin", 60 * MIB).await?;
        // So slow that it can be halted in the middle.
        stack.proxy.add(Rule::new(is_part, Fault::Delay(Duration::from_millis(300))).always());
        let seen = run(
            stack,
            "const begun = async (upload) => { for await (const { uploaded } of upload) if (uploaded > 0) return; };
             const paused = uploader.copy({ from: { key: 'film.bin' }, to: { key: 'paused.bin' } });
             const cancelled = uploader.copy({ from: { key: 'film.bin' }, to: { key: 'cancelled.bin' } });
             const controller = new AbortController();
             const aborted = uploader.copy({ from: { key: 'film.bin' }, to: { key: 'aborted.bin' } }, { signal: controller.signal });
             await Promise.all([begun(paused), begun(cancelled)]);
             const halted = [paused.pause(), cancelled.cancel()];
             controller.abort();
             const codes = await Promise.all([cancelled, aborted].map(({ finished }) => finished.catch(fault).then(({ code }) => code)));
             const kept = [paused.state, paused.status.uploaded > 0, paused.resume()];
             await paused.finished;
             uploader.close();
             return [halted, codes, kept];",
        )
        .await?;
        ensure!(seen == json!([[true, true], ["cancelled", "cancelled"], ["paused", true, true]]), "{seen}");
        ensure_copied(stack, "paused.bin", &file).await?;
        wait_for("the cancelled copies to be gone", SOON, async || {
            let open = stack.objects.open_uploads().await?;
            let mut keys = stack.objects.keys().await?;
            keys.retain(|key| !key.starts_with('.'));
            Ok((open.is_empty() && keys == ["film.bin", "paused.bin"]).then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_is_refused_with_its_reason() -> Test {
    Stack::run_with(&OPEN, async |stack| {
        stored(stack, "film.bin", 30 * MIB).await?;
        let seen = run(
            stack,
            "const thrown = [];
             for (const copy of [undefined, {}, { from: 'film.bin' }, { from: { key: 'a' }, colour: 'red' }, { from: { key: 'a', version_id: 'b' } },
               { from: { key: 'a' }, tags: { a: 1 } }]) try { uploader.copy(copy); } catch ({ name }) { thrown.push(name); }
             const failed = [
               await attempt({ from: { key: 'never' } }),
               await attempt({ from: { key: 'film.bin', etag: 'another' } }),
               await attempt({ from: { key: 'film.bin' }, to: { key: '../up' } }),
               await attempt({ from: { key: 'film.bin', destination: 'elsewhere' } }),
             ].map(({ code, field }) => [code, field ?? null]);
             const kept = uploader.uploads.length;
             uploader.close();
             return { thrown, failed, kept };",
        )
        .await?;
        ensure!(seen["thrown"] == json!(vec!["TypeError"; 6]) && seen["kept"] == 4, "{seen}");
        let failed = json!([
            ["object_not_found", "from.key"],
            ["object_changed", "from.etag"],
            ["invalid_field", "to.key"],
            ["unknown_destination", "from.destination"]
        ]);
        ensure!(seen["failed"] == failed, "{seen}");

        // Replaced while it is copied.
        let held = Gate::default();
        let gate = stack.proxy.add(Rule::new(|request| request.part_number() == Some(6), Fault::Hold(held.clone())));
        let begun = "window.uploader = uploader;
             window.copied = attempt({ from: { key: 'film.bin' }, to: { key: 'torn.bin' } });";
        run(stack, begun).await?;
        wait_for("the last part", SOON, async || Ok((gate.hits() == 1).then_some(()))).await?;
        stored(stack, "film.bin", 31 * MIB).await?;
        held.open();
        let seen = stack.page.browser().run_async("return await window.copied;", vec![]).await?;
        ensure!(seen["code"] == "object_changed" && seen["retryable"] == false, "{seen}");
        let cancelled = "return window.uploader.uploads[0].cancel();";
        ensure!(stack.page.browser().run_async(cancelled, vec![]).await? == true, "what is there of it can be removed");
        wait_for("the torn copy to be gone", SOON, async || Ok(stack.objects.open_uploads().await?.is_empty().then_some(()))).await
    })
    .await
}
