//! The source of each setting, for errors: a line of the file, or a variable of the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

/// The sources of all settings. Holds no values, since some are secrets.
#[derive(Clone, Debug, Default)]
pub(super) struct SettingSources {
    file: Option<PathBuf>,
    lines: BTreeMap<String, usize>,
    variables: BTreeMap<String, String>,
}

/// Reads nothing; the loader fills it in.
impl<'de> Deserialize<'de> for SettingSources {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self::default())
    }
}

impl SettingSources {
    /// Returns the lines of the settings in this file's text.
    pub(super) fn of_file(path: &Path, text: &str) -> Result<Self, toml::de::Error> {
        let mut lines = BTreeMap::new();
        walk(DeTable::parse(text)?.get_ref(), "", &mut |setting, at| {
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            lines.insert(setting, line);
        });
        Ok(Self { file: Some(path.to_owned()), lines, variables: BTreeMap::new() })
    }

    /// Records that a variable sets this, whatever the file says.
    pub(super) fn add_variable(&mut self, setting: String, variable: String) {
        self.variables.insert(setting, variable);
    }

    /// Returns `partway.toml:12: ` for a setting on that line, or the line of the table that it belongs to; an empty string for a default.
    pub(super) fn prefix(&self, setting: &str) -> String {
        let mut name = without_indices(setting);
        loop {
            if let Some(variable) = self.variables.get(&name) {
                return format!("{variable}: ");
            }
            if let (Some(line), Some(file)) = (self.lines.get(&name), &self.file) {
                return format!("{}:{line}: ", file.display());
            }
            match name.rfind('.') {
                Some(end) => name.truncate(end),
                None => return self.file_prefix(),
            }
        }
    }

    fn file_prefix(&self) -> String {
        self.file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default()
    }
}

/// Returns `a.list` for `a.list[3]`, which has the same source.
fn without_indices(setting: &str) -> String {
    setting.split('[').next().unwrap_or_default().to_owned()
}

/// Calls `found` with each key's path and its byte offset.
fn walk(table: &DeTable<'_>, above: &str, found: &mut impl FnMut(String, usize)) {
    for (key, value) in table {
        let path =
            if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        found(path.clone(), key.span().start);
        if let DeValue::Table(table) = value.get_ref() {
            walk(table, &path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_by_line() {
        let text = "# first\n[server]\nlisten = \"x\"\n\n[destinations.photos]\nkey = \"{uuid}\"\ntypes = [\n\"a\",\n]\n";
        let mut sources = SettingSources::of_file(Path::new("p.toml"), text).unwrap();
        for (setting, place) in [
            ("server.listen", "p.toml:3: "),
            ("server.missing", "p.toml:2: "),
            ("destinations.photos.key", "p.toml:6: "),
            ("destinations.photos.types[0]", "p.toml:7: "),
            ("nowhere.at.all", "p.toml: "),
        ] {
            assert_eq!(sources.prefix(setting), place, "{setting}");
        }
        sources.add_variable("server.listen".to_owned(), "PARTWAY_SERVER__LISTEN".to_owned());
        assert_eq!(sources.prefix("server.listen"), "PARTWAY_SERVER__LISTEN: ");
        assert_eq!(SettingSources::default().prefix("server.listen"), "");
    }
}
