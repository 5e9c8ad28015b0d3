//! The session as a driver sees it: commands and outcomes in, effects and events out.

use std::time::Duration;

use partway_shared::checksum::PartHasher;
use partway_shared::error::Problem;
use partway_shared::transfer::SourceFailure;
use partway_shared::wire::{CallerInfo, CreatedUpload, CreatedUploads};
use serde_json::{Value, json};

use super::*;

const ENDPOINT: &str = "https://partway.test";
const EPOCH: u64 = 1_700_000_000_000;
const IDS: [&str; 3] = [
    "6fa459ea-ee8a-4ca4-894e-db77e1603551",
    "6fa459ea-ee8a-4ca4-894e-db77e1603552",
    "6fa459ea-ee8a-4ca4-894e-db77e1603553",
];

fn id(place: usize) -> CreationId {
    IDS[place].parse().unwrap()
}

fn key(id: &str) -> String {
    format!("{ENDPOINT} {id}")
}

struct Host {
    session: Session,
    now: Time,
    /// What was told since it was last looked at.
    events: Vec<Event>,
}

impl Host {
    /// One whose journal is open.
    fn new() -> Self {
        let options = Options {
            endpoint: ENDPOINT.to_owned(),
            settings: Settings::default(),
            journal: true,
            epoch: EPOCH,
        };
        let mut host = Self {
            session: Session::new(options, 7, true),
            now: Time::from_millis(1_000),
            events: Vec::new(),
        };
        assert!(matches!(host.drain()[..], [Effect::OpenJournal]));
        let read = host.tell(|session, now| session.handle_journal_opened(true, now));
        assert!(matches!(read[..], [Effect::ReadJournal]), "{read:?}");
        host
    }

    fn drain(&mut self) -> Vec<Effect> {
        let effects = std::iter::from_fn(|| self.session.poll_effect(self.now)).collect();
        self.events.extend(std::iter::from_fn(|| self.session.poll_event()));
        effects
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Session, Time)) -> Vec<Effect> {
        tell(&mut self.session, self.now);
        self.drain()
    }

    /// Gives it what is in the journal.
    fn read(&mut self, journal: &[Value]) -> Vec<Effect> {
        let found = journal.iter().map(|record| {
            let key = key(record["id"].as_str().unwrap_or_default());
            (key, serde_json::from_value(record.clone()).ok())
        });
        let found = found.collect();
        self.tell(|session, now| session.handle_journal_read(found, &[], now))
    }

    /// Gives it what is in the journal, and says who asks.
    fn find(&mut self, journal: &[Value], owner: &str) -> Vec<Effect> {
        let asked = self.read(journal);
        assert!(matches!(asked[..], [Effect::AskCaller]), "{asked:?}");
        let caller = CallerInfo { owner: owner.to_owned() };
        self.tell(|session, now| session.handle_caller(Ok(caller), now))
    }

    /// The ids of what was offered last, and how many entries were skipped.
    fn offered(&mut self) -> (Vec<CreationId>, u32) {
        let events = std::mem::take(&mut self.events);
        let last = events.into_iter().rev().find_map(|event| match event {
            Event::Resumable(entries, skipped) => Some((entries, skipped)),
            _ => None,
        });
        let (entries, skipped) = last.expect("something was offered");
        (entries.iter().map(|entry| entry.saved.grant.id).collect(), skipped)
    }

    fn add(&mut self, id: u32, size: u64) -> Vec<Effect> {
        let info = FileInfo { name: "film".to_owned(), size: Some(size), ..FileInfo::default() };
        self.tell(|session, _| session.add(vec![NewFile { id: FileId(id), info }]))
    }
}

/// The only effect that a pattern fits.
macro_rules! the {
    ($effects:expr, $pattern:pat $(if $guard:expr)? => $value:expr) => {{
        let found: Vec<_> = $effects.iter().filter_map(|effect| match effect {
            $pattern $(if $guard)? => Some($value),
            _ => None,
        }).collect();
        assert_eq!(found.len(), 1, "{:?}", $effects);
        found.into_iter().next().unwrap()
    }};
}

fn is_written(effect: &Effect) -> bool {
    matches!(effect, Effect::WriteRecord { .. } | Effect::RemoveRecord(_) | Effect::ForgetRecords { .. })
}

fn refusal(code: ErrorCode) -> Failure {
    Failure::from(Problem::new(code, ""))
}

fn record(id: &str, owner: &str) -> Value {
    json!({ "form": 3, "id": id, "endpoint": ENDPOINT, "owner": owner, "destination": "films", "token": "its token",
        "key": "films/film", "name": "film", "size": 20 << 20, "lastModified": 5, "steps": [{ "from": 1, "part_size": 5 << 20 }], "mayRecut": true, "uploaded": 0,
        "checksum": "crc64_nvme", "hosts": 1, "expiresAt": EPOCH + 60_000 })
}

fn changed(mut record: Value, field: &str, value: Value) -> Value {
    record[field] = value;
    record
}

#[test]
fn what_is_somebody_elses_or_of_another_endpoint_is_neither_shown_nor_touched() {
    let mut host = Host::new();
    let expired = |owner: &str, id| changed(record(id, owner), "expiresAt", json!(EPOCH - 1));
    let journal = [record(IDS[0], "ada"), record(IDS[1], "eve"), expired("eve", IDS[2])];
    let effects = host.find(&journal, "ada");
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(host.offered(), (vec![id(0)], 0));
    host.find(&journal[..2], "eve");
    assert_eq!(host.offered().0, [id(1)]);
    host.find(&journal[..1], "eve");
    assert_eq!(host.offered().0, []);
    let forgets = host.find(&[expired("ada", IDS[0])], "ada");
    let forgotten = the!(forgets, Effect::ForgetRecords { keys, holder: None } => keys.clone());
    assert_eq!(forgotten, [key(IDS[0])], "one's own");

    let elsewhere = serde_json::from_value(record(IDS[0], "ada")).ok();
    let found = vec![(format!("https://elsewhere.test {}", IDS[0]), elsewhere)];
    host.events.clear();
    host.tell(|session, now| session.handle_journal_read(found, &[], now));
    assert_eq!(host.offered(), (vec![], 0));
}

#[test]
fn what_another_tab_sends_is_not_shown() {
    let mut host = Host::new();
    let found = vec![(key(IDS[0]), serde_json::from_value(record(IDS[0], "ada")).ok())];
    let held = [format!("partway {}", key(IDS[0]))];
    let effects = host.tell(|session, now| session.handle_journal_read(found, &held, now));
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(host.offered(), (vec![], 0));
}

#[test]
fn what_this_version_cannot_read_is_left_where_it_is() {
    let mut host = Host::new();
    let unreadable = [
        changed(record(IDS[1], "ada"), "form", json!(2)),
        changed(record(IDS[2], "ada"), "token", json!(null)),
        changed(record(IDS[2], "ada"), "size", json!("20")),
        changed(record(IDS[2], "ada"), "steps", json!([{ "from": 1, "part_size": 1 }])),
        changed(record(IDS[2], "ada"), "expiresAt", json!(-1)),
    ];
    let journal: Vec<_> = [record(IDS[0], "ada")].into_iter().chain(unreadable).collect();
    let effects = host.find(&journal, "ada");
    assert!(effects.is_empty(), "nothing is forgotten: {effects:?}");
    assert_eq!(host.offered(), (vec![id(0)], 5));
    host.find(&journal, "ada");
    assert_eq!(host.offered().1, 0, "that is told once");
    // Also if there is nothing else.
    let effects = host.read(&journal[1..2]);
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(host.offered(), (vec![], 1));
}

#[test]
fn nothing_is_shown_before_the_server_has_said_who_asks() {
    let mut host = Host::new();
    let journal = [record(IDS[0], "ada")];
    host.find(&journal, "ada");
    host.read(&journal);
    host.tell(|session, now| session.handle_caller(Err(Failure::NoAnswer), now));
    assert_eq!(host.offered().0, [], "not even what was shown before");
    host.now = host.session.poll_timeout().unwrap();
    let read = host.tell(Session::handle_timeout);
    assert!(matches!(read[..], [Effect::ReadJournal]), "it asks again after a while: {read:?}");
    host.read(&journal);
    host.tell(|session, now| session.handle_caller(Err(refusal(ErrorCode::CredentialsMissing)), now));
    assert_eq!(host.offered().0, []);
    assert_eq!(host.session.poll_timeout(), None, "who is not signed in is not asked again and again");
}

#[test]
fn when_another_user_creates_something_the_list_is_theirs() {
    let mut host = Host::new();
    host.find(&[record(IDS[0], "ada")], "ada");
    host.offered();
    let hashes = host.add(1, 0);
    let hash = the!(hashes, Effect::Work(Action::Hash { job, kind, .. }) => (*job, *kind));
    let checksum = PartHasher::new(hash.1).unwrap().finish();
    let calls = host.tell(|session, _| session.handle_hash_done(hash.0, Ok(checksum)));
    let job = the!(calls, Effect::Work(Action::Call { job, .. }) => *job);
    let uploads = vec![CreatedUpload::Refused(Problem::new(ErrorCode::InvalidField, ""))];
    let created = ControlReply::Created(CreatedUploads { owner: "eve".to_owned(), uploads });
    let effects = host.tell(|session, now| session.handle_call_done(job, Ok(created), now));
    assert_eq!(host.offered().0, [], "at once");
    the!(effects, Effect::ReadJournal => ());
}

#[test]
fn discarding_takes_the_lock_first() {
    let mut host = Host::new();
    let journal = [record(IDS[0], "ada")];
    let holder = Holder::Discarded(id(0));
    // Another tab sends it.
    host.find(&journal, "ada");
    let locks = host.tell(|session, _| session.discard(id(0)));
    assert_eq!(
        the!(locks, Effect::Lock(by, name) if *by == holder => name.clone()),
        format!("partway {}", key(IDS[0]))
    );
    let busy = host.tell(|session, _| session.handle_locked(holder, false));
    assert!(
        matches!(busy[..], [Effect::Unlock(by), Effect::ReadJournal] if by == holder),
        "nothing is asked of the server, and nothing forgotten: {busy:?}"
    );
    assert!(host.events.iter().any(|event| matches!(event, Event::Warning("upload_busy", _))));
    // Nobody does.
    host.find(&journal, "ada");
    host.tell(|session, _| session.discard(id(0)));
    let asks = host.tell(|session, _| session.handle_locked(holder, true));
    assert!(matches!(&asks[..], [Effect::Discard { token, .. }] if token == "its token"), "{asks:?}");
    let done = host.tell(|session, _| session.handle_discarded(id(0), &Ok(ControlReply::Aborted)));
    let forgotten =
        the!(done, Effect::ForgetRecords { keys, holder: Some(by) } if *by == holder => keys.clone());
    assert_eq!(forgotten, [key(IDS[0])]);
    // Meanwhile somebody else has signed in.
    for code in [ErrorCode::TokenForeign, ErrorCode::CredentialsMissing] {
        host.find(&journal, "ada");
        host.tell(|session, _| session.discard(id(0)));
        host.tell(|session, _| session.handle_locked(holder, true));
        let left = host.tell(|session, _| session.handle_discarded(id(0), &Err(refusal(code))));
        assert!(
            matches!(left[..], [Effect::Unlock(_), Effect::ReadJournal]),
            "it is left where it is: {left:?}"
        );
    }
}

/// Takes the only entry up again, and gives the job that lists what the store has.
fn take_up(host: &mut Host) -> JobId {
    host.find(&[record(IDS[0], "ada")], "ada");
    let info = FileInfo {
        name: "film".to_owned(),
        size: Some(20 << 20),
        last_modified: Some(5),
        ..FileInfo::default()
    };
    let chosen = NewFile { id: FileId(1), info };
    host.tell(|session, _| session.take_up(chosen, Some(id(0))));
    let lists = host.tell(|session, _| session.handle_locked(Holder::File(FileId(1)), true));
    the!(lists, Effect::Work(Action::Call { job, .. }) => *job)
}

#[test]
fn another_file_is_not_taken_for_the_one_that_was_begun() {
    let mut host = Host::new();
    host.find(&[record(IDS[0], "ada")], "ada");
    host.events.clear();
    let info = FileInfo { name: "film".to_owned(), size: Some(7), ..FileInfo::default() };
    let effects = host.tell(|session, _| session.take_up(NewFile { id: FileId(1), info }, Some(id(0))));
    assert!(matches!(effects[..], [Effect::DropFile(FileId(1))]), "{effects:?}");
    let [Event::Refused(ids, error)] = &host.events[..] else { panic!("{:?}", host.events) };
    assert_eq!(
        (&ids[..], error.code, error.field.as_deref()),
        (&[FileId(1)][..], ErrorCode::FileMismatch, Some("size"))
    );
}

#[test]
fn what_turns_out_to_be_somebody_elses_begins_anew_and_stays_in_the_journal() {
    let mut host = Host::new();
    let job = take_up(&mut host);
    let foreign = Err(refusal(ErrorCode::TokenForeign));
    let effects = host.tell(|session, now| session.handle_call_done(job, foreign, now));
    assert!(!effects.iter().any(is_written), "{effects:?}");
    the!(effects, Effect::Unlock(Holder::File(FileId(1))) => ());
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Work(Action::Hash { .. }))), "{effects:?}");
}

#[test]
fn what_has_expired_begins_anew_and_is_forgotten() {
    let mut host = Host::new();
    let job = take_up(&mut host);
    let expired = Err(refusal(ErrorCode::TokenExpired));
    let effects = host.tell(|session, now| session.handle_call_done(job, expired, now));
    assert_eq!(the!(effects, Effect::RemoveRecord(key) => key.clone()), key(IDS[0]));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Work(Action::Hash { .. }))), "{effects:?}");
}

#[test]
fn what_cannot_be_read_has_failed() {
    let mut host = Host::new();
    let hashes = host.add(1, 5);
    let job = the!(hashes, Effect::Work(Action::Hash { job, .. }) => *job);
    let effects = host.tell(|session, _| session.handle_hash_done(job, Err(SourceFailure::Unreadable)));
    assert!(effects.is_empty(), "{effects:?}");
    let status = host.session.status(FileId(1), host.now).unwrap();
    assert_eq!(status.error.unwrap().code, ErrorCode::FileUnreadable);
}

#[test]
fn what_is_handed_over_twice_is_one_file() {
    let mut host = Host::new();
    let hashes = host.add(1, 0);
    the!(hashes, Effect::Work(Action::Hash { .. }) => ());
    let again = host.add(1, 0);
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn a_batch_is_taken_as_a_whole_or_not_at_all() {
    let mut host = Host::new();
    let file = |id, size| NewFile {
        id: FileId(id),
        info: FileInfo { name: "film".to_owned(), size, ..FileInfo::default() },
    };
    let effects = host.tell(|session, _| session.add(vec![file(1, Some(5)), file(2, Some(u64::MAX))]));
    assert!(effects.iter().all(|effect| matches!(effect, Effect::DropFile(_))), "{effects:?}");
    let [Event::Refused(ids, error)] = &host.events[..] else { panic!("{:?}", host.events) };
    assert_eq!((&ids[..], error.code), (&[FileId(1), FileId(2)][..], ErrorCode::FileTooLarge));
}

#[test]
fn a_command_is_confirmed_after_what_it_has_led_to() {
    let mut host = Host::new();
    host.add(1, 5);
    host.events.clear();
    host.tell(|session, now| session.pause(FileId(1), InFlight::Abandon, now));
    assert!(matches!(&host.events[..], [Event::State(_), Event::Done(FileId(1))]), "{:?}", host.events);
    host.events.clear();
    host.tell(|session, now| session.resume(FileId(9), now));
    assert!(
        matches!(&host.events[..], [Event::Done(FileId(9))]),
        "also of one that is not known: {:?}",
        host.events
    );
}

#[test]
fn a_speed_is_told_again_when_nothing_moves() {
    let mut host = Host::new();
    host.session.reports.note(FileId(1));
    assert_eq!(host.session.poll_timeout(), Some(Time::default() + Duration::from_millis(100)));
    host.tell(Session::handle_timeout);
    assert!(host.events.iter().all(|event| !matches!(event, Event::Progress(_))), "there is no such file");
    assert_eq!(host.session.poll_timeout(), None);
}

#[test]
fn a_record_reads_back() {
    let given = record(IDS[0], "ada");
    let entry = serde_json::from_value::<Record>(given.clone()).unwrap().into_entry(EPOCH).unwrap();
    assert_eq!(entry.saved.grant.expires_at, Time::from_millis(60_000));
    let written = Record::new(entry, ENDPOINT, EPOCH).unwrap();
    assert_eq!(serde_json::to_value(written).unwrap(), given);
}
