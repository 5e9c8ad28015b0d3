//! Gives short names to what the module and its glue ask of each other.

use anyhow::{Result, ensure};
use wasm_bindgen_cli_support::Output;

/// Gives the glue with the short names. Half of each name is
/// a hash, which no compression makes any smaller.
pub(crate) fn shorten(output: &mut Output) -> Result<String> {
    let mut glue = output.js().to_owned();
    let module = output.wasm_mut();
    for (index, import) in module.imports.iter_mut().enumerate() {
        let key = [&import.name, ": function"].concat();
        ensure!(glue.matches(&key).count() == 1, "the glue does not define {} once", import.name);
        import.name = short(index);
        glue = glue.replace(&key, &[&import.name, ": function"].concat());
    }
    for (index, export) in module.exports.iter_mut().filter(|export| export.name != "memory").enumerate() {
        let short = short(index);
        glue = replace_word(&glue, &["wasm.", &export.name].concat(), &["wasm.", &short].concat());
        export.name = short;
    }
    Ok(glue)
}

/// `a`, `b`, … `z`, `aa`, …
fn short(index: usize) -> String {
    let letter = char::from(b'a' + (index % 26) as u8);
    let before = if index < 26 { String::new() } else { short(index / 26 - 1) };
    before + letter.encode_utf8(&mut [0])
}

/// Replaces a word, and leaves alone what only begins with it.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut pieces = text.split(word);
    let mut replaced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let goes_on =
            piece.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_' || next == '$');
        replaced.push_str(if goes_on { word } else { by });
        replaced.push_str(piece);
    }
    replaced
}
