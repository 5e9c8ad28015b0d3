//! Quotes what a client sent in an error, without quoting a megabyte.

use std::borrow::Cow;

/// The number of characters that are kept at each end.
const HALF: usize = 200;

/// Returns the text, with its middle left out if it is long.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    let head = text.char_indices().nth(HALF).map(|(at, _)| at);
    let tail = text.char_indices().rev().nth(HALF - 1).map(|(at, _)| at);
    match (head, tail) {
        (Some(head), Some(tail)) if head < tail => {
            Cow::Owned(format!("{} … {}", &text[..head], &text[tail..]))
        }
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_keeps_both_ends() {
        for short in ["", "ä", &"ä".repeat(2 * HALF)] {
            assert_eq!(excerpt(short), short);
        }
        let long = format!("a{}z", "ä".repeat(2 * HALF));
        let cut = excerpt(&long);
        assert!(cut.starts_with("aä") && cut.ends_with("äz") && cut.contains(" … "), "{cut}");
        assert_eq!(cut.chars().count(), 2 * HALF + 3);
    }
}
