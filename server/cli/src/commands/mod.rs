//! The commands beside `serve`. They own their arguments and what they print; what is looked for and how, `partway_s3` knows.

pub(crate) mod doctor;
pub(crate) mod sweep;
