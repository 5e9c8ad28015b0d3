//! What a page has to load, in bytes: the whole table goes to
//! `target/widget/sizes.txt`, its last lines to the terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::bundle::Bundles;
use crate::files::Built;

/// `name` on the page's main thread is what that script loads before anybody chooses a file: itself, and what it imports
/// at once. With its engine it is all that an upload or a download needs in a page whose language is English.
pub(crate) fn report(built: &[Built], bundles: &Bundles, target: &Path) -> Result<()> {
    let mut table = format!("{:<32} {:>9} {:>9} {:>9}\n", "file", "raw", "gzip", "brotli");
    for file in built {
        write_row(&mut table, &file.name, Sum::of(built, |name| name == file.name))?;
    }
    write_row(&mut table, "all files", Sum::of(built, |_| true))?;
    let mut summary = String::new();
    for &(entry, ref engine) in &bundles.engines {
        let loaded = loaded_by(entry, &bundles.imports);
        let page = Sum::of(built, |name| loaded.contains(name));
        let engine = Sum::of(built, |name| loaded.contains(name) || engine.iter().any(|file| file == name));
        write_row(&mut table, &format!("{entry} on the main thread"), page)?;
        write_row(&mut table, &format!("{entry} with its engine"), engine)?;
        write!(summary, "{entry} {} bytes, with its engine {}; ", page.brotli, engine.brotli)?;
    }
    // It has no engine.
    let loaded = loaded_by("files.js", &bundles.imports);
    let page = Sum::of(built, |name| loaded.contains(name));
    write_row(&mut table, "files.js on the main thread", page)?;
    write!(summary, "files.js {} bytes; ", page.brotli)?;
    let file = target.join("sizes.txt");
    fs::write(&file, &table).with_context(|| format!("writing {}", file.display()))?;
    println!("cargo::warning=the widget weighs, in brotli: {summary}more is in {}", file.display());
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Sum {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Sum {
    fn of(built: &[Built], is_counted: impl Fn(&str) -> bool) -> Self {
        built.iter().filter(|file| is_counted(&file.name)).fold(Self::default(), |sum, file| Self {
            raw: sum.raw + file.content.len(),
            gzip: sum.gzip + file.gzip.size.min(file.content.len()),
            brotli: sum.brotli + file.brotli.size.min(file.content.len()),
        })
    }
}

fn write_row(table: &mut String, name: &str, sum: Sum) -> Result<()> {
    let Sum { raw, gzip, brotli } = sum;
    Ok(writeln!(table, "{name:<32} {raw:>9} {gzip:>9} {brotli:>9}")?)
}

/// A script, what it imports at once, what that imports at once, and so on.
fn loaded_by<'a>(entry: &'a str, imports: &'a BTreeMap<String, Vec<String>>) -> BTreeSet<&'a str> {
    let mut loaded = BTreeSet::new();
    let mut open = vec![entry];
    while let Some(name) = open.pop() {
        if loaded.insert(name) {
            open.extend(imports.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    loaded
}
