//! What uploads and downloads have in common: names of files and work, failures and what they mean, retries, patience, and how
//! much is on its way at once.
//!
//! It never knows which way bytes go. [`upload`](crate::upload) and [`download`](crate::download) stand above it.

mod batches;
mod failure;
mod flow;
mod hedge;
mod id;
mod index;
mod jobs;
mod pace;
mod patience;
mod retried;
mod size;

pub(crate) use batches::Batches;
pub use failure::{Failure, SourceFailure, TransferError};
pub(crate) use failure::{Verdict, etag_hidden, judge_call, may_pass, stalled, store_unreachable};
pub(crate) use flow::{Cap, Flow, ceiling};
pub(crate) use hedge::{Hedged, Second};
pub(crate) use id::HostId;
pub use id::{FileId, JobId};
pub(crate) use index::{Deadlines, Turn, set};
pub(crate) use jobs::Jobs;
pub(crate) use pace::{Flight, Pace, StragglerLimits};
pub(crate) use patience::Patience;
pub(crate) use retried::Retried;
pub(crate) use size::SizeLimits;
