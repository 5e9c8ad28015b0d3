//! Forms: which fields they have, and what they leave open.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use partway_s3::attributes::Attributes;
use partway_s3::signing::{Presigner, SignedForm};
use partway_shared::limits::MAX_SINGLE_PUT_SIZE;
use serde_json::json;

use crate::failed::NotBegun;

use super::PresignArgs;

/// What S3 replaces in a key by the name of the form's file.
const FILENAME: &str = "${filename}";

/// A form, as it is printed.
pub(super) struct Form {
    pub(super) url: String,
    pub(super) fields: BTreeMap<String, String>,
}

impl Form {
    pub(super) fn json(&self) -> String {
        json!({ "url": self.url, "fields": self.fields }).to_string()
    }
}

/// What a form is to be.
pub(super) struct Wanted {
    fields: BTreeMap<String, String>,
    prefixes: BTreeMap<String, String>,
    size: RangeInclusive<u64>,
}

impl Wanted {
    pub(super) fn of(args: &PresignArgs, key: &str, attributes: Attributes) -> Result<Self, NotBegun> {
        let mut attributes = attributes;
        let more = std::mem::take(&mut attributes.more);
        let mut fields = attributes.fields().ok_or_else(|| {
            NotBegun("a form cannot say --tag or --if-none-match; presign put can".to_owned())
        })?;
        if let Some(name) = more.keys().find(|name| name.starts_with("x-amz-grant-")) {
            return Err(NotBegun(format!("a form cannot say {name}; presign put can")));
        }
        fields.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        // The answer has the key and the ETag in its body then.
        fields.insert("success_action_status".to_owned(), "201".to_owned());
        if let Some(content_type) = &args.object.content_type {
            fields.insert("Content-Type".to_owned(), content_type.clone());
        }
        let mut prefixes = BTreeMap::new();
        for text in &args.starts_with {
            let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, prefix) =
                pair.ok_or_else(|| NotBegun(format!("--starts-with {text}: it is written FIELD=PREFIX")))?;
            if name.eq_ignore_ascii_case("key") {
                return Err(NotBegun("--starts-with: what the key begins with is the place itself, which ends with a slash then".to_owned()));
            }
            // S3 compares names without case, and a field that stands there already has the value that is sent.
            let name = fields
                .keys()
                .find(|field| field.eq_ignore_ascii_case(name))
                .cloned()
                .unwrap_or_else(|| name.to_owned());
            if fields.get(&name).is_some_and(|value| !value.starts_with(prefix)) {
                return Err(NotBegun(format!(
                    "--starts-with {text}: the value that is given for {name} begins otherwise"
                )));
            }
            if prefixes.insert(name, prefix.to_owned()).is_some() {
                return Err(NotBegun(format!("--starts-with {text}: there is one for this field already")));
            }
        }
        let (key, is_open) = match key.strip_suffix(FILENAME) {
            Some(before) => (before, true),
            None => (key, key.is_empty() || key.ends_with('/')),
        };
        if key.contains(FILENAME) {
            return Err(NotBegun("${filename} can stand at the end of a form's key alone".to_owned()));
        }
        if is_open {
            fields.insert("key".to_owned(), format!("{key}{FILENAME}"));
            prefixes.insert("key".to_owned(), key.to_owned());
        } else {
            fields.insert("key".to_owned(), key.to_owned());
        }
        let size = match args.size {
            Some(size) => size..=size,
            None => args.min_size..=args.max_size.unwrap_or(MAX_SINGLE_PUT_SIZE),
        };
        if size.is_empty() || *size.end() > MAX_SINGLE_PUT_SIZE {
            return Err(NotBegun(
                "--max-size: it must be from --min-size to 5 GiB, the most that one request takes".to_owned(),
            ));
        }
        Ok(Self { fields, prefixes, size })
    }

    pub(super) fn sign(&self, presigner: &Presigner<'_>) -> SignedForm {
        presigner.sign_form(self.fields.clone(), &self.prefixes, self.size.clone())
    }
}
