//! Whatever a template, a subject, a name and a path are: a key that every store takes and that is no longer than
//! promised, or a template that is refused.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use partway_server::policy::{KeyTemplate, KeyValues, check_key};
use uuid::Uuid;

// A line each for template, subject and path, then the name, which may have lines of its own.
fuzz_target!(|text: &str| {
    let mut fields = text.splitn(4, '\n');
    let template = fields.next().unwrap_or_default();
    let subject = fields.next().unwrap_or_default();
    let path = fields.next().filter(|path| !path.is_empty());
    let name = fields.next().unwrap_or_default();
    let Ok(template) = KeyTemplate::parse(template) else { return };
    let now = Timestamp::UNIX_EPOCH;
    let key = template.render(&KeyValues { subject, destination: "photos", id: Uuid::nil(), name, path, now });
    assert_eq!(check_key(&key), Ok(()), "{key:?}");
    assert!(key.len() <= template.longest(), "{key:?} is longer than {}", template.longest());
});
