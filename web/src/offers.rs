//! What the journal has and nobody is sending: offered to the user whose it is, taken up again, or discarded.
//!
//! An entry belongs to an endpoint, a destination and an owner. Who asks, the server says, and says it anew whenever
//! something is offered, since users change while a page is open. What is somebody else's is neither shown nor touched, and neither
//! is what this version cannot read.

use std::time::Duration;

use partway_shared::error::ErrorCode;
use partway_shared::sorted::SortedMap;
use partway_shared::time::Time;
use partway_shared::upload::{ControlCall, Difference, Failure, FileId, FileInfo, UploadError};
use partway_shared::wire::{AbortUpload, CallerInfo, CreationId};

use crate::control::{self, Expected, Request};
use crate::driver::{Driver, work};
use crate::journal::Entry;
use crate::json::Json;
use crate::options;
use crate::replies::Reply;
use crate::report;

/// How long it is waited, at first, until a server that did not say who asks is asked again.
const FIRST_DELAY: Duration = Duration::from_secs(2);
const MOST_DOUBLINGS: u32 = 5;

/// What of the journal is not in the machine.
#[derive(Default)]
pub(crate) struct Offers {
    /// The entries for this endpoint that nobody has taken up, until it is known whose of them may be shown.
    found: Vec<Entry>,
    /// How many entries could not be read, and whether that was told.
    skipped: u32,
    told_skipped: u32,
    /// Those of whoever asks.
    offered: Vec<Entry>,
    /// Who asked last, as the server names them.
    caller: Option<String>,
    is_asking: bool,
    failures: u32,
    ask_at: Option<Time>,
    /// Those that wait for the lock before they are taken up.
    taken: SortedMap<FileId, TakenUp>,
    /// Those that are being removed, from waiting for the lock to the server's answer.
    discarded: Vec<Entry>,
}

/// An upload that is to go on with a file that was chosen for it.
struct TakenUp {
    id: String,
    chosen: FileInfo,
}

impl Offers {
    /// When the server is to be asked again.
    pub(crate) const fn due_at(&self) -> Option<Time> {
        self.ask_at
    }
}

impl Driver {
    /// Asks what is in the journal, so as to tell the page what can be resumed.
    pub(crate) fn offer(&mut self) {
        self.offers.ask_at = None;
        if self.keeper.is_open {
            self.say(work("read", |fields| fields));
        }
    }

    /// Takes what is in the journal, as `[key, entry]`, and the names of all locks that are held. What is
    /// being sent here or by other tabs is left out.
    pub(crate) fn found(&mut self, contents: Json<'_>, held: Json<'_>, now: Time) {
        let mut found = Vec::new();
        let mut skipped = 0;
        for pair in contents.items() {
            let (Some(key), Some(value)) = (pair.item(0).and_then(Json::as_text), pair.item(1)) else {
                continue;
            };
            if value.text("endpoint").is_some_and(|endpoint| endpoint != self.endpoint) {
                continue;
            }
            let entry = Entry::read(value, now);
            match entry.filter(|entry| self.journal_key(entry.saved.ticket.id) == key) {
                Some(entry) if self.is_free(&entry, held) => found.push(entry),
                Some(_) => {}
                None => skipped += 1,
            }
        }
        self.offers.skipped = skipped;
        self.offers.found = found;
        if self.offers.found.is_empty() {
            self.show(now);
        } else if !self.offers.is_asking {
            self.offers.is_asking = true;
            self.say(work("ask", |fields| fields.field("as", "caller").field("path", "/v1/caller")));
        }
    }

    /// The server has said who asks, or has not.
    pub(crate) fn caller_answered(&mut self, outcome: Json<'_>, now: Time) {
        let offers = &mut self.offers;
        offers.is_asking = false;
        match control::read(outcome, CallerInfo::read) {
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
                    offers.ask_at = Some(now + FIRST_DELAY * (1 << offers.failures.min(MOST_DOUBLINGS)));
                    offers.failures += 1;
                }
            }
        }
        self.show(now);
    }

    /// An answer has come for somebody; if that is another than before, other uploads are theirs.
    pub(crate) fn meet(&mut self, owner: &str, now: Time) {
        if self.offers.caller.as_ref().is_some_and(|caller| caller != owner) {
            self.offers.caller = None;
            self.show(now);
            self.offer();
        }
    }

    /// Tells the page what can be resumed by whoever asks.
    fn show(&mut self, now: Time) {
        let mut offered: Vec<Entry> = Vec::new();
        let mut useless = Vec::new();
        for entry in std::mem::take(&mut self.offers.found) {
            let ticket = &entry.saved.ticket;
            if self.offers.caller.as_ref() != Some(&ticket.owner) {
                continue;
            }
            if ticket.expires_at <= now {
                useless.push(self.journal_key(ticket.id));
                continue;
            }
            // In the order in which they were begun. What the standard library sorts with weighs 4 kB.
            let begun = ticket.expires_at;
            let place = offered.partition_point(|other| other.saved.ticket.expires_at <= begun);
            offered.insert(place, entry);
        }
        if !useless.is_empty() {
            self.say(work("forget", |fields| fields.field("keys", &useless)));
        }
        let shown: Vec<_> = offered.iter().map(|entry| entry.shown(now)).collect();
        let keys: Vec<_> = offered.iter().map(|entry| self.journal_key(entry.saved.ticket.id)).collect();
        // They stay in the journal, so this is said when there are others than before.
        let skipped = if self.offers.skipped == self.offers.told_skipped { 0 } else { self.offers.skipped };
        self.offers.told_skipped = self.offers.skipped;
        self.offers.offered = offered;
        self.say(work("offer", |fields| {
            fields.field("entries", &shown).field("keys", &keys).field("skipped", &skipped)
        }));
    }

    fn is_free(&self, entry: &Entry, held: Json<'_>) -> bool {
        let id = entry.saved.ticket.id;
        let name = self.lock_name(id);
        let is_ours = self.keeper.kept.values().any(|kept| *kept == id);
        !is_ours && held.items().all(|lock| lock.as_text().as_ref() != Some(&name))
    }

    // Taking up.

    /// Takes an upload of the journal up again with its file, or tells why not.
    pub(crate) fn take_up(&mut self, entries: Json<'_>, id: String) {
        let Some(entry) = entries.item(0) else { return };
        match options::entry(entry) {
            Ok(options::Entry { id: file, info }) => match self.compare(&id, &info) {
                Ok(creation) => {
                    self.lock(&file, creation);
                    self.offers.taken.insert(file, TakenUp { id, chosen: info });
                }
                Err(error) => self.refuse(file, &error),
            },
            Err(error) => {
                let file = entry.number("id").unwrap_or_default();
                self.refuse(FileId(file as u32), &error);
            }
        }
    }

    fn compare(&self, id: &str, chosen: &FileInfo) -> Result<CreationId, UploadError> {
        let place = self.place(id).ok_or_else(gone)?;
        let entry = self.offers.offered.get(place).ok_or_else(gone)?;
        match Difference::between(&entry.info, chosen) {
            Some(difference) => {
                let (detail, field) = (difference.message(), difference.field());
                Err(report::error(ErrorCode::FileMismatch, detail, Some(field)))
            }
            None => Ok(entry.saved.ticket.id),
        }
    }

    /// The host has taken a lock, or another tab has it.
    pub(crate) fn locked(&mut self, file: FileId, is_granted: bool) {
        let Some(TakenUp { id, chosen }) = self.offers.taken.remove(file) else { return };
        let restored = if is_granted {
            self.restore(file, &id, &chosen)
        } else {
            Err(report::error(ErrorCode::UploadBusy, "close it there, or let it finish", None))
        };
        if let Err(error) = restored {
            self.refuse(file, &error);
        }
    }

    fn restore(&mut self, file: FileId, id: &str, chosen: &FileInfo) -> Result<(), UploadError> {
        // Meanwhile another tab may have finished it.
        let creation = self.compare(id, chosen)?;
        let entry = self.withdraw(id).ok_or_else(gone)?;
        self.machine.restore_as(file, entry.info, entry.saved).ok_or_else(gone)?;
        self.keeper.kept.insert(file, creation);
        Ok(())
    }

    fn refuse(&mut self, id: FileId, error: &UploadError) {
        self.drop_file(id);
        self.say(report::refused(&[id], error));
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.offers.offered.iter().position(|entry| is_named(entry, id))
    }

    fn withdraw(&mut self, id: &str) -> Option<Entry> {
        let place = self.place(id)?;
        Some(self.offers.offered.remove(place))
    }

    // Discarding.

    /// Aborts an upload of the journal and forgets it, once no tab can be sending it.
    pub(crate) fn discard(&mut self, id: &str) {
        let Some(entry) = self.withdraw(id) else { return };
        self.lock(id, entry.saved.ticket.id);
        self.offers.discarded.push(entry);
    }

    /// The host has taken the lock of an upload that is to be discarded, or another tab has it.
    pub(crate) fn discard_locked(&mut self, id: &str, is_granted: bool) {
        let discarded = &mut self.offers.discarded;
        let Some(place) = discarded.iter().position(|entry| is_named(entry, id)) else { return };
        if is_granted {
            let token = discarded[place].saved.ticket.token.clone();
            let Request { path, body, .. } = Request::of(&ControlCall::Abort(AbortUpload { token }));
            self.say(work("ask", |fields| {
                let fields = fields.field("as", "discarded").field("about", id);
                fields.field("path", path).field("body", &body)
            }));
        } else {
            discarded.remove(place);
            self.unlock(id);
            self.say(report::warning(
                "upload_busy",
                "another tab is sending the upload, so it was not discarded",
            ));
            self.offer();
        }
    }

    /// The server has removed what was stored, or has not.
    pub(crate) fn discarded(&mut self, id: &str, outcome: Json<'_>) {
        let discarded = &mut self.offers.discarded;
        let Some(place) = discarded.iter().position(|entry| is_named(entry, id)) else { return };
        let entry = discarded.remove(place);
        let is_not_ours = match control::reply(Expected::Aborted, outcome) {
            Err(Failure::Status { status, .. }) => matches!(status, 401 | 403),
            Err(Failure::Unidentified(_)) => true,
            _ => false,
        };
        if is_not_ours {
            self.unlock(id);
            self.offer();
        } else {
            // What cannot be aborted now expires with its token, and the server sweeps it.
            let key = self.journal_key(entry.saved.ticket.id);
            self.say(work("forget", |fields| fields.field("keys", &vec![key]).field("holder", id)));
        }
    }
}

fn is_named(entry: &Entry, id: &str) -> bool {
    String::from(entry.saved.ticket.id) == id
}

fn gone() -> UploadError {
    let detail = "it was finished, discarded, or taken up elsewhere meanwhile";
    report::error(ErrorCode::UploadGone, detail, None)
}
