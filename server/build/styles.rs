//! Makes a module of each of the element's style sheets: `base.css` becomes `base.css.js`, which exports its text. An element adopts that at once, without a request of its own that a
//! page's policy could refuse, and every bundler knows how to take it along.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::files::below;

/// Turns the style sheets of the folder into modules.
pub(crate) fn to_modules(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for path in below(folder)? {
        if path.extension().is_some_and(|extension| extension == "css") {
            let sheet = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            // What Rust escapes in text, JavaScript reads as Rust does.
            let module = format!("export default {:?};\n", shorten(&sheet));
            fs::write(path.with_extension("css.js"), module)
                .and_then(|()| fs::remove_file(&path))
                .with_context(|| format!("writing the module of {}", path.display()))?;
        }
    }
    Ok(())
}

/// Without comments, line breaks, and spaces that mean nothing. The style sheets are our own, and have neither
/// braces nor comments in their texts.
fn shorten(sheet: &str) -> String {
    let mut text = String::with_capacity(sheet.len());
    for piece in sheet.split("/*").map(|piece| piece.split_once("*/").map_or(piece, |(_, after)| after)) {
        text.push_str(piece);
    }
    let mut short = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let joins = short.ends_with(['{', '}', ';', ',', ':']) || word.starts_with(['{', '}']);
        if !short.is_empty() && !joins {
            short.push(' ');
        }
        short.push_str(word);
    }
    short.replace(";}", "}")
}
