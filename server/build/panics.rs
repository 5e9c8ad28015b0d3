//! Takes panics out of the compiled module: what they run, and what they would say.
//!
//! Knows wasm and how Rust names its functions, and nothing of the widget.

use std::collections::HashSet;

use walrus::ir::{Call, Visitor, dfs_in_order};
use walrus::{FunctionId, LocalFunction, Module};

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

/// Makes all of [`PANICS`] trap, with the formatting that only they do, and blanks what they
/// would say.
pub(crate) fn drop_all(module: &mut Module) {
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
