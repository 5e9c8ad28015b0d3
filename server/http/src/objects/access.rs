//! Whether a caller may do something with an object. The policy is first, then the application, so that cheap refusals cost
//! nothing.
//!
//! What a caller may not know of does not exist: a key out of its scope is refused in the words for one that nobody has.

use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_KEY_BYTES;
use partway_shared::wire::Operation;

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::hooks::ProposedAccess;

use super::{Objects, not_found};

/// An object, as a request names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) destination: Option<&'a str>,
    pub(super) key: &'a str,
    pub(super) version_id: Option<&'a str>,
}

/// An object that a caller may reach. Whether it exists is not known yet.
#[derive(Clone, Copy)]
pub(super) struct Reached<'a> {
    pub(super) destination: &'a Destination,
    pub(super) key: &'a str,
    pub(super) version_id: Option<&'a str>,
}

/// Where an object stands in a request, for errors.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// It is the request's only one.
    Alone,
    /// It is one of `objects`, by its index.
    At(usize),
    /// It is the one of a field.
    In(&'static str),
}

impl Place {
    /// Returns a field's path.
    pub(super) fn field(self, name: &str) -> String {
        match self {
            Self::Alone => name.to_owned(),
            Self::At(index) => format!("objects[{index}].{name}"),
            Self::In(field) => format!("{field}.{name}"),
        }
    }
}

impl Objects {
    /// Returns each object that the caller may do this with, or why it may not.
    pub(super) async fn reach<'a>(
        &'a self,
        caller: &Caller,
        operation: Operation,
        named: impl Iterator<Item = Named<'a>>,
    ) -> Result<Vec<Result<Reached<'a>, Problem>>, Problem> {
        let mut reached: Vec<_> = named
            .enumerate()
            .map(|(index, named)| self.reach_one(caller, operation, named, Place::At(index)))
            .collect();
        self.consent(caller, operation, &mut reached).await?;
        Ok(reached)
    }

    /// Returns one object that the caller may do this with.
    pub(super) async fn reach_alone<'a>(
        &'a self,
        caller: &Caller,
        operation: Operation,
        named: Named<'a>,
    ) -> Result<Reached<'a>, Problem> {
        let mut reached = [self.reach_one(caller, operation, named, Place::Alone)];
        self.consent(caller, operation, &mut reached).await?;
        let [reached] = reached;
        reached
    }

    pub(super) fn reach_one<'a>(
        &'a self,
        caller: &Caller,
        operation: Operation,
        named: Named<'a>,
        place: Place,
    ) -> Result<Reached<'a>, Problem> {
        let Named { destination, key, version_id } = named;
        let destination = self.destination(caller, operation, destination, place)?;
        check(key, destination.policy.callers_own_bucket)
            .map_err(|problem| problem.with_field(place.field("key")))?;
        if destination.policy.reaches(caller.subject.as_str(), &caller.scope, key) {
            Ok(Reached { destination, key, version_id })
        } else {
            Err(not_found().with_field(place.field("key")))
        }
    }

    /// Returns the destination, if the caller may do this there.
    pub(super) fn destination(
        &self,
        caller: &Caller,
        operation: Operation,
        name: Option<&str>,
        place: Place,
    ) -> Result<&Destination, Problem> {
        let field = || place.field("destination");
        let destination =
            self.destinations.find(name, caller).map_err(|problem| problem.with_field(field()))?;
        if destination.policy.allows(operation, &caller.scope) {
            return Ok(destination);
        }
        let verb = verb(operation);
        let why = if destination.policy.allow.contains(&operation) {
            format!("the caller's credentials do not allow it to {verb} objects")
        } else {
            let name = &destination.name;
            format!("destinations.{name}.objects.allow does not let callers {verb} objects")
        };
        Err(Problem::new(ErrorCode::OperationNotAllowed, why).with_field(field()))
    }

    /// Asks the application once about all that the policies permit.
    pub(super) async fn consent(
        &self,
        caller: &Caller,
        operation: Operation,
        reached: &mut [Result<Reached<'_>, Problem>],
    ) -> Result<(), Problem> {
        if !self.hooks.guards() {
            return Ok(());
        }
        let proposed = reached.iter().flatten().map(|reached| ProposedAccess {
            operation,
            destination: reached.destination.name.clone(),
            key: reached.key.to_owned(),
            version_id: reached.version_id.map(str::to_owned),
        });
        let proposed: Vec<_> = proposed.collect();
        if proposed.is_empty() {
            return Ok(());
        }
        let mut decisions = self.hooks.before_access(caller, &proposed).await?.into_iter();
        for one in reached.iter_mut().filter(|one| one.is_ok()) {
            let decision = decisions.next().ok_or_else(|| {
                Problem::new(ErrorCode::HookUnavailable, "the application did not decide on every object")
            })?;
            if let Some(why) = decision.refuse {
                *one = Err(Problem::new(ErrorCode::AccessRefused, why));
            }
        }
        Ok(())
    }
}

/// Checks a key that a client sends: what S3 takes, without control characters, which no name has on purpose, unless it may be any.
fn check(key: &str, any: bool) -> Result<(), Problem> {
    let refuse = |why: String| Err(Problem::new(ErrorCode::InvalidField, why));
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return refuse(format!("a key has 1 to {MAX_KEY_BYTES} bytes, not {}", key.len()));
    }
    if !any && key.chars().any(char::is_control) {
        return refuse("a key must have no control characters".to_owned());
    }
    Ok(())
}

pub(super) const fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Upload => "upload",
        Operation::Get => "get",
        Operation::List => "list",
        Operation::Delete => "delete",
        Operation::Copy => "copy",
    }
}
