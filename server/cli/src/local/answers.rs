//! Where answers hold problems, for the store's words to be added to them.

use std::collections::BTreeMap;

use partway_s3::signing::SignedForm;
use partway_s3::store::Looked;
use partway_shared::error::Problem;
use partway_shared::upload::ControlReply;
use partway_shared::wire::{
    Completion, CreatedUpload, DeletedObjects, DestinationList, ListedObjects, LookedAtObjects,
    ObjectDeletion, ObjectLook, ObjectSigning, SignedObjects,
};

/// An answer to a request.
pub(crate) trait Answer {
    /// Returns the problems that it holds.
    fn problems(&mut self) -> Vec<&mut Problem> {
        Vec::new()
    }
}

impl Answer for () {}
impl Answer for DestinationList {}
impl Answer for ListedObjects {}
impl Answer for Option<Looked> {}
impl Answer for BTreeMap<String, String> {}
impl Answer for (String, u64) {}
impl Answer for (SignedForm, u64) {}

impl Answer for SignedObjects {
    fn problems(&mut self) -> Vec<&mut Problem> {
        let refused = self.objects.iter_mut().filter_map(|one| match one {
            ObjectSigning::Refused(problem) => Some(problem),
            ObjectSigning::Signed(_) => None,
        });
        refused.collect()
    }
}

impl Answer for LookedAtObjects {
    fn problems(&mut self) -> Vec<&mut Problem> {
        let refused = self.objects.iter_mut().filter_map(|one| match one {
            ObjectLook::Refused(problem) => Some(problem),
            ObjectLook::Found(_) => None,
        });
        refused.collect()
    }
}

impl Answer for DeletedObjects {
    fn problems(&mut self) -> Vec<&mut Problem> {
        let refused = self.objects.iter_mut().filter_map(|one| match one {
            ObjectDeletion::Refused(problem) => Some(problem),
            ObjectDeletion::Deleted(_) => None,
        });
        refused.collect()
    }
}

impl Answer for ControlReply {
    fn problems(&mut self) -> Vec<&mut Problem> {
        match self {
            Self::Created(created) => {
                let refused = created.uploads.iter_mut().filter_map(|one| match one {
                    CreatedUpload::Refused(problem) => Some(problem),
                    CreatedUpload::Accepted(_) => None,
                });
                refused.collect()
            }
            Self::Completed(completed) => {
                let refused = completed.uploads.iter_mut().filter_map(|one| match one {
                    Completion::Refused(problem) => Some(problem),
                    Completion::Completed(_) => None,
                });
                refused.collect()
            }
            Self::Copied(_) | Self::Signed(_) | Self::Listed(_) | Self::Aborted => Vec::new(),
        }
    }
}
