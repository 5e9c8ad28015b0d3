//! Rules that a store should enforce, and the result of probing them.

use std::fmt;

/// Whether a store enforces a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It refuses requests that break the rule.
    Kept,
    /// It accepts requests that break the rule; this is what happens.
    Broken(&'static str),
    /// It refuses requests that keep the rule as well; the store's error.
    Unsupported(String),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Broken(how) => f.write_str(how),
            Self::Unsupported(why) => write!(f, "not supported ({why})"),
        }
    }
}
