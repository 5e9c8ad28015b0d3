//! Rewrites serde's error messages about settings for people.

use crate::spelling::nearest;

/// The type that serde names for a size.
const PARSABLE: &str = "parsable string";

/// Rewrites a message about an unknown name, or about a value that is no size.
pub(super) fn explain(message: &str) -> String {
    let unknown = ["unknown field `", "unknown variant `"].iter().find_map(|kind| message.find(kind));
    let Some(start) = unknown else {
        return without_value(message).replace(PARSABLE, "a size such as `16 MiB`");
    };
    let (before, message) = message.split_at(start);
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(given) = quoted.next() else { return message.to_owned() };
    let known: Vec<_> = quoted.collect();
    let is_field = message.starts_with("unknown field");
    match nearest(given, known.iter().copied()) {
        Some(meant) if is_field => format!("{before}unknown setting `{given}`; did you mean `{meant}`?"),
        None if is_field => format!("{before}unknown setting `{given}`; there are {}", known.join(", ")),
        // What is close to a known word is no secret.
        Some(meant) => format!("{before}unknown value `{given}`; did you mean `{meant}`?"),
        None => format!("{before}unknown value; there are {}", known.join(", ")),
    }
}

/// Removes the value from a message about a value of the wrong type.
fn without_value(message: &str) -> String {
    for kind in ["invalid type: ", "invalid value: ", "invalid length "] {
        if message.starts_with(kind)
            && let Some(expected) = message.rfind(", expected ")
        {
            let name = kind.trim_end_matches([':', ' ']);
            return [name, message.get(expected..).unwrap_or_default()].concat();
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_said() {
        let message = "unknown field `lissen`, expected one of `listen`, `token_secret`, `workers`";
        assert_eq!(explain(message), "unknown setting `lissen`; did you mean `listen`?");
        let message = "unknown field `colour`, expected one of `listen`, `workers`";
        assert_eq!(explain(message), "unknown setting `colour`; there are listen, workers");
        let message = "unknown variant `md4`, expected one of `auto`, `md5`";
        assert_eq!(explain(message), "unknown value `md4`; did you mean `md5`?");
        let message = "unknown variant `a secret`, expected one of `auto`, `md5`";
        assert_eq!(explain(message), "unknown value; there are auto, md5");
        let message = "invalid type: string \"a secret, expected \", expected a map";
        assert_eq!(explain(message), "invalid type, expected a map");
        assert_eq!(explain("invalid type"), "invalid type");
        let message = "invalid value: string \"20 elephants\", expected parsable string";
        assert!(explain(message).ends_with("expected a size such as `16 MiB`"));
    }
}
