//! Lists keys, page by page.

use partway_s3::store::ListParams;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::{MAX_KEY_BYTES, MAX_OBJECTS_PER_PAGE};
use partway_shared::wire::{ListObjects, ListedObjects, Operation};

use crate::caller::Caller;

use super::access::{Place, Reached};
use super::{Objects, failed, outcome};

impl Objects {
    /// Returns a page of what the caller may list.
    ///
    /// A prefix that is out of its scope has nothing below it, as one that nobody has used.
    ///
    /// # Errors
    /// When a parameter is not valid, the destination does not allow listing, or the store could not answer.
    pub async fn list(&self, caller: &Caller, request: &ListObjects) -> Result<ListedObjects, Problem> {
        let destination =
            self.destination(caller, Operation::List, request.destination.as_deref(), Place::Alone)?;
        let policy = &destination.policy;
        let all = policy.prefix_of(caller.subject.as_str(), &caller.scope);
        let prefix = request.prefix.as_deref().unwrap_or(&all);
        let limit = request.limit.unwrap_or(MAX_OBJECTS_PER_PAGE);
        check(request, prefix, limit, policy.callers_own_bucket)?;
        if !prefix.starts_with(&all) || policy.is_reserved(prefix) {
            let nothing = (Vec::new(), Vec::new(), None);
            let (objects, prefixes, next) = nothing;
            return Ok(ListedObjects { prefix: prefix.to_owned(), objects, prefixes, next });
        }
        let mut reached = [Ok(Reached { destination, key: prefix, version_id: None })];
        self.consent(caller, Operation::List, &mut reached).await?;
        let [reached] = reached;
        reached?;
        let params = ListParams {
            prefix,
            delimiter: request.delimiter.as_deref(),
            after: request.after.as_deref(),
            limit,
        };
        let page = destination.objects.list(params).await;
        let page = page.map_err(|error| failed(destination, prefix, "listing objects", error));
        destination.metrics.objects("list", outcome(&page), 1);
        let mut page = page?;
        // Partway's own files are nobody's.
        page.objects.retain(|object| !policy.is_reserved(&object.key));
        page.prefixes.retain(|prefix| !policy.is_reserved(prefix));
        Ok(ListedObjects {
            prefix: prefix.to_owned(),
            objects: page.objects,
            prefixes: page.prefixes,
            next: page.next,
        })
    }
}

fn check(request: &ListObjects, prefix: &str, limit: u32, any_key: bool) -> Result<(), Problem> {
    let refuse = |field: &str, why: &str| Err(Problem::new(ErrorCode::InvalidField, why).with_field(field));
    for (field, text) in
        [("prefix", &request.prefix), ("delimiter", &request.delimiter), ("after", &request.after)]
    {
        let Some(text) = text else { continue };
        if text.len() > MAX_KEY_BYTES || (!any_key && text.chars().any(char::is_control)) {
            return refuse(field, "it may have at most 1,024 bytes, and no control characters");
        }
    }
    if request.delimiter.as_deref() == Some("") {
        return refuse("delimiter", "it must not be empty; leave it out to list all keys");
    }
    if request.after.as_deref().is_some_and(|after| !after.starts_with(prefix)) {
        return refuse("after", "it must be the `next` of the page before, which begins with the prefix");
    }
    if !(1..=MAX_OBJECTS_PER_PAGE).contains(&limit) {
        return refuse("limit", "a page has 1 to 1,000 keys");
    }
    Ok(())
}
