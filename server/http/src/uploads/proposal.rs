//! Decides about an upload before the store is called: where it goes, what it is, and whether it is accepted.
//!
//! The policy is first, then the application, then quotas, so that cheap refusals cost nothing.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use partway_s3::attributes::{Attributes, check_metadata, check_tags};
use partway_s3::store::{UnsignedHeaders, namespace};
use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::MAX_PARTS_PER_SIGN;
use partway_shared::plan::Plan;
use partway_shared::wire::{CreateCopy, NewUpload, Operation};

use crate::caller::Caller;
use crate::destinations::Destination;
use crate::hooks::{Decision, ProposedUpload};
use crate::policy::{KeyValues, MediaType, Policy, Scope, ScopeSource, check_scope};
use crate::quotas::{Candidate, Reservation};
use crate::token::UploadClaims;

use super::{Uploads, copied_object, identity};

/// An upload that may be created, or is.
pub(super) struct Proposal<'a> {
    pub(super) file: &'a NewUpload,
    pub(super) destination: &'a Destination,
    pub(super) plan: Plan,
    pub(super) claims: UploadClaims,
    pub(super) lifetime: Duration,
    /// The prefix that the caller's scope demands of keys, with the destination's; empty without one.
    granted_prefix: String,
    /// What it has of the object that it is a copy of.
    pub(super) kept: Kept,
    /// The file's path in the request, for errors.
    pub(super) field: String,
}

/// What a copy has of its object, where neither its destination nor the application says anything else.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) headers: UnsignedHeaders,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
}

impl Uploads {
    /// Returns each file as it would be uploaded, or why it is refused.
    pub(super) async fn propose<'a>(
        &'a self,
        caller: &Caller,
        files: &'a [NewUpload],
    ) -> Result<Vec<Result<Proposal<'a>, Problem>>, Problem> {
        let proposals = files.iter().enumerate();
        let mut proposals: Vec<_> = proposals
            .map(|(index, file)| self.proposal(caller, file, None, format!("files[{index}]")))
            .collect();
        self.ask(caller, &mut proposals).await?;
        Ok(proposals)
    }

    /// Returns a file as it would be uploaded, or copied if `copied` is a request for that.
    pub(super) fn proposal<'a>(
        &'a self,
        caller: &Caller,
        file: &'a NewUpload,
        copied: Option<&CreateCopy>,
        field: String,
    ) -> Result<Proposal<'a>, Problem> {
        let destination = self.destinations.find(file.destination.as_deref(), caller);
        let destination =
            destination.map_err(|problem| problem.with_field(format!("{field}.destination")))?;
        let policy = &destination.policy;
        if !policy.allows(Operation::Upload, &caller.scope) {
            let why = "the caller's credentials do not allow it to upload files";
            return Err(Problem::new(ErrorCode::OperationNotAllowed, why).with_field(field));
        }
        let plan = policy.plan(file, destination.verification.part_sizes(), &field)?;
        check_scope(file, &caller.scope, &field)?;
        if file.checksums.len() > MAX_PARTS_PER_SIGN {
            let why = format!("a file may have at most {MAX_PARTS_PER_SIGN} checksums");
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field(format!("{field}.checksums")));
        }
        let checksum: ChecksumKind = destination.verification.kind()?;
        let id = identity::upload_id(&self.tokens, caller, &destination.name, file, copied);
        let below = policy.key.render(&KeyValues {
            subject: caller.subject.as_str(),
            destination: &destination.name,
            id,
            name: &file.name,
            path: file.path.as_deref(),
            now: identity::asked_at(file, Timestamp::now()),
        });
        let own_prefix = caller.scope.key_prefix.as_deref();
        let expires = SystemTime::now() + destination.token_lifetime;
        let content_type = MediaType::of(file)
            .map_err(|why| Problem::new(ErrorCode::InvalidField, why).with_field(format!("{field}.type")))?;
        let claims = UploadClaims {
            id,
            subject: caller.subject.as_str().to_owned(),
            destination: destination.name.clone(),
            bucket: destination.bucket.name.clone(),
            key: [&policy.key_prefix, own_prefix.unwrap_or_default(), &below].concat(),
            shared: !policy.key.is_unique(),
            staged: false,
            upload_id: None,
            size: file.size,
            max_size: max_size(policy, &plan, &caller.scope),
            strategy: plan.strategy().clone(),
            checksum,
            content_disposition: (policy.attributes.content_disposition.clone())
                .or_else(|| policy.disposition(&content_type, &file.name)),
            content_type: content_type.to_string(),
            metadata: Default::default(),
            tags: Default::default(),
            source: None,
            expires_at: expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        };
        if namespace::is_own(&policy.key_prefix, &claims.key) {
            let why = "its key would begin with .partway/, which is reserved";
            return Err(Problem::new(ErrorCode::InvalidField, why).with_field(field));
        }
        let granted_prefix = own_prefix.map_or_else(String::new, |own| [&policy.key_prefix, own].concat());
        let lifetime = destination.token_lifetime;
        let kept = Kept::default();
        Ok(Proposal { file, destination, plan, claims, lifetime, granted_prefix, kept, field })
    }

    /// Calls the application once for all files, if it wants to be asked.
    pub(super) async fn ask(
        &self,
        caller: &Caller,
        proposals: &mut [Result<Proposal<'_>, Problem>],
    ) -> Result<(), Problem> {
        if !self.hooks.decides() {
            return Ok(());
        }
        let proposed: Vec<_> = proposals.iter().flatten().map(Proposal::for_application).collect();
        if proposed.is_empty() {
            return Ok(());
        }
        let mut decisions = self.hooks.before_create(caller, &proposed).await?.into_iter();
        for proposal in proposals.iter_mut() {
            let Ok(proposed) = proposal else { continue };
            let decided = decisions.next().ok_or_else(|| {
                Problem::new(ErrorCode::HookUnavailable, "the application did not decide on every file")
            })?;
            if let Err(problem) = proposed.decide(decided) {
                *proposal = Err(problem);
            }
        }
        Ok(())
    }

    /// Counts the upload against the caller's quotas, unless an object that may not be replaced is at its key already.
    /// Returns what this request counted; an earlier request for the same upload may have counted it.
    pub(super) async fn reserve_quota(
        &self,
        caller: &Caller,
        proposal: &Proposal<'_>,
    ) -> Result<Reservation, Problem> {
        let Proposal { destination, claims, .. } = proposal;
        if claims.shared && destination.attributes(claims).keeps_existing {
            let existing = destination
                .store
                .head(&claims.key)
                .await
                .inspect_err(super::log(claims, "looking for an object"))?;
            // Its own is there when the answer to an earlier request was lost, and what it created is complete.
            if existing.is_some_and(|object| !super::is_own(claims, &object)) {
                let why = "a file of that name exists already, and may not be replaced; choose another name";
                return Err(
                    Problem::new(ErrorCode::ObjectExists, why).with_field(format!("{}.name", proposal.field))
                );
            }
        }
        let ticket = caller.ticket.as_ref().zip(caller.scope.max_files);
        self.quotas.reserve(&caller.subject, ticket, proposal.candidate(&identity::quota_id(claims))).await
    }

    /// Releases what was counted for an upload that could not be created.
    pub(super) async fn release_quota(
        &self,
        caller: &Caller,
        proposal: &Proposal<'_>,
        reservation: Reservation,
    ) {
        let id = identity::quota_id(&proposal.claims);
        let candidate = proposal.candidate(&id);
        let released = self.quotas.release(&caller.subject, caller.ticket.as_ref(), candidate, reservation);
        if let Err(problem) = released.await {
            tracing::warn!(%problem, "an upload that was not created still counts");
        }
    }
}

/// Returns the most bytes that a stream may have; nothing for a file whose size is known.
fn max_size(policy: &Policy, plan: &Plan, scope: &Scope) -> Option<u64> {
    let most = policy.max_file_size.min(plan.capacity());
    plan.size().is_none().then(|| most.min(scope.max_file_size.unwrap_or(most)))
}

impl Proposal<'_> {
    fn candidate<'b>(&self, id: &'b str) -> Candidate<'b> {
        Candidate { id, size: self.claims.bytes(), expires_at: self.claims.expires_at }
    }

    /// Returns the attributes of the object that it would become.
    pub(super) fn attributes(&self) -> Attributes {
        let mut attributes = self.destination.attributes(&self.claims);
        let Kept { headers, metadata, tags } = &self.kept;
        for (all, kept) in [(&mut attributes.metadata, metadata), (&mut attributes.tags, tags)] {
            for (name, value) in kept {
                all.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        attributes.cache_control = attributes.cache_control.or_else(|| headers.cache_control.clone());
        attributes.content_encoding =
            attributes.content_encoding.or_else(|| headers.content_encoding.clone());
        attributes.content_language =
            attributes.content_language.or_else(|| headers.content_language.clone());
        attributes.expires = attributes.expires.or_else(|| headers.expires.clone());
        attributes
    }

    fn for_application(&self) -> ProposedUpload {
        ProposedUpload {
            id: self.claims.id.to_string(),
            destination: self.destination.name.clone(),
            key: self.claims.key.clone(),
            name: self.file.name.clone(),
            path: self.file.path.clone(),
            size: self.file.size,
            content_type: self.claims.content_type.clone(),
            source: copied_object(&self.claims),
        }
    }

    /// Applies the application's decision. A decision that cannot be used is the application's error, and is logged.
    fn decide(&mut self, decision: Decision) -> Result<(), Problem> {
        if let Some(why) = decision.refuse {
            return Err(Problem::new(ErrorCode::UploadRefused, why).with_field(self.field.clone()));
        }
        let unusable = |why: &str| {
            tracing::error!(hook = "upload.before_create", why, "the application's decision cannot be used");
            Problem::new(
                ErrorCode::HookUnavailable,
                format!("the application's decision cannot be used: {why}"),
            )
        };
        decision.scope.check(ScopeSource::Hook).map_err(unusable)?;
        check_scope(self.file, &decision.scope, &self.field)?;
        self.claims.max_size =
            self.claims.max_size.map(|max| max.min(decision.scope.max_file_size.unwrap_or(max)));
        if decision.scope.names(&self.destination.name) == Some(false) {
            let why = "the application does not permit this destination";
            return Err(
                Problem::new(ErrorCode::UploadRefused, why).with_field(format!("{}.destination", self.field))
            );
        }
        if let Some(key) = decision.key {
            self.destination.policy.check_decided_key(&key).map_err(unusable)?;
            if !key.starts_with(&self.granted_prefix) {
                return Err(unusable("the key must begin with the caller's key_prefix"));
            }
            self.claims.key = key;
            self.claims.shared = true;
        }
        let mut attributes = self.destination.policy.attributes.clone();
        attributes.metadata.extend(decision.metadata.clone());
        attributes.tags.extend(decision.tags.clone());
        check_metadata(&attributes.metadata).map_err(|why| unusable(&why))?;
        check_tags(&attributes.tags).map_err(|why| unusable(&why))?;
        self.claims.metadata = decision.metadata;
        self.claims.tags = decision.tags;
        self.claims
            .check_length()
            .map_err(|field| unusable(&format!("{field} is too long for an upload token")))
    }
}
