//! Rules that a store should keep, and what is said of them.

use std::fmt;

/// Whether a store keeps a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It refuses what breaks it.
    Kept,
    /// It lets through what breaks it, and this is what.
    Broken(&'static str),
    /// It refuses what keeps the rule as well, with these words.
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
