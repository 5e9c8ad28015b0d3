//! The commands beside `serve`. They own their arguments and what they print; what is looked for and how, `partway_s3` knows, and how
//! bytes move, `partway_client`.

pub(crate) mod cat;
pub(crate) mod cp;
pub(crate) mod doctor;
pub(crate) mod link;
pub(crate) mod ls;
pub(crate) mod manual;
pub(crate) mod presign;
pub(crate) mod rm;
pub(crate) mod stat;
pub(crate) mod sweep;
pub(crate) mod uploads;
