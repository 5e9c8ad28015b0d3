//! What the element says, in every language.

use anyhow::{Result, ensure};
use partway_tests::stack::Stack;
use partway_tests::wait::wait_for;
use serde_json::{Value, json};

use super::{SOON, Test};

pub(super) const LANGUAGES: [&str; 7] = ["ar", "de", "en", "es", "fr", "ja", "zh-CN"];

/// A table as a list of its keys, each with the values that its forms name.
const TABLE: &str = r"const { default: texts } = await import(`/widget/${args[0]}/${args[1]}.js`);
    const plurals = new Intl.PluralRules(args[1]).resolvedOptions().pluralCategories;
    const valuesOf = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    return Object.entries(texts).map(([key, text]) => {
      const forms = typeof text === 'string' ? { other: text } : text;
      const values = Object.values(forms).flatMap(valuesOf);
      return {
        key,
        values: [...new Set(values)].sort(),
        // `count` may be a word in a form that has only one number.
        isWhole: typeof text === 'string' || !!forms.other,
        forms: Object.keys(forms).filter((form) => !plurals.includes(form)),
        isEmpty: Object.values(forms).some((form) => form.trim() === ''),
      };
    });";

async fn table(stack: &Stack, folder: &str, language: &str) -> Result<Vec<Value>> {
    let table = stack.page.browser().run_async(TABLE, vec![json!(folder), json!(language)]).await?;
    Ok(serde_json::from_value(table)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_the_same_texts_with_the_same_values() -> Test {
    Stack::run(async |stack| {
        for (folder, least) in [("languages", 90), ("files/languages", 60)] {
            let english = table(stack, folder, "en").await?;
            ensure!(english.len() > least, "only {} texts in {folder}", english.len());
            for language in LANGUAGES {
                let texts = table(stack, folder, language).await?;
                let keys = |texts: &[Value]| texts.iter().map(|text| text["key"].clone()).collect::<Vec<_>>();
                ensure!(
                    keys(&texts) == keys(&english),
                    "the keys of {folder}/{language} differ, or their order"
                );
                for (text, model) in texts.iter().zip(&english) {
                    ensure!(text["values"] == model["values"], "{language}: {text} should be like {model}");
                    ensure!(text["isWhole"] == true && text["isEmpty"] == false, "{language}: {text}");
                    ensure!(text["forms"] == json!([]), "{language} has no such plurals: {text}");
                }
            }
        }
        Ok(())
    })
    .await
}

/// What the element shows under a language of the page's.
async fn shown(stack: &Stack, language: &str) -> Result<Value> {
    let browser = stack.page.browser();
    let set = "document.documentElement.lang = arguments[0];
         document.querySelector('partway-uploader').replaceWith(document.createElement('partway-uploader'));
         document.querySelector('partway-uploader').setAttribute('endpoint', '.');";
    browser.run(set, vec![json!(language)]).await?;
    wait_for(format!("the element to speak {language}"), SOON, async || {
        let read = "const root = document.querySelector('partway-uploader').shadowRoot.querySelector('.root');
             if (root?.lang !== arguments[0]) return null;
             const button = root.querySelector('[part~=choose]');
             return { title: root.querySelector('[part~=title]').textContent, direction: getComputedStyle(button).direction };";
        let shown = browser.run(read, vec![json!(language)]).await?;
        Ok((!shown.is_null()).then_some(shown))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_speaks_the_pages_language() -> Test {
    Stack::run(async |stack| {
        let mut titles = Vec::new();
        for language in LANGUAGES {
            let shown = shown(stack, language).await?;
            let direction = if language == "ar" { "rtl" } else { "ltr" };
            ensure!(shown["direction"] == direction, "{language}: {shown}");
            ensure!(!titles.contains(&shown["title"]), "{language} says what another one says: {shown}");
            titles.push(shown["title"].clone());
        }
        // A regional form has the same words, and numbers of its own; a language that is not there is English.
        let swiss = shown(stack, "de-CH").await?;
        ensure!(swiss["title"] == "Dateien oder Ordner hier ablegen", "{swiss}");
        let english = shown(stack, "en").await?;
        let finnish = "document.documentElement.lang = 'fi';
             const element = document.createElement('partway-uploader');
             element.setAttribute('endpoint', '.');
             document.body.append(element);
             return element.shadowRoot.querySelector('[part~=title]').textContent;";
        let finnish = stack.page.browser().run(finnish, vec![]).await?;
        ensure!(finnish == english["title"], "{finnish}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_and_counts_follow_the_language_and_texts_can_be_the_pages_own() -> Test {
    Stack::run(async |stack| {
        let script = "document.documentElement.lang = 'de';
             const element = document.createElement('partway-uploader');
             element.setAttribute('endpoint', '.');
             element.setAttribute('start', 'manual');
             element.setAttribute('max-size', '1.5MB');
             element.texts = { dropTitle: 'Belege hierher' };
             document.body.append(element);
             await element.add([new File([new Uint8Array(1_250_000)], 'eins.bin'), new File(['zwei'], 'zwei.txt')]);
             await new Promise((resolve) => setTimeout(resolve, 300));
             const read = (part) => element.shadowRoot.querySelector(`[part~=${part}]`).textContent.replace(/\\s/g, ' ');
             return [read('title'), read('restrictions'), read('summary-title'), read('size')];";
        let shown = stack.page.browser().run_async(script, vec![]).await?;
        ensure!(
            shown == json!(["Belege hierher", "Je bis 1,5 MB", "2 Dateien bereit", "1,25 MB"]),
            "{shown}"
        );
        Ok(())
    })
    .await
}
