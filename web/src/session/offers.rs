//! What the journal has and nobody is sending: offered to the user whose it is, taken up again, or discarded.
//!
//! An entry belongs to an endpoint, a destination and an owner. Who asks, the server says, and says it anew whenever something
//! is offered, since users change while a page is open. What is somebody else's is neither shown nor touched, and neither is
//! what this version cannot read.

use std::time::Duration;

use partway_shared::error::ErrorCode;
use partway_shared::time::Time;
use partway_shared::transfer::{Failure, FileId, TransferError};
use partway_shared::upload::{ControlReply, Difference, FileInfo};
use partway_shared::wire::{CallerInfo, CreationId};
use partway_web_io::options::error_of;

use super::{Effect, Entry, Event, Holder, NewFile, Record, Session};

/// How long it is waited, at first, until a server that did not say who asks is asked again.
const FIRST_DELAY: Duration = Duration::from_secs(2);
const MAX_DOUBLINGS: u32 = 5;

/// A value of the journal, under its key: a record, unless this version cannot read it.
pub(crate) type Found = (String, Option<Record>);

/// What of the journal is not in the machine.
#[derive(Default)]
pub(crate) struct Offers {
    /// The entries that nobody has taken up, until it is known whose of them may be shown.
    found: Vec<Entry>,
    /// How many entries cannot be read, and how many were when that was told.
    unreadable: u32,
    told_unreadable: u32,
    /// Those of whoever asks.
    offered: Vec<Entry>,
    /// Who asked last, as the server names them.
    caller: Option<String>,
    is_asking: bool,
    failures: u32,
    ask_at: Option<Time>,
    /// Those that wait for their lock before they are taken up, by the file that was chosen.
    taken_up: Vec<(NewFile, CreationId)>,
    /// Those that are being discarded, from waiting for the lock to the server's answer.
    discarded: Vec<Entry>,
}

impl Offers {
    /// Returns when the server is to be asked again.
    pub(super) const fn due_at(&self) -> Option<Time> {
        self.ask_at
    }
}

impl Session {
    /// Reads what is in the journal, so as to tell the page what can be resumed.
    pub(super) fn read_journal(&mut self) {
        self.offers.ask_at = None;
        if self.keeper.is_open {
            self.effects.push_back(Effect::ReadJournal);
        }
    }

    /// Takes in all that is in the journal, and the names of all locks that are held in any tab. What is being sent
    /// here or in other tabs is left out.
    pub(crate) fn handle_journal_read(&mut self, found: Vec<Found>, held: &[String], now: Time) {
        let prefix = format!("{} ", self.endpoint);
        let ours = found.into_iter().filter(|(key, _)| key.starts_with(&prefix));
        self.offers.found.clear();
        self.offers.unreadable = 0;
        for (key, record) in ours {
            let entry = record.and_then(|record| record.into_entry(self.epoch));
            match entry.filter(|entry| self.journal_key(entry.saved.grant.id) == key) {
                Some(entry) if self.is_free(entry.saved.grant.id, held) => self.offers.found.push(entry),
                Some(_) => {}
                None => self.offers.unreadable += 1,
            }
        }
        if self.offers.found.is_empty() {
            self.show(now);
        } else if !self.offers.is_asking {
            self.offers.is_asking = true;
            self.effects.push_back(Effect::AskCaller);
        }
    }

    /// Takes in who asks, as the server has said.
    pub(crate) fn handle_caller(&mut self, outcome: Result<CallerInfo, Failure>, now: Time) {
        let offers = &mut self.offers;
        offers.is_asking = false;
        match outcome {
            Ok(caller) => {
                offers.failures = 0;
                offers.caller = Some(caller.owner);
            }
            Err(failure) => {
                offers.caller = None;
                let may_pass = match failure {
                    Failure::Status { status, .. } => status == 429 || status >= 500,
                    _ => true,
                };
                if may_pass {
                    offers.ask_at = Some(now + FIRST_DELAY * (1 << offers.failures.min(MAX_DOUBLINGS)));
                    offers.failures += 1;
                }
            }
        }
        self.show(now);
    }

    /// Takes in for whom an answer has come: if that is another than before, other uploads are theirs.
    pub(super) fn meet(&mut self, owner: &str, now: Time) {
        if self.offers.caller.as_ref().is_some_and(|caller| caller != owner) {
            self.offers.caller = None;
            self.show(now);
            self.read_journal();
        }
    }

    /// Tells the page what can be resumed by whoever asks, in the order in which it was begun.
    fn show(&mut self, now: Time) {
        let offers = &mut self.offers;
        let is_theirs = |entry: &Entry| offers.caller.as_ref() == Some(&entry.saved.grant.owner);
        let theirs = std::mem::take(&mut offers.found).into_iter().filter(is_theirs);
        let (expired, mut offered): (Vec<_>, Vec<_>) =
            theirs.partition(|entry| entry.saved.grant.expires_at <= now);
        offered.sort_by_key(|entry| entry.saved.grant.expires_at);
        // They stay in the journal, so this is said when there are others than before.
        let unreadable = offers.unreadable;
        let told = std::mem::replace(&mut offers.told_unreadable, unreadable);
        let skipped = if unreadable == told { 0 } else { unreadable };
        offers.offered.clone_from(&offered);
        self.events.push_back(Event::Resumable(offered, skipped));
        let keys: Vec<_> = expired.iter().map(|entry| self.journal_key(entry.saved.grant.id)).collect();
        if !keys.is_empty() {
            self.effects.push_back(Effect::ForgetRecords { keys, holder: None });
        }
    }

    fn is_free(&self, id: CreationId, held: &[String]) -> bool {
        let is_ours = self.keeper.kept.values().any(|kept| *kept == id);
        !is_ours && !held.contains(&self.lock_name(id))
    }

    // Taking up.

    /// Takes an upload of the journal up again with its file, or tells why not.
    pub(crate) fn take_up(&mut self, chosen: NewFile, id: Option<CreationId>) {
        match id.ok_or_else(gone).and_then(|id| self.compare(id, &chosen.info).map(|()| id)) {
            Ok(id) => {
                self.lock(Holder::File(chosen.id), id);
                self.offers.taken_up.push((chosen, id));
            }
            Err(error) => self.refuse(vec![chosen.id], error),
        }
    }

    fn compare(&self, id: CreationId, chosen: &FileInfo) -> Result<(), TransferError> {
        let begun = &find(&self.offers.offered, id).ok_or_else(gone)?.info;
        Difference::between(begun, chosen).map_or(Ok(()), |difference| {
            Err(error_of(ErrorCode::FileMismatch, difference.message(), Some(difference.field())))
        })
    }

    pub(super) fn taken_up_locked(&mut self, file: FileId, is_granted: bool) {
        let taken_up = &mut self.offers.taken_up;
        let Some(place) = taken_up.iter().position(|(chosen, _)| chosen.id == file) else { return };
        let (chosen, id) = taken_up.swap_remove(place);
        let restored = if is_granted {
            self.restore(file, id, &chosen.info)
        } else {
            Err(error_of(ErrorCode::UploadBusy, "close it there, or let it finish", None))
        };
        if let Err(error) = restored {
            self.refuse(vec![file], error);
        }
    }

    fn restore(&mut self, file: FileId, id: CreationId, chosen: &FileInfo) -> Result<(), TransferError> {
        // Meanwhile another tab may have finished it.
        self.compare(id, chosen)?;
        let entry = take(&mut self.offers.offered, id).ok_or_else(gone)?;
        self.machine.restore_as(file, entry.info, entry.saved).ok_or_else(gone)?;
        self.keeper.kept.insert(file, id);
        Ok(())
    }

    // Discarding.

    /// Aborts an upload of the journal and forgets it, once no tab can be sending it.
    pub(crate) fn discard(&mut self, id: CreationId) {
        let Some(entry) = take(&mut self.offers.offered, id) else { return };
        self.lock(Holder::Discarded(id), id);
        self.offers.discarded.push(entry);
    }

    pub(super) fn discarded_locked(&mut self, id: CreationId, is_granted: bool) {
        if is_granted {
            let Some(entry) = find(&self.offers.discarded, id) else { return };
            let token = entry.saved.grant.token.clone();
            self.effects.push_back(Effect::Discard { id, token });
        } else if take(&mut self.offers.discarded, id).is_some() {
            self.unlock(Holder::Discarded(id));
            let message = "another tab is sending the upload, so it was not discarded";
            self.events.push_back(Event::Warning("upload_busy", message));
            self.read_journal();
        }
    }

    /// Takes in whether the server has removed what was stored of an upload that is discarded.
    pub(crate) fn handle_discarded(&mut self, id: CreationId, outcome: &Result<ControlReply, Failure>) {
        if take(&mut self.offers.discarded, id).is_none() {
            return;
        }
        let is_not_ours = match outcome {
            Err(Failure::Status { status, .. }) => matches!(status, 401 | 403),
            Err(Failure::Unidentified(_)) => true,
            _ => false,
        };
        let holder = Holder::Discarded(id);
        if is_not_ours {
            self.unlock(holder);
            self.read_journal();
        } else {
            // What cannot be aborted now expires with its token, and the server sweeps it.
            let keys = vec![self.journal_key(id)];
            self.effects.push_back(Effect::ForgetRecords { keys, holder: Some(holder) });
        }
    }
}

fn find(entries: &[Entry], id: CreationId) -> Option<&Entry> {
    entries.iter().find(|entry| entry.saved.grant.id == id)
}

fn take(entries: &mut Vec<Entry>, id: CreationId) -> Option<Entry> {
    let place = entries.iter().position(|entry| entry.saved.grant.id == id)?;
    Some(entries.remove(place))
}

fn gone() -> TransferError {
    let detail = "it was finished, discarded, or taken up elsewhere meanwhile";
    error_of(ErrorCode::UploadGone, detail, None)
}
