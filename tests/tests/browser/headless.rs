//! The API without the element.

use anyhow::ensure;
use partway_tests::proxy::{Fault, Rule};
use partway_tests::stack::Stack;
use serde_json::json;

use super::{MIB, Test};

#[tokio::test(flavor = "multi_thread")]
async fn uploads_wait_for_a_start_and_can_be_subscribed_to_and_iterated() -> Test {
    Stack::run(async |stack| {
        let script = "const { Uploader } = await import('/widget/index.js');
             const uploader = new Uploader({ endpoint: '/' });
             const snapshots = [];
             const stop = uploader.subscribe((snapshot) => snapshots.push(snapshot));
             const [one, two, three] = uploader.add(['one', 'two', 'three'].map((name) => new File([new Uint8Array(18 << 20)], name)), { start: false });
             const ready = [one.state, uploader.active, three.remove(), uploader.uploads.length];
             const started = [one.start(), one.start(), uploader.active];
             const same = uploader.snapshot === uploader.snapshot;
             const states = [];
             for await (const { state, uploaded } of one) states.push([state, uploaded]);
             uploader.startAll();
             const overall = [];
             for await (const { uploaded } of uploader) overall.push(uploaded);
             stop();
             const told = snapshots.length;
             uploader.add(new File(['x'], 'x'), { start: false });
             const frozen = Object.isFrozen(snapshots[0]) && snapshots[0].uploads.length === 0;

             const cancelled = uploader.add(new File([new Uint8Array(18 << 20)], 'cancelled'));
             setTimeout(() => cancelled.cancel(), 20);
             const thrown = await (async () => { for await (const status of cancelled); })().then(() => null, ({ name, code, retryable }) => [name, code, retryable]);
             uploader.close();
             return { ready, started, same, first: states[0][0], last: states.at(-1), sorted: states.every(([, n], i) => i === 0 || n >= states[i - 1][1]),
               overall: overall.at(-1), told, quiet: snapshots.length === told, frozen, thrown, two: two.state };";
        let seen = stack.page.browser().run_async(script, vec![]).await?;
        ensure!(seen["ready"] == json!(["ready", 0, true, 2]), "{seen}");
        ensure!(seen["started"] == json!([true, false, 1]) && seen["same"] == true, "{seen}");
        ensure!(seen["first"] == "waiting" && seen["last"] == json!(["completed", 18 * MIB]), "{seen}");
        ensure!(seen["sorted"] == true && seen["overall"] == 18 * MIB && seen["two"] == "completed", "{seen}");
        ensure!(seen["told"].as_u64() > Some(3) && seen["quiet"] == true && seen["frozen"] == true, "{seen}");
        ensure!(seen["thrown"] == json!(["AbortError", "cancelled", false]), "{seen}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_once_and_anew_when_it_has_expired() -> Test {
    Stack::run(async |stack| {
        let expired = Fault::Answer { status: 401, headers: vec![], body: String::new() };
        let is_stale = |request: &partway_tests::proxy::Request| {
            request.path.starts_with("/v1/") && request.authorization.as_deref() == Some("Bearer stale")
        };
        let refused = stack.control.add(Rule::new(is_stale, expired).always());
        let fresh = stack.control.watch(|request| request.authorization.as_deref() == Some("Bearer fresh"));
        let bare = stack.control.watch(|request| request.path.starts_with("/v1/") && request.authorization.is_none());
        let script = "const { Uploader } = await import('/widget/index.js');
             let asked = 0;
             const token = async () => (asked++ === 0 ? 'stale' : 'fresh');
             const uploader = new Uploader({ endpoint: '/', token, worker: args[0] });
             const results = await Promise.all([1, 2, 3].map((n) => uploader.upload(new File([new Uint8Array(n)], `${n}.bin`))));
             await uploader.upload(new File([new Uint8Array(20 << 20)], 'large.bin'));
             uploader.close();
             return [asked, results.length];";
        for worker in [true, false] {
            let before = refused.hits();
            let seen = stack.page.browser().run_async(script, vec![json!(worker)]).await?;
            ensure!(seen == json!([2, 3]), "asked so often, so many results: {seen}");
            ensure!(refused.hits() > before, "the stale token was never sent");
        }
        ensure!(fresh.count() >= 4 && bare.count() == 0, "{} and {}", fresh.count(), bare.count());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_had_is_waited_for_and_named() -> Test {
    Stack::run(async |stack| {
        let script = "const { Uploader } = await import('/widget/index.js');
             let asked = 0;
             const token = () => {
               asked += 1;
               if (asked < 3) throw new Error('signed out');
               return 'late';
             };
             const uploader = new Uploader({ endpoint: '/', token });
             const upload = uploader.add(new File(['x'], 'x.txt'));
             const waitedFor = new Set();
             for await (const { waitingFor } of upload) waitedFor.add(waitingFor ?? null);
             uploader.close();
             return [asked, upload.state, waitedFor.has('credentials_unavailable')];";
        let seen = stack.page.browser().run_async(script, vec![]).await?;
        ensure!(seen == json!([3, "completed", true]), "{seen}");
        Ok(())
    })
    .await
}
