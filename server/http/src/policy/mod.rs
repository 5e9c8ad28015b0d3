//! The policy of a destination: what may be uploaded, under which key, and with which attributes, and what may be done with
//! objects. The client proposes, and the policy decides. It knows neither stores nor credentials.

mod disposition;
mod key;
mod key_scope;
mod media_type;
mod scope;
mod sniff;
mod template;

use std::collections::BTreeSet;

use bytesize::ByteSize;
use partway_s3::attributes::{Attributes, UPLOAD_MARK};
use partway_s3::store::namespace;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::{MAX_KEY_BYTES, MAX_NAME_BYTES, MAX_OBJECT_SIZE};
use partway_shared::plan::{FileTooLarge, PartSizes, Plan, PlanLimits};
use partway_shared::wire::{NewUpload, Operation};

use crate::excerpt::excerpt;

use self::media_type::is_bare_word;
use self::scope::takes_extension;
use self::template::extension;

pub use disposition::{content_disposition, is_executable, with_filename};
pub use key::{MAX_KEY_PREFIX, check_key};
pub use key_scope::KeyScope;
pub use media_type::{MediaType, is_type_pattern};
pub use scope::{Scope, ScopeSource, is_extension};
pub use sniff::{SNIFFED_BYTES, contradiction};
pub use template::{KeyTemplate, KeyValues};

/// The rules of one destination.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The prefix of every key.
    pub key_prefix: String,
    /// The template of keys.
    pub key: KeyTemplate,
    /// The largest file, in bytes.
    pub max_file_size: u64,
    /// The media types that are accepted; all if empty.
    pub types: Vec<String>,
    /// The file name extensions that are accepted; all if empty.
    pub extensions: Vec<String>,
    /// The subjects for which the destination exists; all if empty.
    pub subjects: Vec<String>,
    /// Whether it exists only for callers whose scope names it.
    pub granted_only: bool,
    /// Whether callers hold the bucket's credentials themselves. No key is kept from them, whatever it is, and a file that one PUT
    /// sends goes straight to its key, also where it replaces an object.
    pub callers_own_bucket: bool,
    /// Whether types that browsers execute are shown instead of downloaded.
    pub inline_active_types: bool,
    /// Whether the first bytes must match the file's media type.
    pub sniff: bool,
    /// The attributes of every object.
    pub attributes: Attributes,
    /// What may be done with objects that are there, besides uploading: nothing unless said.
    pub allow: Vec<Operation>,
    /// The keys for which it may be done, below `key_prefix`.
    pub scope: KeyScope,
    /// The limits by which files are split into parts.
    pub plan: PlanLimits,
    /// The limits by which copies are: one up to `single_put_max` is made at once.
    pub copy_plan: PlanLimits,
}

impl Default for Policy {
    /// Returns a policy that accepts everything.
    fn default() -> Self {
        Self {
            key_prefix: String::new(),
            key: KeyTemplate::default(),
            max_file_size: MAX_OBJECT_SIZE,
            types: Vec::new(),
            extensions: Vec::new(),
            subjects: Vec::new(),
            granted_only: false,
            callers_own_bucket: false,
            inline_active_types: false,
            sniff: false,
            attributes: Attributes::default(),
            allow: Vec::new(),
            scope: KeyScope::default(),
            plan: PlanLimits::default(),
            copy_plan: PlanLimits::default(),
        }
    }
}

/// The parts that a copy has before they get larger: enough to see it move, and few enough that each is worth a request.
const COPIED_PARTS: u64 = 1_000;

impl Policy {
    /// Returns whether the destination of this name exists for a subject with this scope.
    #[must_use]
    pub fn exists_for(&self, destination: &str, subject: &str, scope: &Scope) -> bool {
        let named = scope.names(destination);
        let is_subject = self.subjects.is_empty()
            || self.subjects.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => subject.starts_with(start),
                None => subject == pattern,
            });
        is_subject && named.unwrap_or(!self.granted_only)
    }

    /// Returns whether a caller with this scope may do this here. Uploading is what destinations are for; all else is granted.
    #[must_use]
    pub fn allows(&self, operation: Operation, scope: &Scope) -> bool {
        (operation == Operation::Upload || self.allow.contains(&operation)) && scope.permits(operation)
    }

    /// Returns what the keys begin with that a caller may read, list, delete and copy.
    #[must_use]
    pub fn prefix_of(&self, subject: &str, scope: &Scope) -> String {
        let own_prefix = scope.key_prefix.as_deref().unwrap_or_default();
        [&self.key_prefix, own_prefix, &self.scope.render(subject)].concat()
    }

    /// Returns whether a caller may reach an object of this key, if there is one.
    #[must_use]
    pub fn reaches(&self, subject: &str, scope: &Scope, key: &str) -> bool {
        key.starts_with(&self.prefix_of(subject, scope)) && scope.takes_key(key) && !self.is_reserved(key)
    }

    /// Returns whether a key, or all keys with a prefix, are Partway's own, of which callers see nothing.
    #[must_use]
    pub fn is_reserved(&self, key: &str) -> bool {
        !self.callers_own_bucket && namespace::is_own(&self.key_prefix, key)
    }

    /// Checks a key that an application decides on.
    ///
    /// # Errors
    /// Says the rule.
    pub fn check_decided_key(&self, key: &str) -> Result<(), &'static str> {
        if self.callers_own_bucket {
            let fits = !key.is_empty() && key.len() <= MAX_KEY_BYTES;
            return if fits { Ok(()) } else { Err("a key must have 1 to 1,024 bytes") };
        }
        check_key(key)?;
        if self.is_reserved(key) { Err("keys below .partway/ are reserved") } else { Ok(()) }
    }

    /// Plans how an object of this size is copied.
    ///
    /// # Errors
    /// When it is larger than an object can be.
    pub fn plan_copy(&self, size: u64) -> Result<Plan, FileTooLarge> {
        let limits = &self.copy_plan;
        let part_size = size.div_ceil(COPIED_PARTS).next_multiple_of(limits.part_size_step);
        Plan::new(size, Some(part_size.max(limits.part_size)), limits)
    }

    /// Plans how a file is split for a store that takes such parts. `field` is the file's path in the request, for errors.
    ///
    /// # Errors
    /// When a field is out of bounds, or the policy does not accept the file.
    pub fn plan(&self, file: &NewUpload, sizes: PartSizes, field: &str) -> Result<Plan, Problem> {
        check_fields(file, field)?;
        let own = Scope {
            max_file_size: Some(self.max_file_size.min(MAX_OBJECT_SIZE)),
            types: (!self.types.is_empty()).then(|| self.types.clone()),
            extensions: (!self.extensions.is_empty()).then(|| self.extensions.clone()),
            ..Scope::default()
        };
        check_scope(file, &own, field)?;
        let Some(size) = file.size else {
            return Ok(Plan::of_unknown_size(file.part_size, sizes, &self.plan));
        };
        Plan::new(size, file.part_size, &self.plan).map_err(|error| {
            Problem::new(ErrorCode::FileTooLarge, error.to_string()).with_field(format!("{field}.size"))
        })
    }

    /// Returns the headers that PUTs carry for the objects' attributes.
    #[must_use]
    pub fn put_headers(&self) -> BTreeSet<String> {
        let is_shared = !self.key.is_unique();
        let mut attributes = self.attributes.clone();
        attributes.keeps_existing |= !is_shared;
        let mut headers: BTreeSet<_> = attributes.headers().into_keys().collect();
        if is_shared {
            headers.insert(format!("x-amz-meta-{UPLOAD_MARK}"));
        }
        headers
    }

    /// Returns the `Content-Disposition` for an object of this type and name, if it needs one.
    #[must_use]
    pub fn disposition(&self, content_type: &MediaType, name: &str) -> Option<String> {
        if self.inline_active_types { None } else { content_disposition(content_type, name) }
    }
}

/// Checks a file against a scope: a ticket's or a hook's, besides the destination's own rules.
///
/// # Errors
/// When the file is too large, or its type or extension is not accepted.
pub fn check_scope(file: &NewUpload, scope: &Scope, field: &str) -> Result<(), Problem> {
    if let (Some(max), Some(size)) = (scope.max_file_size, file.size)
        && size > max
    {
        let why = format!("the file has {size} bytes, and at most {} may be uploaded", ByteSize(max));
        return Err(Problem::new(ErrorCode::FileTooLarge, why).with_field(format!("{field}.size")));
    }
    let content_type = MediaType::of(file)
        .map_err(|why| Problem::new(ErrorCode::InvalidField, why).with_field(format!("{field}.type")))?;
    if let Some(types) = scope.types.as_ref().filter(|types| !content_type.is_one_of(types)) {
        let mut why = format!("files of type {content_type} are not accepted here; {} are", types.join(", "));
        if let Some(word) =
            file.content_type.as_deref().filter(|given| !given.is_empty() && is_bare_word(given))
        {
            why.push_str(&format!(" ({:?} is not a media type such as image/jpeg)", excerpt(word)));
        }
        return Err(Problem::new(ErrorCode::TypeNotAllowed, why).with_field(format!("{field}.type")));
    }
    let extension = extension(&file.name);
    if let Some(taken) =
        scope.extensions.as_ref().filter(|taken| !takes_extension(taken, extension.as_deref()))
    {
        let why = format!("files with that extension are not accepted here; {} are", taken.join(", "));
        return Err(Problem::new(ErrorCode::TypeNotAllowed, why).with_field(format!("{field}.name")));
    }
    Ok(())
}

/// Checks what no destination accepts.
fn check_fields(file: &NewUpload, field: &str) -> Result<(), Problem> {
    let refuse = |name: &str, why: &str| {
        Err(Problem::new(ErrorCode::InvalidField, why).with_field(format!("{field}.{name}")))
    };
    if file.name.is_empty() {
        return refuse("name", "a file needs a name");
    }
    if file.name.len() > MAX_NAME_BYTES {
        let why = format!("a name may have at most {MAX_NAME_BYTES} bytes, not {}", file.name.len());
        return refuse("name", &why);
    }
    if file.path.as_ref().is_some_and(|path| path.len() > MAX_NAME_BYTES) {
        return refuse("path", &format!("a path may have at most {MAX_NAME_BYTES} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use partway_shared::limits::{GIB, MIB};
    use partway_shared::part::PartNumber;

    use super::*;

    fn policy() -> Policy {
        Policy { max_file_size: 1_000, ..Policy::default() }
    }

    fn file(name: &str, size: u64) -> NewUpload {
        NewUpload { name: name.to_owned(), size: Some(size), ..NewUpload::default() }
    }

    #[test]
    fn refusals_name_the_field() {
        let refusal = |file: NewUpload| {
            let problem = policy().plan(&file, PartSizes::Any, "files[2]").unwrap_err();
            (problem.code, problem.field.unwrap())
        };
        let invalid = |field: &str| (ErrorCode::InvalidField, format!("files[2].{field}"));
        assert_eq!(refusal(file("", 1)), invalid("name"));
        assert_eq!(refusal(file(&"x".repeat(5_000), 1)), invalid("name"));
        assert_eq!(refusal(file("a", 1_001)), (ErrorCode::FileTooLarge, "files[2].size".to_owned()));
        for bad in ["image/", "/png", "image/png\r\nx-evil: 1", "a b/c", "ü/x", "image/png; a=b, text/html"]
        {
            assert_eq!(
                refusal(NewUpload { content_type: Some(bad.to_owned()), ..file("a", 1) }),
                invalid("type")
            );
        }
    }

    #[test]
    fn what_is_fine_is_planned() {
        let plan = |file: &NewUpload| policy().plan(file, PartSizes::Any, "files[0]");
        assert_eq!(plan(&file("a", 1_000)).unwrap().size(), Some(1_000));
        let typed = NewUpload { content_type: Some("text/plain; charset=utf-8".to_owned()), ..file("a", 0) };
        assert!(plan(&typed).is_ok());
        let stream = NewUpload { size: None, ..file("a", 0) };
        assert_eq!(plan(&stream).unwrap().size(), None);
    }

    #[test]
    fn a_copy_has_about_a_thousand_parts() {
        let limits = PlanLimits { single_put_max: 64 * MIB, part_size: 64 * MIB, ..PlanLimits::default() };
        let policy = Policy { copy_plan: limits, ..Policy::default() };
        for (size, part_size) in [
            (64 * MIB + 1, 64 * MIB),
            (60 * GIB, 64 * MIB),
            (1_000 * GIB, GIB),
            (5_000 * GIB, 5 * GIB),
            (MAX_OBJECT_SIZE, 5 * GIB),
        ] {
            let first = policy.plan_copy(size).unwrap().range(PartNumber::FIRST).unwrap();
            assert_eq!(first.len(), part_size, "{size}");
        }
        assert!(!policy.plan_copy(64 * MIB).unwrap().is_multipart());
        assert!(policy.plan_copy(MAX_OBJECT_SIZE + 1).is_err());
    }

    #[test]
    fn types_and_extensions_both_count() {
        let images = Policy {
            types: vec!["image/*".to_owned()],
            extensions: vec!["png".to_owned(), "jpg".to_owned()],
            ..Policy::default()
        };
        let plan = |name: &str, content_type: Option<&str>| {
            let file = NewUpload { content_type: content_type.map(str::to_owned), ..file(name, 1) };
            images
                .plan(&file, PartSizes::Any, "files[0]")
                .map(drop)
                .map_err(|problem| (problem.code, problem.field.unwrap()))
        };
        let refused = |field: &str| Err((ErrorCode::TypeNotAllowed, format!("files[0].{field}")));
        assert_eq!(plan("a.PNG", Some("image/png")), Ok(()));
        assert_eq!(plan("a.png", Some("text/html")), refused("type"));
        assert_eq!(plan("a.png", None), Ok(()), "its extension says what it is");
        assert_eq!(plan("a.png", Some("png")), Ok(()), "a bare word is no type");
        assert_eq!(plan("a.png", Some("application/octet-stream")), refused("type"));
        for name in ["a.exe", "a", "png", ".png", "a.png/b", "a.png\u{0}.exe", "a.png."] {
            let expected = if name == "a.png." { Ok(()) } else { refused("name") };
            assert_eq!(plan(name, Some("image/png")), expected, "{name:?}");
        }
    }

    #[test]
    fn puts_carry_what_objects_have() {
        let mut policy = Policy::default();
        policy.attributes.metadata.insert("app".to_owned(), "gallery".to_owned());
        assert_eq!(Vec::from_iter(policy.put_headers()), ["if-none-match", "x-amz-meta-app"]);
        policy.key = KeyTemplate::parse("{path}").unwrap();
        let headers = ["x-amz-meta-app", "x-amz-meta-partway-upload"];
        assert_eq!(Vec::from_iter(policy.put_headers()), headers, "what may be replaced");
        policy.attributes.keeps_existing = true;
        let headers = ["if-none-match", "x-amz-meta-app", "x-amz-meta-partway-upload"];
        assert_eq!(Vec::from_iter(policy.put_headers()), headers);
    }

    #[test]
    fn a_destination_exists_for_some() {
        let policy = Policy { subjects: vec!["ada".to_owned(), "team-*".to_owned()], ..Policy::default() };
        let scope_of = |names: &[&str]| Scope {
            destinations: Some(names.iter().map(|&name| name.to_owned()).collect()),
            ..Scope::default()
        };
        assert!(policy.exists_for("d", "ada", &Scope::default()));
        assert!(
            policy.exists_for("d", "team-1", &scope_of(&["d"]))
                && !policy.exists_for("d", "ada", &scope_of(&["e"]))
        );
        assert!(
            !policy.exists_for("d", "eve", &scope_of(&["d"]))
                && !policy.exists_for("d", "adaa", &Scope::default())
        );
        let granted = Policy { granted_only: true, ..Policy::default() };
        assert!(
            !granted.exists_for("d", "ada", &Scope::default())
                && granted.exists_for("d", "ada", &scope_of(&["d"]))
        );
    }
}
