//! curl commands that work when they are pasted into a shell.

use std::collections::BTreeMap;

use crate::failed::NotBegun;

use super::Kind;
use super::form::Form;

/// How a command is written.
pub(super) struct Curl<'a> {
    pub(super) kind: Kind,
    pub(super) key: &'a str,
    pub(super) file: Option<&'a str>,
}

impl Curl<'_> {
    /// Returns the command for a URL.
    pub(super) fn of_url(&self, url: &str, headers: &BTreeMap<String, String>) -> Result<String, NotBegun> {
        // A key may have segments that curl would remove.
        let mut words = vec!["curl".to_owned(), "--fail-with-body".to_owned(), "--path-as-is".to_owned()];
        let mut add = |word: &str, value: String| words.extend([word.to_owned(), value]);
        match self.kind {
            Kind::Get => add("--output", self.file()),
            Kind::Head => words.push("--head".to_owned()),
            Kind::Put | Kind::Part | Kind::Post => add("--upload-file", self.file()),
        }
        for (name, value) in headers {
            words.extend(["--header".to_owned(), format!("{name}: {value}")]);
        }
        words.push(url.to_owned());
        join(&words)
    }

    /// Returns the command for a form.
    pub(super) fn of_form(&self, form: &Form) -> Result<String, NotBegun> {
        let mut words = vec!["curl".to_owned(), "--fail-with-body".to_owned()];
        for (name, value) in &form.fields {
            // What `--form` would read a file for is a value here.
            words.extend(["--form-string".to_owned(), format!("{name}={value}")]);
        }
        let file = self.file().replace('\\', "\\\\").replace('"', "\\\"");
        words.extend(["--form".to_owned(), format!("file=@\"{file}\""), form.url.clone()]);
        join(&words)
    }

    /// Returns the file, which is no option and not standard input.
    fn file(&self) -> String {
        let last = || {
            self.key
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .filter(|name| !matches!(*name, "" | "." | ".." | "${filename}"))
        };
        match self.file {
            Some(file) => file.to_owned(),
            None => format!("./{}", last().unwrap_or("file")),
        }
    }
}

fn join(words: &[String]) -> Result<String, NotBegun> {
    shlex::try_join(words.iter().map(String::as_str))
        .map_err(|_| NotBegun("a key with a null character cannot be written into a command".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_key_is_one_word() {
        let curl = Curl { kind: Kind::Put, key: "a/it's $HOME `x`", file: None };
        let headers = BTreeMap::from([("content-type".to_owned(), "text/plain".to_owned())]);
        let command = curl.of_url("http://s3.test/a?b=c&d=e", &headers).unwrap();
        let words = shlex::split(&command).unwrap();
        assert_eq!(
            words,
            [
                "curl",
                "--fail-with-body",
                "--path-as-is",
                "--upload-file",
                "./it's $HOME `x`",
                "--header",
                "content-type: text/plain",
                "http://s3.test/a?b=c&d=e",
            ]
        );
        let form = Form {
            url: "http://s3.test/b".to_owned(),
            fields: BTreeMap::from([("key".to_owned(), "@a;b".to_owned())]),
        };
        let command = Curl { kind: Kind::Post, key: "in/", file: Some("a\"b") }.of_form(&form).unwrap();
        let words = shlex::split(&command).unwrap();
        assert_eq!(
            words[2..],
            ["--form-string", "key=@a;b", "--form", "file=@\"a\\\"b\"", "http://s3.test/b"]
        );
    }
}
