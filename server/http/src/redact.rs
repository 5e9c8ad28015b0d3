//! Redacts addresses in text to scheme, host and port.
//!
//! User name and password, path and query can each be secret: of a webhook, an identity provider, a signed URL.
//! Everything that is logged or printed passes through here, so that no line depends on its author's care.

use std::borrow::Cow;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// The characters that end an address in a text; in an address they are encoded.
const END: &[char] = &[' ', '\t', '\r', '\n', '"', '\'', '`', '<', '>', '\\', '{', '}', '\u{1b}'];

/// Returns the text with each address reduced to its origin: `https://host:port`, and `/…` for the rest.
#[must_use]
pub fn urls(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find("://") else { return Cow::Borrowed(text) };
    let mut shown = String::with_capacity(text.len());
    let (mut rest, mut at) = (text, first);
    loop {
        let (before, address) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = address.find(END).unwrap_or(address.len());
        let (address, after) = address.split_at(end);
        push_origin(&mut shown, address);
        rest = after;
        match rest.find("://") {
            Some(next) => at = next,
            None => break,
        }
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Appends what may be shown of an address without its scheme.
fn push_origin(shown: &mut String, address: &str) {
    let (authority, behind) = address.split_at(address.find(['/', '?', '#']).unwrap_or(address.len()));
    // With an `@` behind a slash, nobody can tell a path from a password that was not encoded.
    let host = if behind.contains('@') { "" } else { authority.rsplit('@').next().unwrap_or_default() };
    // A sentence may end right behind it.
    let trimmed = host.trim_end_matches(['.', ',', ';', ':', ')', '!']);
    if is_host(trimmed) {
        shown.push_str(trimmed);
        if behind.is_empty() {
            shown.push_str(&host[trimmed.len()..]);
        } else if behind != "/" {
            shown.push_str("/…");
        }
    } else {
        shown.push('…');
    }
}

/// Returns whether this is a host name or IP address, with or without a port.
fn is_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => name,
        _ => host,
    };
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_')),
    }
}

/// A writer that redacts addresses. Each write must be a whole line, as the log's are.
#[derive(Clone, Debug)]
pub(crate) struct Redacting<W>(pub(crate) W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacting<W> {
    type Writer = Redacting<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Redacting(self.0.make_writer())
    }
}

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(urls(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_cut_down_to_its_origin() {
        for (text, shown) in [
            ("", ""),
            ("no address: at all", "no address: at all"),
            ("https://a.test", "https://a.test"),
            ("https://a.test/", "https://a.test"),
            (
                "url=http://127.0.0.1:8080 store=http://[::1]:1",
                "url=http://127.0.0.1:8080 store=http://[::1]:1",
            ),
            ("https://ada:pw@a.test/hook/T0/secret?token=x#y", "https://a.test/…"),
            ("redis://:pw@127.0.0.1:6379/0", "redis://127.0.0.1:6379/…"),
            ("\"url\":\"https://pw@a.test/x\",\"why\":\"no\"", "\"url\":\"https://a.test/…\",\"why\":\"no\""),
            ("(https://a.test/x?y), then https://b.test.", "(https://a.test/… then https://b.test."),
            // A password that should have been encoded.
            ("https://ada:p/w@a.test/x", "https://…"),
            ("https://ada:pw?@a.test", "https://…"),
            ("https://ada:p@w@a.test", "https://a.test"),
            ("https://:secret", "https://…"),
            ("https://host:secret", "https://…"),
            ("https://", "https://…"),
            ("a://b://c@d", "a://…"),
        ] {
            assert_eq!(urls(text), shown, "{text}");
        }
    }

    #[test]
    fn whatever_is_written_is_redacted() {
        let mut written = Vec::new();
        Redacting(&mut written).write_all("ä https://ada:pw@a.test/x\n".as_bytes()).unwrap();
        assert_eq!(written, "ä https://a.test/…\n".as_bytes());
    }
}
