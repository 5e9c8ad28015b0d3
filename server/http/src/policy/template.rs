//! Key templates of destinations: `{subject}/{date}/{uuid}/{filename}`.
//!
//! Every value is sanitised, so that no name, path or subject adds a segment that the template does not have (only
//! {path} adds folders), or leaves the prefix.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use partway_shared::limits::MAX_KEY_BYTES;
use serde::Deserialize;
use uuid::Uuid;

use crate::spelling::nearest;

use super::key::{
    MAX_KEY_PREFIX, MAX_NAME_IN_KEY, MAX_PATH_IN_KEY, MAX_SUBJECT_IN_KEY, check_key, distinct_name,
    distinct_path, sanitise, sanitise_path, sanitise_subject,
};

/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 300;
/// The longest extension, in bytes.
const MAX_EXTENSION: usize = 16;

/// A template of keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyTemplate(Vec<Piece>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Slot(Slot),
}

/// What is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Subject,
    Destination,
    Date,
    Year,
    Month,
    Day,
    Uuid,
    Filename,
    Extension,
    Path,
}

const SLOTS: &[(&str, Slot)] = &[
    ("subject", Slot::Subject),
    ("destination", Slot::Destination),
    ("date", Slot::Date),
    ("year", Slot::Year),
    ("month", Slot::Month),
    ("day", Slot::Day),
    ("uuid", Slot::Uuid),
    ("filename", Slot::Filename),
    ("extension", Slot::Extension),
    ("path", Slot::Path),
];

/// The values of the template's slots.
#[derive(Clone, Copy, Debug)]
pub struct KeyValues<'a> {
    /// The subject that owns the upload.
    pub subject: &'a str,
    /// The destination's name.
    pub destination: &'a str,
    /// The upload's id.
    pub id: Uuid,
    /// The file's name, as the client gave it.
    pub name: &'a str,
    /// The folders of the file and its name, as the client gave them.
    pub path: Option<&'a str>,
    /// The time; dates are in UTC.
    pub now: Timestamp,
}

impl Default for KeyTemplate {
    /// Returns `{uuid}/{filename}`: keys that cannot be guessed, are unique, and can be read.
    fn default() -> Self {
        Self(vec![Piece::Slot(Slot::Uuid), Piece::Text("/".to_owned()), Piece::Slot(Slot::Filename)])
    }
}

impl KeyTemplate {
    /// Parses a template.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let template = Self(pieces(text)?);
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<(), String> {
        let names = [Slot::Uuid, Slot::Filename, Slot::Path];
        if !names.iter().any(|slot| self.has(*slot)) {
            return Err("without {uuid}, {filename} or {path} all files would have the same key".to_owned());
        }
        let sample = KeyValues {
            subject: "s",
            destination: "d",
            id: Uuid::nil(),
            name: "n.x",
            path: None,
            now: Timestamp::UNIX_EPOCH,
        };
        check_key(&self.render(&sample)).map_err(str::to_owned)?;
        if !self.is_unique() {
            self.check_segments()?;
        }
        if self.longest() + MAX_KEY_PREFIX > MAX_KEY_BYTES {
            return Err(
                "its keys could be longer than S3's 1,024 bytes, with the prefix of a ticket".to_owned()
            );
        }
        Ok(())
    }

    /// Refuses templates by which different values give the same key: `{subject}-{filename}` of `a` and `b-c` equals
    /// that of `a-b` and `c`.
    fn check_segments(&self) -> Result<(), String> {
        let mut before: Option<&str> = None;
        for piece in &self.0 {
            match piece {
                Piece::Text(text) if text.contains('/') => before = None,
                Piece::Slot(slot @ (Slot::Subject | Slot::Filename | Slot::Extension | Slot::Path)) => {
                    let name = slot.name();
                    if let Some(before) = before {
                        return Err(format!(
                            "between {{{before}}} and {{{name}}} there has to be a slash, or {{uuid}} somewhere: \
                             two files could have the same key"
                        ));
                    }
                    before = Some(name);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns whether no two uploads have the same key.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.has(Slot::Uuid)
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    fn has(&self, slot: Slot) -> bool {
        self.0.contains(&Piece::Slot(slot))
    }

    /// Returns the length of the longest key, in bytes.
    #[must_use]
    pub fn longest(&self) -> usize {
        let lengths = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Slot(Slot::Subject) => MAX_SUBJECT_IN_KEY,
            Piece::Slot(Slot::Destination) => 64,
            Piece::Slot(Slot::Uuid) => 36,
            Piece::Slot(Slot::Filename) => MAX_NAME_IN_KEY,
            Piece::Slot(Slot::Path) => MAX_PATH_IN_KEY,
            Piece::Slot(_) => MAX_EXTENSION,
        });
        lengths.sum()
    }

    /// Returns the key of an upload. Without `{uuid}`, different files of one subject have different keys.
    #[must_use]
    pub fn render(&self, values: &KeyValues<'_>) -> String {
        let mut key = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => key.push_str(text),
                Piece::Slot(slot) => key.push_str(&self.value(*slot, values)),
            }
        }
        key
    }

    fn value(&self, slot: Slot, values: &KeyValues<'_>) -> String {
        let date = |format: &str| values.now.to_zoned(TimeZone::UTC).strftime(format).to_string();
        let path = values.path.unwrap_or_default();
        match slot {
            Slot::Subject => sanitise_subject(values.subject),
            Slot::Destination => values.destination.to_owned(),
            Slot::Date => date("%Y-%m-%d"),
            Slot::Year => date("%Y"),
            Slot::Month => date("%m"),
            Slot::Day => date("%d"),
            Slot::Uuid => values.id.to_string(),
            Slot::Path if self.is_unique() => sanitise_path(path, values.name),
            Slot::Path => distinct_path(path, values.name),
            Slot::Filename if self.is_unique() || self.has(Slot::Path) => sanitise(values.name),
            Slot::Filename => distinct_name(path, values.name),
            Slot::Extension => extension(values.name).unwrap_or_else(|| "none".to_owned()),
        }
    }
}

impl Slot {
    pub(super) fn name(self) -> &'static str {
        SLOTS.iter().find(|(_, slot)| *slot == self).map_or("", |(name, _)| name)
    }
}

/// Returns a name's extension in lower case, without the dot.
pub(super) fn extension(name: &str) -> Option<String> {
    let name = sanitise(name);
    let (stem, extension) = name.rsplit_once('.')?;
    let is_plain = extension.len() <= MAX_EXTENSION && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_plain && !stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// Returns the pieces of a template's text.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    if text.len() > MAX_TEMPLATE {
        return Err(format!("a template may have at most {MAX_TEMPLATE} bytes"));
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(open);
        let end = from.find('}').filter(|_| from.starts_with('{'));
        let end = end.ok_or_else(|| {
            format!("the brace at byte {} is not closed, or not opened", text.len() - from.len() + 1)
        })?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Slot(slot(&from[1..end])?));
        rest = &from[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

fn slot(name: &str) -> Result<Slot, String> {
    if let Some((_, slot)) = SLOTS.iter().find(|(known, _)| *known == name) {
        return Ok(*slot);
    }
    let names = || SLOTS.iter().map(|(name, _)| *name);
    Err(match nearest(name, names()) {
        Some(meant) => format!("there is no {{{name}}}; did you mean {{{meant}}}?"),
        None => format!(
            "there is no such name as one in braces; there are {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    })
}

impl TryFrom<String> for KeyTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn values<'a>(subject: &'a str, name: &'a str, path: Option<&'a str>) -> KeyValues<'a> {
        let now = "2026-11-21T23:30:00Z".parse().unwrap();
        KeyValues { subject, destination: "photos", id: Uuid::nil(), name, path, now }
    }

    #[test]
    fn slots_are_filled() {
        for (template, key) in [
            ("{uuid}/{filename}", "00000000-0000-0000-0000-000000000000/a b.JPG"),
            (
                "u/{subject}/{date}/{uuid}-{filename}",
                "u/ada!40example.org/2026-11-21/00000000-0000-0000-0000-000000000000-a b.JPG",
            ),
            (
                "{destination}/{year}/{month}/{day}/{uuid}.{extension}",
                "photos/2026/11/21/00000000-0000-0000-0000-000000000000.jpg",
            ),
            ("{path}", "trip/day 1/a b.JPG"),
            ("{uuid}-{path}", "00000000-0000-0000-0000-000000000000-trip/day 1/a b.JPG"),
        ] {
            let parsed = KeyTemplate::parse(template).unwrap();
            let given = values("ada@example.org", "a b.JPG", Some("trip/day 1/a b.JPG"));
            assert_eq!(parsed.render(&given), key, "{template}");
        }
        assert_eq!(KeyTemplate::parse("{uuid}/{filename}"), Ok(KeyTemplate::default()));
        assert!(KeyTemplate::default().is_unique() && !KeyTemplate::parse("{path}").unwrap().is_unique());
    }

    #[test]
    fn templates_that_make_no_good_keys_are_refused() {
        for (bad, why) in [
            ("", "all files"),
            ("{subject}", "all files"),
            ("{filname}", "did you mean {filename}?"),
            ("{}", "there is no such name"),
            ("{uuid", "brace"),
            ("uuid}", "brace"),
            ("a}{uuid}", "brace"),
            ("/{uuid}", "empty segments"),
            ("{uuid}/", "empty segments"),
            ("a//{uuid}", "empty segments"),
            ("../{uuid}", "empty segments"),
            ("a\\{uuid}", "backslashes"),
            ("a\u{0}{uuid}", "control"),
            ("{path}/{path}/{path}", "1,024"),
            ("{subject}-{filename}", "between {subject} and {filename}"),
            ("{path}.{extension}", "between {path} and {extension}"),
            (".partway/{uuid}", ".partway"),
            ("a/.partway/{uuid}", ".partway"),
        ] {
            let error = KeyTemplate::parse(bad).expect_err(bad);
            assert!(error.contains(why), "{bad:?} gave {error:?}");
        }
        assert!(KeyTemplate::parse(&"x".repeat(400)).is_err());
    }

    proptest! {
        /// Whatever subject, name and path a client comes with, the key stays where the template puts it.
        #[test]
        fn no_value_escapes(subject in ".{0,300}", name in ".{0,400}", path in "(.{0,40}[/\\\\]){0,20}.{0,40}") {
            let template = KeyTemplate::parse("in/{subject}/{path}").unwrap();
            let key = template.render(&values(&subject, &name, Some(&path)));
            prop_assert_eq!(check_key(&key), Ok(()), "{}", &key);
            prop_assert!(key.starts_with("in/") && key.len() <= template.longest());
            let fixed = KeyTemplate::parse("{subject}/{date}/{uuid}/{filename}").unwrap();
            let key = fixed.render(&values(&subject, &name, Some(&path)));
            prop_assert_eq!(check_key(&key), Ok(()));
            prop_assert_eq!(key.split('/').count(), 4);
        }

        /// Nobody gets into another's folder by being called nearly the same.
        #[test]
        fn subjects_stay_apart(one in ".{0,200}", other in ".{0,200}") {
            prop_assert_eq!(sanitise_subject(&one) == sanitise_subject(&other), one == other);
        }

        /// Different files have different keys, by every template.
        #[test]
        fn files_stay_apart(
            subjects in proptest::array::uniform2("[a/!-]{1,3}"),
            folders in proptest::array::uniform2("([a!?. ]{1,2}/){0,2}"),
            names in proptest::array::uniform2("[a!?.\u{ad}-]{1,3}"),
        ) {
            let path = |i: usize| format!("{}{}", folders[i], names[i]);
            let paths = [path(0), path(1)];
            let same_file = paths[0] == paths[1] && names[0] == names[1];
            for text in ["{subject}/{filename}", "{subject}/{path}", "{path}/{subject}", "{date}-{filename}", "{extension}/{filename}"] {
                let template = KeyTemplate::parse(text).unwrap();
                let key = |i: usize| template.render(&values(&subjects[i], &names[i], Some(&paths[i])));
                let is_same = same_file && (!text.contains("subject") || subjects[0] == subjects[1]);
                prop_assert_eq!(key(0) == key(1), is_same, "{} {:?} {:?} {}", text, &subjects, &paths, key(0));
            }
        }

        #[test]
        fn any_text_is_a_template_or_an_error(text in "[{}a-z/.]{0,60}") {
            if let Ok(template) = KeyTemplate::parse(&text) {
                prop_assert_eq!(check_key(&template.render(&values("s", "n", None))), Ok(()));
            }
        }
    }
}
