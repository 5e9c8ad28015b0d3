//! Takes out of the compiled module what no browser needs.
//!
//! Knows wasm and how Rust names its functions, and nothing of the widget.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use walrus::ir::{Call, Visitor, dfs_in_order};
use walrus::{FunctionId, LocalFunction, Module};
use wasm_bindgen_cli_support::Output;

/// What only a panic runs: it gathers and formats a message that nobody can see in a browser.
/// Without it, a panic traps at once, which JavaScript hears of in the same way.
const PANICS: [&str; 13] = [
    "core::panicking::",
    "std::panicking::",
    "rust_begin_unwind",
    "rust_panic",
    "assert_failed",
    "unwrap_failed",
    "expect_failed",
    "panic_already_",
    "slice_error_fail",
    "slice_index_fail",
    "len_mismatch_fail",
    "capacity_overflow",
    "alloc::raw_vec::handle_error",
];

/// The module without the section that lists the features in use: without it, wasm-bindgen keeps to
/// those that Debian's wasm-opt (108) can read.
pub(crate) fn without_features(module: &[u8]) -> Result<Vec<u8>> {
    const HEADER: usize = 8;
    let mut kept = module.get(..HEADER).context("the module is cut short")?.to_vec();
    let mut at = HEADER;
    while at < module.len() {
        let (size, content) = leb128(module, at + 1)?;
        let end = content + size;
        let section = module.get(at..end).context("a section of the module is cut short")?;
        let is_custom = section.first() == Some(&0);
        if !is_custom || !section.windows(FEATURES_SECTION.len()).take(8).any(|name| name == FEATURES_SECTION)
        {
            kept.extend_from_slice(section);
        }
        at = end;
    }
    Ok(kept)
}

const FEATURES_SECTION: &[u8] = b"target_features";

/// A number of the binary format, and where it ends.
fn leb128(bytes: &[u8], mut at: usize) -> Result<(usize, usize)> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(at).context("the module is cut short")?;
        value |= usize::from(byte & 0x7f) << shift;
        (shift, at) = (shift + 7, at + 1);
        if byte < 0x80 {
            return Ok((value, at));
        }
    }
}

/// Makes all of [`PANICS`] trap, with the formatting that only they do, and blanks what they
/// would say.
pub(crate) fn drop_panics(output: &mut Output) {
    let module = output.wasm_mut();
    let panics = named(module, |name| {
        PANICS.iter().any(|panic| name.contains(panic)) && !name.contains("panic_count")
    });
    trap(module, &panics);
    let formatting = named(module, |name| name.contains("core::fmt::"));
    // Formatting finds its way through the table, where nobody sees who is called. So it is all or nothing.
    let is_used = module.funcs.iter_local().any(|(id, function)| {
        !formatting.contains(&id) && calls(function).iter().any(|called| formatting.contains(called))
    });
    if !is_used {
        trap(module, &formatting);
    }
    // Names have done their work. Where there is no wasm-opt, nobody else takes them out.
    module.funcs.iter_mut().for_each(|function| function.name = None);
    let mut segments = Vec::new();
    for segment in module.data.iter() {
        segments.push(segment.id());
    }
    for segment in segments {
        let data = &mut module.data.get_mut(segment).value;
        blank_places(data);
        blank_messages(data);
    }
}

/// The functions whose names, without hashes, are such.
fn named(module: &Module, is_such: impl Fn(&str) -> bool) -> HashSet<FunctionId> {
    let such = module
        .funcs
        .iter()
        .filter(|function| function.name.as_deref().map(plain).is_some_and(|name| is_such(&name)));
    such.map(walrus::Function::id).collect()
}

/// What a function calls by name.
fn calls(function: &LocalFunction) -> HashSet<FunctionId> {
    struct Calls(HashSet<FunctionId>);
    impl<'a> Visitor<'a> for Calls {
        fn visit_call(&mut self, call: &Call) {
            self.0.insert(call.func);
        }
    }
    let mut calls = Calls(HashSet::new());
    dfs_in_order(&mut calls, function, function.entry_block());
    calls.0
}

fn trap(module: &mut Module, functions: &HashSet<FunctionId>) {
    for (id, function) in module.funcs.iter_local_mut() {
        if functions.contains(&id) {
            let mut body = function.builder_mut().func_body();
            body.instrs_mut().clear();
            body.unreachable();
        }
    }
}

/// Gives short names to what glue and module ask of each other, and gives the glue with these. Half of each name is
/// a hash, which no compression makes any smaller.
pub(crate) fn shorten_names(output: &mut Output) -> Result<String> {
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

/// A function's path without the hashes that tell crates of one name apart.
fn plain(name: &str) -> String {
    let mut parts = name.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| {
        let rest = part.split_once(']').filter(|(hash, _)| hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        rest.map_or_else(|| [&path, "[", part].concat(), |(_, rest)| [&path, rest].concat())
    })
}

/// Blanks where in the source each panic is: the address and the length of a file's name, a line and a column, and the
/// name itself.
fn blank_places(data: &mut [u8]) {
    const PLACE: usize = 16;
    let word = |data: &[u8], at: usize| {
        data.get(at..at + 4)
            .and_then(|word| word.try_into().ok())
            .map_or(0, |word| u32::from_le_bytes(word) as usize)
    };
    let mut names = Vec::new();
    for at in (0..data.len().saturating_sub(PLACE)).step_by(4) {
        // An address that is none is beyond the end, and is no name.
        let start = word(data, at).wrapping_sub(STACK);
        let end = start.wrapping_add(word(data, at + 4));
        if data.get(start..end).is_some_and(|name| name.ends_with(b".rs")) {
            names.push(start..end);
            data[at..at + PLACE].fill(0);
        }
    }
    for name in names {
        data[name].fill(0);
    }
}

/// Blanks what panics of the standard library and of wasm-bindgen would say.
fn blank_messages(data: &mut [u8]) {
    const MESSAGES: [&str; 17] = [
        "attempted to take ownership of Rust value while it was borrowed",
        "recursive use of an object detected which would lead to unsafe aliasing in rust",
        "copy_from_slice: source slice length (",
        ") does not match destination slice length (",
        "insertion index (is ",
        "removal index (is ",
        ") should be <= len (is ",
        ") should be < len (is ",
        "attempt to divide by zero",
        "attempt to calculate the remainder with a divisor of zero",
        "one-time initialization may not be performed recursively",
        "attempt to join into collection with len > usize::MAX",
        "overflow when multiplying duration by scalar",
        "overflow when adding durations",
        "rwlock overflowed read locks",
        "rwlock has not been locked for reading",
        "null pointer passed to rust",
    ];
    for message in MESSAGES {
        if let Some(at) = data.windows(message.len()).position(|window| window == message.as_bytes()) {
            data[at..at + message.len()].fill(0);
        }
    }
}

/// The linker puts data behind a stack of this size.
const STACK: usize = 1 << 20;
