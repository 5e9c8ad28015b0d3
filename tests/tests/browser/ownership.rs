//! What was interrupted belongs to an endpoint, a destination and a user; cookies say who that is.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Result, ensure};
use partway_tests::proxy::{Fault, Gate, Rule};
use partway_tests::stack::Stack;
use serde_json::json;

use super::Test;

const SECRET: &str = "the application and the server share this secret";

/// What the page's scripts share: an uploader as somebody, and what is in the journal.
const HELPERS: &str = r#"
    const { Uploader } = await import('/widget/index.js');
    const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const utf8 = (text) => new TextEncoder().encode(text);
    const sign = async (sub) => {
      const claims = { sub, aud: 'partway', exp: Math.floor(Date.now() / 1000) + 600 };
      const message = [{ alg: 'HS256' }, claims].map((part) => encode(utf8(JSON.stringify(part)))).join('.');
      const key = await crypto.subtle.importKey('raw', utf8(args[0]), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
      return `${message}.${encode(await crypto.subtle.sign('HMAC', key, utf8(message)))}`;
    };
    const as = async (who) => new Uploader({ endpoint: '/', token: await sign(who) });
    // One that has looked into the journal.
    const loaded = async (who) => {
      const uploader = await as(who);
      uploader.warnings = [];
      uploader.addEventListener('warning', ({ detail }) => uploader.warnings.push(detail.code));
      const heard = new Promise((resolve) => uploader.addEventListener('resumables', resolve, { once: true }));
      await uploader.load();
      await heard;
      return uploader;
    };
    const answer = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: reject }));
    const store = async (mode) => (await answer(indexedDB.open('partway'))).transaction('uploads', mode).objectStore('uploads');
    const kept = async () => (await answer((await store('readonly')).getAllKeys())).length;
    const until = async (isSo) => { while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20)); };
    const film = new File([new Uint8Array(40 << 20)], 'film.bin', { lastModified: 5 });
"#;

async fn run(stack: &Stack, body: &str) -> Result<serde_json::Value> {
    stack.page.browser().run_async(&format!("{HELPERS} {body}"), vec![json!(SECRET)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_is_offered_to_its_own_user_alone() -> Test {
    let settings = [
        ("PARTWAY_UPLOADS__PART_SIZE", "5 MiB"),
        ("PARTWAY_IDENTITY__KIND", "jwt"),
        ("PARTWAY_IDENTITY__JWT__SECRET", SECRET),
        ("PARTWAY_DESTINATIONS__FILMS__KEY", "films/{uuid}"),
    ];
    Stack::run_with(&settings, async |stack| {
        let gate = Gate::default();
        let late = |request: &partway_tests::proxy::Request| request.part_number() > Some(3);
        stack.proxy.add(Rule::new(late, Fault::Hold(gate.clone())).always());
        let begun = run(
            stack,
            "const uploader = await as('ada');
             const upload = uploader.add(film, { destination: 'films' });
             await until(() => upload.status.partsStored >= 2);
             await until(async () => (await kept()) === 1);
             uploader.close();
             // Of a later version, perhaps.
             await answer((await store('readwrite')).put({ form: 99, endpoint: uploader.endpoint }, `${uploader.endpoint} later`));
             return kept();",
        )
        .await?;
        ensure!(begun == json!(2), "{begun} entries");

        let offered = run(
            stack,
            "const seen = [];
             for (const who of ['eve', 'ada']) {
               const uploader = await loaded(who);
               seen.push([uploader.resumables.map(({ name, destination }) => [name, destination]), uploader.warnings, await kept()]);
               uploader.close();
             }
             return seen;",
        )
        .await?;
        let skipped = json!(["journal_skipped"]);
        ensure!(offered == json!([[[], skipped, 2], [[["film.bin", "films"]], skipped, 2]]), "{offered}");

        // The element of another destination does not show it.
        let shown = run(
            stack,
            "const element = document.querySelector('partway-uploader');
             element.uploader = await loaded('ada');
             const names = () => [...element.shadowRoot.querySelectorAll('[part~=resumable]:not([hidden] *) [part~=name]')].map(({ title }) => title);
             await until(() => element.uploader.resumables.length === 1);
             const before = names();
             element.destination = 'films';
             await until(() => names().length === 1);
             element.destination = '';
             await until(() => names().length === 0);
             element.uploader.close();
             return before;",
        )
        .await?;
        ensure!(shown == json!([]), "{shown}");

        gate.open();
        let ended = run(
            stack,
            "const [one, two] = [await loaded('ada'), await loaded('ada')];
             const [theirs] = two.resumables;
             const upload = await one.resumables[0].resume(film);
             theirs.discard();
             await until(() => two.warnings.includes('upload_busy'));
             const { key } = await upload.finished;
             await until(async () => (await kept()) === 1);
             one.close();
             two.close();
             return [key.startsWith('films/'), upload.destination];",
        )
        .await?;
        ensure!(ended == json!([true, "films"]), "{ended}");
        Ok(())
    })
    .await
}

/// An application with sessions: sets a cookie, and says whose it is. Ends with the test's process.
fn application(listener: TcpListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut is_signed_in = false;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        is_signed_in |= line.starts_with("cookie:") && line.contains("session=ada");
        if line.is_empty() {
            break;
        }
    }
    let (status, headers, body) = if first.starts_with("GET /whoami") {
        match is_signed_in {
            true => ("200 OK", "content-type: application/json", r#"{"subject":"ada"}"#),
            false => ("401 Unauthorized", "x-none: 1", ""),
        }
    } else {
        (
            "200 OK",
            "content-type: text/html\r\nset-cookie: session=ada; Path=/",
            "<!doctype html><title>Page</title>",
        )
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_go_to_a_server_of_another_origin_that_allows_them() -> Test {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let page = format!("http://{}", listener.local_addr()?);
    application(listener);
    let upload = "const { Uploader } = await import(`${args[0]}/widget/index.js`);
         const uploader = new Uploader({ endpoint: args[0], credentials: args[1] ?? undefined, maxAttempts: 1 });
         const outcome = await uploader.upload(new File(['x'], 'x.txt')).then(({ size }) => size, ({ code }) => code);
         uploader.close();
         return outcome;";
    let whoami = format!("{page}/whoami");
    let settings = [
        ("PARTWAY_IDENTITY__KIND", "forward"),
        ("PARTWAY_IDENTITY__FORWARD__URL", whoami.as_str()),
        ("PARTWAY_SERVER__ALLOWED_ORIGINS", page.as_str()),
    ];
    Stack::run_with(&settings, async |stack| {
        let browser = stack.page.browser();
        browser.open(&page).await?;
        let outcome = async |credentials: Option<&str>| {
            browser.run_async(upload, vec![json!(stack.server.url()), json!(credentials)]).await
        };
        ensure!(outcome(None).await? == json!(1), "{}", outcome(None).await?);
        ensure!(outcome(Some("omit")).await? == json!("credentials_missing"));
        ensure!(outcome(Some("wherever")).await? == json!("invalid_option"));
        Ok(())
    })
    .await?;
    // Where it allows none, it goes without.
    Stack::run_with(&settings[2..], async |stack| {
        let browser = stack.page.browser();
        browser.open(&page).await?;
        let outcome = browser.run_async(upload, vec![json!(stack.server.url()), json!(null)]).await?;
        ensure!(outcome == json!(1), "{outcome}");
        Ok(())
    })
    .await
}
