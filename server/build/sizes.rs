//! What a page has to load, in bytes: the whole table goes to
//! `target/widget/sizes.txt`, its last lines to the terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::files::Built;

pub(crate) fn report(built: &[Built], target: &Path) -> Result<()> {
    let all: BTreeSet<&str> = built.iter().map(|file| file.name.as_str()).collect();
    let mut table = format!("{:<28} {:>9} {:>9} {:>9}\n", "file", "raw", "gzip", "brotli");
    for file in built {
        write_row(&mut table, &file.name, Sum::of(built, &BTreeSet::from([file.name.as_str()])))?;
    }
    let page = Sum::of(built, &all);
    let engine = Sum::of(built, &reachable(built, "index.js"));
    write_row(&mut table, "the page, all files", page)?;
    let element = Sum::of(built, &reachable(built, "element.js"));
    write_row(&mut table, "index.js and its imports", engine)?;
    write_row(&mut table, "element.js and its imports", element)?;

    let file = target.join("sizes.txt");
    fs::write(&file, &table).with_context(|| format!("writing {}", file.display()))?;
    let module = Sum::of(built, &BTreeSet::from(["partway_web_bg.wasm"]));
    println!(
        "cargo::warning=the widget weighs, gzip / brotli: wasm {}, `import \"index.js\"` {}, `import \"element.js\"` {} bytes (more in {})",
        module.compressed(),
        engine.compressed(),
        element.compressed(),
        file.display(),
    );
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Sum {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Sum {
    fn compressed(self) -> String {
        format!("{} / {}", self.gzip, self.brotli)
    }

    fn of(built: &[Built], names: &BTreeSet<&str>) -> Self {
        built.iter().filter(|file| names.contains(file.name.as_str())).fold(Self::default(), |sum, file| {
            Self {
                raw: sum.raw + file.content.len(),
                gzip: sum.gzip + file.gzip.size.min(file.content.len()),
                brotli: sum.brotli + file.brotli.size.min(file.content.len()),
            }
        })
    }
}

fn write_row(table: &mut String, name: &str, sum: Sum) -> Result<()> {
    let Sum { raw, gzip, brotli } = sum;
    Ok(writeln!(table, "{name:<28} {raw:>9} {gzip:>9} {brotli:>9}")?)
}

/// The files that loading `start` and uploading load: those it names in quotes, and so on. What is imported by a
/// call is loaded when it is needed, or never.
fn reachable<'a>(built: &'a [Built], start: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(name) = open.pop() {
        let Some(file) = built.iter().find(|file| file.name == name) else {
            continue;
        };
        if !found.insert(name) {
            continue;
        }
        let text = String::from_utf8_lossy(&file.content);
        let text = text.replace("import(\"", "");
        let named = built.iter().map(|other| other.name.as_str());
        open.extend(named.filter(|other| text.contains(&format!("\"{}\"", from(name, other)))));
    }
    found
}

/// How a file names another: `./dom.js`, `../index.js`.
fn from(name: &str, other: &str) -> String {
    let here = name.rfind('/').map_or("", |slash| &name[..=slash]);
    other.strip_prefix(here).map_or_else(|| format!("../{other}"), |below| format!("./{below}"))
}
