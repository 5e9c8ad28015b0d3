//! Owns characters that XML cannot contain, or that its parsers change. S3 writes them as references (`&#x1;`). The
//! protocol layer refuses some and does not escape the others, so they pass it as placeholders. Never knows the
//! text's meaning.

use std::borrow::Cow;

use bytes::Bytes;

/// The mark of an answer whose XML has placeholders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escaped;

/// The first character of a placeholder: a code point that is no character. The next one is 0x100 above the real one.
const MARK: char = '\u{fdd0}';
const SHIFT: u32 = 0x100;

/// Returns the text with placeholders, which the protocol layer can write.
pub(crate) fn disguise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_it) {
        return Cow::Borrowed(text);
    }
    let mut disguised = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if needs_it(character) {
            disguised.push(MARK);
            disguised.extend(char::from_u32(u32::from(character) + SHIFT));
        } else {
            disguised.push(character);
        }
    }
    Cow::Owned(disguised)
}

/// Replaces placeholders in XML by references.
pub(crate) fn to_references(xml: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(xml);
    let mut restored = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == MARK {
            let real = characters.next().map_or(0, u32::from).wrapping_sub(SHIFT);
            restored += &format!("&#x{real:x};");
        } else {
            restored.push(character);
        }
    }
    restored.into()
}

/// Escapes text for XML.
pub(crate) fn xml(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => written += "&amp;",
            '<' => written += "&lt;",
            '>' => written += "&gt;",
            _ if needs_it(character) => written += &format!("&#x{:x};", u32::from(character)),
            _ => written.push(character),
        }
    }
    written
}

fn needs_it(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' | MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_becomes_a_reference() {
        let key = "a\u{1}b\r\u{fdd0}c\n\u{ffff}ü";
        let disguised = disguise(key);
        assert!(disguised.chars().all(|character| character >= ' ' || character == '\n'), "{disguised:?}");
        let written = to_references(disguised.as_bytes());
        assert_eq!(written, "a&#x1;b&#xd;&#xfdd0;c\n&#xffff;ü".as_bytes());
        assert_eq!(xml(key).as_bytes(), &*written);
        assert!(matches!(disguise("plain ü"), Cow::Borrowed(_)));
    }
}
