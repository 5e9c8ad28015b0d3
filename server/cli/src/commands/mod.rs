//! The commands besides `serve`.

pub(crate) mod doctor;
pub(crate) mod sweep;
