//! The commands beside `serve`.

pub(crate) mod doctor;
pub(crate) mod sweep;
