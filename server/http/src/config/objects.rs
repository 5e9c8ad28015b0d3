//! `[destinations.NAME.objects]`: what may be done with objects that are there.

use std::time::Duration;

use partway_shared::wire::Operation;
use serde::{Deserialize, Deserializer, de};

use crate::policy::{KeyScope, KeyTemplate};
use crate::spelling::nearest;

use super::{duration, list};

/// The longest life of a link: a year.
const MAX_LINK_LIFETIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const NAMES: [(&str, Operation); 4] = [
    ("get", Operation::Get),
    ("list", Operation::List),
    ("delete", Operation::Delete),
    ("copy", Operation::Copy),
];

/// The settings of objects in one destination.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectsConfig {
    /// What callers may do with objects: `get`, `list`, `delete`, `copy`. Default: nothing.
    #[serde(deserialize_with = "operations")]
    pub allow: Vec<Operation>,
    /// The keys for which they may, after `uploads.key_prefix`: a folder such as `{subject}/`, or `""` for all of them.
    /// Default: the folder that `key` gives each subject; where it gives none, this has to be said.
    pub scope: Option<KeyScope>,
    /// How long URLs that read are valid, at most 7 days. Default: `uploads.url_lifetime`.
    #[serde(deserialize_with = "duration::optional")]
    pub url_lifetime: Option<Duration>,
    /// How long links work at most, up to a year. Default: `30d`.
    #[serde(deserialize_with = "duration::required")]
    pub link_lifetime: Duration,
}

impl Default for ObjectsConfig {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            scope: None,
            url_lifetime: None,
            link_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

fn operations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Operation>, D::Error> {
    list(deserializer)?.iter().map(|name| operation(name).map_err(de::Error::custom)).collect()
}

fn operation(name: &str) -> Result<Operation, String> {
    if let Some((_, operation)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*operation);
    }
    if name == "upload" {
        return Err("uploading is not named here: subjects, granted_only and tickets say who may".to_owned());
    }
    let known = NAMES.map(|(name, _)| name);
    Err(match nearest(name, known) {
        Some(meant) => format!("there is no {name:?}; did you mean {meant:?}?"),
        None => format!("it must be some of {}", known.join(", ")),
    })
}

impl ObjectsConfig {
    /// Returns the keys for which something may be done: what is said, else what the destination's template of keys gives.
    #[must_use]
    pub fn scope(&self, key: &KeyTemplate) -> Option<KeyScope> {
        self.scope.clone().or_else(|| KeyScope::of(key))
    }

    /// Checks bounds. Returns the field and what is wrong with it.
    pub(super) fn check(&self, key: &KeyTemplate) -> Result<(), (&'static str, &'static str)> {
        if !self.allow.is_empty() && self.scope(key).is_none() {
            return Err((
                "objects.scope",
                "the template of keys gives subjects no folder of their own, so it has to be said whose objects each may \
                 reach: a folder such as \"{subject}/\", or \"\" for everybody's",
            ));
        }
        let is_short = |lifetime: Duration| lifetime < Duration::from_secs(1);
        if self.url_lifetime.is_some_and(|lifetime| {
            is_short(lifetime) || lifetime > Duration::from_secs(partway_shared::limits::MAX_PRESIGN_SECONDS)
        }) {
            return Err(("objects.url_lifetime", "it must be from 1s to 7d"));
        }
        if is_short(self.link_lifetime) || self.link_lifetime > MAX_LINK_LIFETIME {
            return Err(("objects.link_lifetime", "it must be from 1s to 366d"));
        }
        Ok(())
    }
}
