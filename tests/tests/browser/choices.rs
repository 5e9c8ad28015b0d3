//! Whatever people and programs hand over: it is taken, or somebody is told why not.

use anyhow::{Result, ensure};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::json;

use super::{SOON, Test};

#[tokio::test(flavor = "multi_thread")]
async fn blobs_entries_and_files_of_a_frame_are_taken_and_anything_else_is_an_error() -> Test {
    Stack::run(async |stack| {
        let script = "const { Uploader } = await import('/widget/index.js');
             const uploader = new Uploader({ endpoint: '/', worker: args[0] });
             const frame = document.createElement('iframe');
             document.body.append(frame);
             const foreign = new frame.contentWindow.File(['of a frame'], 'frame.txt', { type: 'text/plain' });
             const blob = new Blob(['bytes'], { type: 'text/plain' });
             const own = new File(['own'], 'own.txt');
             const taken = [];
             for (const [given, options] of [[foreign], [blob], [blob, { name: 'named.txt' }], [{ file: own }], [{ file: blob, name: 'entry.txt', path: 'a/entry.txt' }]]) {
               const upload = uploader.add(given, options);
               taken.push([upload.file.name, upload.path ?? null, (await upload.finished).size]);
             }
             taken.push((await uploader.upload(foreign)).size, uploader.add([foreign, blob, { file: blob }]).length);
             const refused = [undefined, null, 'text', {}, 7, [1], [{ file: 'x' }], Promise.resolve(own), { name: 'x' }, () => own].map((given) => {
               try {
                 return uploader.add(given);
               } catch (error) {
                 return error instanceof TypeError && error.message.startsWith('Partway takes');
               }
             });
             await uploader.upload([own]).catch((error) => refused.push(error instanceof TypeError));
             uploader.close();
             frame.remove();
             return { taken, refused };";
        for worker in [true, false] {
            let seen = stack.page.browser().run_async(script, vec![json!(worker)]).await?;
            let taken = json!([
                ["frame.txt", null, 10], ["blob", null, 5], ["named.txt", null, 5], ["own.txt", null, 3],
                ["entry.txt", "a/entry.txt", 5], 10, 3,
            ]);
            ensure!(seen["taken"] == taken, "{seen}");
            ensure!(seen["refused"] == json!(vec![true; 11]), "{seen}");
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_takes_the_same() -> Test {
    Stack::run(async |stack| {
        let script = "const element = document.querySelector('partway-uploader');
             element.setAttribute('start', 'manual');
             element.setAttribute('accept', 'image/*');
             const frame = document.createElement('iframe');
             document.body.append(frame);
             await element.add(new frame.contentWindow.File(['of a frame'], 'frame.png', { type: 'image/png' }));
             await element.add({ file: new Blob(['bytes'], { type: 'image/png' }), name: 'blob.png' });
             // Browsers on most systems know no type for these.
             await element.add([new File(['1'], 'IMG_1.HEIC'), new File(['2'], 'IMG_2.heif'), new File(['3'], 'IMG_3.bin')]);
             const errors = [];
             await element.add('text').catch((error) => errors.push(error.name));
             await document.createElement('partway-uploader').add(new File(['x'], 'x.png')).catch((error) => errors.push(error.code));
             return [element.uploads.map(({ file }) => file.name), errors];";
        let seen = stack.page.browser().run_async(script, vec![]).await?;
        let names = json!(["frame.png", "blob.png", "IMG_1.HEIC", "IMG_2.heif"]);
        ensure!(seen == json!([names, ["TypeError", "closed"]]), "{seen}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_handed_over_twice_is_one_file() -> Test {
    Stack::run(async |stack| {
        let creates = stack.control.watch(|request| request.path == "/v1/uploads");
        // Before the engine has loaded, and so twice on its way to it.
        let resumed = "const { Uploader } = await import('/widget/index.js');
             const uploader = new Uploader({ endpoint: '/' });
             const upload = uploader.add(new File(['once'], 'once.txt'));
             const states = [upload.pause(), upload.resume(), upload.pause(), upload.resume()];
             const { size } = await upload.finished;
             await uploader.upload(new File(['next'], 'next.txt'));
             uploader.close();
             return [states, size];";
        let seen = stack.page.browser().run_async(resumed, vec![]).await?;
        ensure!(seen == json!([[true, true, true, true], 4]), "{seen}");
        ensure!(creates.count() == 2, "{} were created", creates.count());
        ensure!(stack.objects.keys().await?.len() == 2, "{:?}", stack.objects.keys().await?);

        // More than are added in one task.
        let at_once = "const element = document.querySelector('partway-uploader');
             element.setAttribute('start', 'manual');
             const files = Array.from({ length: 600 }, (_, i) => new File([`${i}`], `${i}.txt`, { lastModified: 1 }));
             await Promise.all([element.add(files), element.add(files)]);
             return element.uploads.length;";
        let seen = stack.page.browser().run_async(at_once, vec![]).await?;
        ensure!(seen == json!(600), "{seen} uploads");
        Ok(())
    })
    .await
}

async fn notice(stack: &Stack, expected: &[&str]) -> Result<()> {
    let mut last = String::new();
    wait_for(format!("the notice {expected:?}"), SOON, async || {
        last = stack.page.notices().await?;
        Ok(expected.iter().all(|part| last.contains(part)).then_some(()))
    })
    .await
}

/// Drops an item that looks like this. A folder that nobody may read cannot be made by whoever may read everything.
const DROP: &str = "const reader = (batches) => () => ({
       readEntries: (resolve, reject) => (batches ? resolve(batches.shift() ?? []) : reject(new DOMException('', 'NotReadableError'))),
     });
     const folder = (fullPath, batches) => ({ isDirectory: true, name: fullPath.split('/').pop(), fullPath, createReader: reader(batches) });
     const file = (fullPath) => ({ isFile: true, fullPath, file: (resolve) => resolve(new File(['x'], fullPath.split('/').pop())) });
     const item = (entry) => ({ kind: 'file', webkitGetAsEntry: () => entry, getAsFile: () => null });
     const event = new Event('drop', { bubbles: true, cancelable: true, composed: true });
     Object.defineProperty(event, 'dataTransfer', { value: { types: ['Files'], items: ITEMS.map(item) } });
     document.querySelector('partway-uploader').shadowRoot.querySelector('[part~=dropzone]').dispatchEvent(event);";

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_read_or_is_empty_is_told() -> Test {
    Stack::run(async |stack| {
        let browser = stack.page.browser();
        let drop = async |items: &str| browser.run(&DROP.replace("ITEMS", items), vec![]).await;
        drop("[folder('/locked', null)]").await?;
        notice(stack, &["“locked” cannot be read."]).await?;
        drop("[folder('/bare', [])]").await?;
        notice(stack, &["“bare” has no files in it."]).await?;
        drop("[folder('/half', [[file('/half/one.txt'), folder('/half/locked', null)]])]").await?;
        notice(stack, &["“half/locked” cannot be read."]).await?;
        stack.page.wait_for_end(1, SOON).await?;
        // What the browser gives neither as a file nor as a folder.
        drop("[null]").await?;
        notice(stack, &["cannot be read."]).await?;
        let choose = "document.querySelector('partway-uploader').shadowRoot.querySelector('[data-input=folder-input]').dispatchEvent(new Event('change'));";
        browser.run(choose, vec![]).await?;
        notice(stack, &["The folder has no files in it."]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_whose_uploader_is_exchanged_hears_no_event_twice() -> Test {
    Stack::run(async |stack| {
        let script = "const { Uploader } = await import('/widget/index.js');
             const element = document.querySelector('partway-uploader');
             const [one, two] = [new Uploader({ endpoint: '/' }), new Uploader({ endpoint: '/' })];
             const heard = [];
             for (const type of ['file-added', 'file-completed', 'completed']) {
               element.addEventListener(type, ({ detail }) => heard.push([type, detail.file?.name ?? detail.upload?.file.name ?? detail.completed.length]));
             }
             for (const uploader of [one, one, two, one]) element.uploader = uploader;
             await one.upload(new File(['x'], 'one.txt'));
             await two.upload(new File(['x'], 'two.txt'));
             await new Promise((resolve) => setTimeout(resolve));
             return heard;";
        let seen = stack.page.browser().run_async(script, vec![]).await?;
        let once = json!([["file-added", "one.txt"], ["file-completed", "one.txt"], ["completed", 1]]);
        ensure!(seen == once, "{seen}");
        Ok(())
    })
    .await
}
