//! What may be uploaded, and under which key. The client proposes; this decides.

mod disposition;
mod key;

use bytesize::ByteSize;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::{MAX_NAME_BYTES, MAX_OBJECT_SIZE};
use partway_shared::plan::{Plan, PlanLimits};
use partway_shared::wire::NewUpload;

use crate::excerpt::excerpt;

pub use disposition::{content_disposition, content_type};
pub use key::object_key;

/// What the one destination goes by.
const DEFAULT_DESTINATION: &str = "default";

/// The rules of the one destination.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What every key begins with.
    pub key_prefix: String,
    /// The largest file, in bytes.
    pub max_file_size: u64,
    /// How files are cut.
    pub plan: PlanLimits,
}

impl Policy {
    /// Plans one file of a request, or says why it is refused. `field` is its place in the request.
    ///
    /// # Errors
    /// When a field is out of bounds, or the file is too large.
    pub fn plan(&self, file: &NewUpload, field: &str) -> Result<Plan, Problem> {
        let refuse = |name: &str, why: &str| {
            Err(Problem::new(ErrorCode::InvalidField, why).with_field(format!("{field}.{name}")))
        };
        if file.name.is_empty() {
            return refuse("name", "a file needs a name");
        }
        if file.name.len() > MAX_NAME_BYTES {
            return refuse(
                "name",
                &format!("a name has at most {MAX_NAME_BYTES} bytes, not {}", file.name.len()),
            );
        }
        if file.path.as_ref().is_some_and(|path| path.len() > MAX_NAME_BYTES) {
            return refuse("path", &format!("a path has at most {MAX_NAME_BYTES} bytes"));
        }
        if let Some(content_type) = &file.content_type
            && !is_media_type(content_type)
        {
            return refuse("type", "it is not a media type such as image/png");
        }
        if let Some(destination) = &file.destination
            && destination != DEFAULT_DESTINATION
        {
            let why = format!("there is no destination {:?}", excerpt(destination));
            return Err(
                Problem::new(ErrorCode::UnknownDestination, why).with_field(format!("{field}.destination"))
            );
        }
        let max = self.max_file_size.min(MAX_OBJECT_SIZE);
        if file.size > max {
            let why = format!("{} bytes are more than the {} that may be uploaded", file.size, ByteSize(max));
            return Err(Problem::new(ErrorCode::FileTooLarge, why).with_field(format!("{field}.size")));
        }
        Plan::new(file.size, file.part_size, &self.plan).map_err(|error| {
            Problem::new(ErrorCode::FileTooLarge, error.to_string()).with_field(format!("{field}.size"))
        })
    }
}

/// `type/subtype` with optional parameters, in the characters that a header may have (RFC 9110, section 8.3.1).
fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    text.len() <= 255
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy { key_prefix: String::new(), max_file_size: 1_000, plan: PlanLimits::default() }
    }

    fn file(name: &str, size: u64) -> NewUpload {
        NewUpload { name: name.to_owned(), size, ..NewUpload::default() }
    }

    #[test]
    fn refusals_name_the_field() {
        let refusal = |file: NewUpload| {
            let problem = policy().plan(&file, "files[2]").unwrap_err();
            (problem.code, problem.field.unwrap())
        };
        let invalid = |field: &str| (ErrorCode::InvalidField, format!("files[2].{field}"));
        assert_eq!(refusal(file("", 1)), invalid("name"));
        assert_eq!(refusal(file(&"x".repeat(5_000), 1)), invalid("name"));
        assert_eq!(refusal(file("a", 1_001)), (ErrorCode::FileTooLarge, "files[2].size".to_owned()));
        for bad in ["png", "image/", "/png", "image/png\r\nx-evil: 1", "a b/c", "ü/x"] {
            assert_eq!(
                refusal(NewUpload { content_type: Some(bad.to_owned()), ..file("a", 1) }),
                invalid("type")
            );
        }
        let elsewhere = NewUpload { destination: Some("x".to_owned()), ..file("a", 1) };
        assert_eq!(refusal(elsewhere).0, ErrorCode::UnknownDestination);
    }

    #[test]
    fn what_is_fine_is_planned() {
        assert_eq!(policy().plan(&file("a", 1_000), "files[0]").unwrap().size(), 1_000);
        let typed = NewUpload { content_type: Some("text/plain; charset=utf-8".to_owned()), ..file("a", 0) };
        assert!(policy().plan(&typed, "files[0]").is_ok());
    }
}
