//! Keeps the journal true to the machine, and finds uploads in it that can go on.

use partway_shared::time::Time;
use partway_shared::upload::{FileInfo, Resumable, UploadGrant};

use super::Upload;
use super::source::Source;
use crate::clock::{Clock, unix_millis};
use crate::journal::{Claim, Journal, NoClaim, Record};

/// The journal, and who is asked for uploads.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    journal: Option<Journal>,
    scope: String,
}

/// What of an upload is in the journal.
#[derive(Debug)]
pub(super) struct Kept {
    record: Record,
    _claim: Claim,
}

impl Keeper {
    pub(super) fn new(journal: Option<Journal>, scope: &str) -> Self {
        Self { journal, scope: scope.to_owned() }
    }

    /// Returns the upload of the same file to the same place that was interrupted last, if there is one.
    ///
    /// # Errors
    /// When another process is running it.
    pub(super) fn find(
        &self,
        upload: &Upload,
        source: &Source,
        clock: Clock,
    ) -> Result<Option<(Resumable, Kept)>, NoClaim> {
        let Some(journal) = self.journal.as_ref().filter(|_| upload.resume) else { return Ok(None) };
        for record in journal.records().into_iter().rev().filter(|record| self.is_of(record, upload, source))
        {
            let claim = journal.claim(record.id)?;
            if record.has_expired() {
                journal.remove(record.id);
                continue;
            }
            return Ok(Some((to_resumable(&record, clock), Kept { record, _claim: claim })));
        }
        Ok(None)
    }

    fn is_of(&self, record: &Record, upload: &Upload, source: &Source) -> bool {
        let identity = source.identity();
        record.scope == self.scope
            && record.source == source.path()
            && (record.size, record.modified) == (identity.size, identity.modified)
            && (&record.name, &record.path, &record.destination)
                == (&upload.name, &upload.path, &upload.destination)
    }

    /// Writes down what the machine would have kept, or removes it if that is nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(
        &self,
        kept: &mut Option<Kept>,
        saved: Option<Resumable>,
        info: &FileInfo,
        source: &Source,
        clock: Clock,
    ) -> Result<(), NoClaim> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let record = saved.map(|saved| self.record(saved, info, source, clock));
        if let Some(before) = kept.as_ref()
            && record.as_ref().is_none_or(|record| record.id != before.record.id)
        {
            journal.remove(before.record.id);
            *kept = None;
        }
        let Some(record) = record else { return Ok(()) };
        match kept {
            Some(kept) => kept.record = record,
            None => *kept = Some(Kept { _claim: journal.claim(record.id)?, record }),
        }
        kept.as_ref().map_or(Ok(()), |kept| Ok(journal.write(&kept.record)?))
    }

    fn record(&self, saved: Resumable, info: &FileInfo, source: &Source, clock: Clock) -> Record {
        let Resumable { grant, checksum, stored_bytes } = saved;
        let identity = source.identity();
        Record {
            form: Record::FORM,
            id: grant.id,
            scope: self.scope.clone(),
            source: source.path().to_owned(),
            modified: identity.modified,
            size: identity.size,
            name: info.name.clone(),
            path: info.path.clone(),
            content_type: info.content_type.clone(),
            destination: info.destination.clone(),
            key: grant.key,
            owner: grant.owner,
            token: grant.token,
            hosts: grant.hosts,
            strategy: grant.strategy,
            may_recut: grant.may_recut,
            checksum,
            stored: stored_bytes,
            expires_at: clock.epoch().saturating_add(grant.expires_at.as_millis()),
            written_at: unix_millis(),
        }
    }
}

fn to_resumable(record: &Record, clock: Clock) -> Resumable {
    Resumable {
        grant: UploadGrant {
            id: record.id,
            owner: record.owner.clone(),
            token: record.token.clone(),
            strategy: record.strategy.clone(),
            may_recut: record.may_recut,
            key: record.key.clone(),
            expires_at: Time::from_millis(record.expires_at.saturating_sub(clock.epoch())),
            hosts: record.hosts.clamp(1, 64),
        },
        checksum: record.checksum,
        stored_bytes: record.stored.min(record.size),
    }
}
