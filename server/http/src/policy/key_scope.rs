//! The keys that a subject may read, list and delete: a prefix of constants and `{subject}`.

use serde::Deserialize;

use super::key::{MAX_KEY_PREFIX, check_key, sanitise_subject};
use super::template::{KeyTemplate, Piece, Slot, pieces};

/// A template of the prefix that a subject's keys have: empty, or with a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyScope(Vec<Piece>);

impl KeyScope {
    /// Parses a template of constants and `{subject}`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pieces = pieces(text)?;
        if let Some(Piece::Slot(slot)) =
            pieces.iter().find(|piece| !matches!(piece, Piece::Text(_) | Piece::Slot(Slot::Subject)))
        {
            return Err(format!(
                "it may have {{subject}} and no {{{}}}: it has to be the same for all of a subject's objects",
                slot.name()
            ));
        }
        if !text.is_empty() && !text.ends_with('/') {
            // "ada" is the beginning of "ada2/" as well.
            return Err("it must end with a slash, or be empty for all keys".to_owned());
        }
        let scope = Self(pieces);
        let longest = scope.render("s");
        if longest.len() > MAX_KEY_PREFIX {
            return Err(format!("it may have at most {MAX_KEY_PREFIX} bytes"));
        }
        check_key(&format!("{longest}x")).map_err(str::to_owned)?;
        Ok(scope)
    }

    /// Returns the folder that a template of keys gives each subject of its own; `None` where it gives none.
    #[must_use]
    pub fn of(template: &KeyTemplate) -> Option<Self> {
        let is_fixed = |piece: &&Piece| matches!(piece, Piece::Text(_) | Piece::Slot(Slot::Subject));
        let mut leading: Vec<_> = template.pieces().iter().take_while(is_fixed).cloned().collect();
        // Only what ends with a slash is a folder: of `{subject}/a-{uuid}` it is `{subject}/`.
        while let Some(piece) = leading.pop() {
            if let Piece::Text(text) = piece
                && let Some(slash) = text.rfind('/')
            {
                leading.push(Piece::Text(text[..=slash].to_owned()));
                break;
            }
        }
        leading.contains(&Piece::Slot(Slot::Subject)).then_some(Self(leading))
    }

    /// Returns the prefix of a subject's keys, which differs for each subject if it depends on it.
    #[must_use]
    pub fn render(&self, subject: &str) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Slot(_) => sanitise_subject(subject),
        });
        pieces.collect()
    }
}

impl TryFrom<String> for KeyScope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    #[test]
    fn a_template_of_keys_gives_a_folder_or_none() {
        for (template, scope) in [
            ("{subject}/{uuid}/{filename}", Some("ada/")),
            ("u/{subject}/a-{uuid}", Some("u/ada/")),
            ("u/{subject}/in/{date}/{uuid}", Some("u/ada/in/")),
            ("{subject}-{uuid}", None),
            ("a/{subject}{uuid}", None),
            ("{uuid}/{subject}/{filename}", None),
            ("in/{uuid}", None),
            ("{path}", None),
        ] {
            let template = KeyTemplate::parse(template).unwrap();
            let found = KeyScope::of(&template).map(|found| found.render("ada"));
            assert_eq!(found.as_deref(), scope, "{template:?}");
        }
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        assert_eq!(KeyScope::parse("").unwrap().render("ada"), "");
        assert_eq!(KeyScope::parse("u/{subject}/").unwrap().render("a/b"), "u/a!2fb/");
        for (bad, why) in [
            ("{subject}", "slash"),
            ("u", "slash"),
            ("{date}/", "{date}"),
            ("{uuid}/", "{uuid}"),
            ("/", "empty segments"),
            ("a//", "empty segments"),
            ("../", "empty segments"),
            (".partway/", ".partway"),
            ("{sub}/", "no name"),
        ] {
            let error = KeyScope::parse(bad).unwrap_err();
            assert!(error.contains(why) || error.contains("did you mean"), "{bad}: {error}");
        }
    }

    proptest! {
        /// Nobody's keys are in another's scope, whatever either is called.
        #[test]
        fn subjects_stay_apart(one in ".{1,60}", other in ".{1,60}") {
            let scope = KeyScope::parse("u/{subject}/").unwrap();
            let (one_scope, other_scope) = (scope.render(&one), scope.render(&other));
            prop_assert!(one == other || !one_scope.starts_with(&other_scope));
        }
    }
}
