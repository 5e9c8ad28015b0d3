//! A session, driven by hand.

use partway_shared::download::Sink;
use partway_shared::error::ErrorCode;
use partway_shared::part::ETag;
use partway_shared::wire::{ObjectInfo, ObjectName, ObjectSigning, SignedObject};
use partway_web_io::options::error_of;

use super::*;

const ONE: FileId = FileId(1);
const SIZE: u64 = 10;

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

fn wanted() -> NewDownload {
    let object = ObjectName { key: "key".to_owned(), ..ObjectName::default() };
    NewDownload { object, sink: Sink::Random, ..NewDownload::default() }
}

/// A session in which one download was added and signed for, and the GET that it asks for.
fn fetching() -> (Session, JobId) {
    let mut session = Session::new(Settings::default(), 1, true);
    session.add(ONE, wanted(), None);
    let Some(Action::Call { job, .. }) = session.poll_action(at(0)) else { panic!("no call") };
    let object = ObjectInfo {
        key: "key".to_owned(),
        size: SIZE,
        etag: ETag::new("etag"),
        has_md5_etag: false,
        content_type: None,
        last_modified: None,
        version_id: None,
        checksum: None,
        part_size: None,
    };
    let signed = SignedObject { url: "http://s.test/key".to_owned(), expires_in: 900, object: Some(object) };
    let objects = vec![ObjectSigning::Signed(Box::new(signed))];
    session.handle_call_done(job, Ok(SignedObjects { objects }), at(1));
    let opened = session.poll_action(at(1));
    assert_eq!(opened, Some(Action::Open { file: ONE, size: SIZE, keeps: false }));
    let Some(Action::Get { job, .. }) = session.poll_action(at(1)) else { panic!("no GET") };
    (session, job)
}

fn events(session: &mut Session, now: Time) -> Vec<Event> {
    while session.poll_action(now).is_some() {}
    std::iter::from_fn(|| session.poll_event()).collect()
}

#[test]
fn bytes_are_taken_where_they_were_offered_and_progress_waits_its_turn() {
    let (mut session, job) = fetching();
    assert_eq!(events(&mut session, at(1)), [Event::State(BTreeSet::from([ONE]))]);
    let head =
        Head { status: 206, etag: Some(ETag::new("etag")), content_range: Some("bytes 0-9/10".to_owned()) };
    assert!(session.handle_get_head(job, &head, at(2)));
    assert_eq!(
        session.handle_get_data(job, b"0123", at(3)),
        (vec![Taken { offset: 0, start: 0, end: 4 }], 4)
    );
    // What comes after the end is not the object's.
    let (taken, used) = session.handle_get_data(job, b"456789beyond", at(4));
    assert_eq!((taken, used), (vec![Taken { offset: 4, start: 0, end: 6 }], 12));
    assert_eq!(events(&mut session, at(4)), [], "a report was not due yet");
    session.handle_get_done(job, Ok(()), at(5));
    let Some(Action::Save { job, .. }) = session.poll_action(at(5)) else { panic!("nothing to save") };
    session.handle_save_done(job, Ok(()));
    session.handle_timeout(at(150));
    let told = events(&mut session, at(150));
    assert!(told.contains(&Event::Progress(BTreeSet::from([ONE]))), "{told:?}");
    assert!(told.contains(&Event::Journal(ONE)), "{told:?}");
    let shown = session.shown(ONE, at(150)).unwrap();
    assert_eq!((shown.state, shown.status.downloaded), (State::Completed, SIZE));
    assert!(shown.result.is_some() && session.partial(ONE).is_none());
}

#[test]
fn a_command_is_answered_after_what_it_led_to() {
    let (mut session, _) = fetching();
    events(&mut session, at(1));
    session.pause(ONE);
    assert_eq!(events(&mut session, at(2)), [Event::State(BTreeSet::from([ONE])), Event::Done(ONE)]);
    session.resume(FileId(7));
    assert_eq!(events(&mut session, at(3)), [Event::Done(FileId(7))]);
}

#[test]
fn what_the_browser_takes_over_is_complete_and_unverified() {
    let (mut session, job) = fetching();
    session.hand_over(ONE);
    assert_eq!(session.poll_action(at(2)), Some(Action::Stop { job }));
    session.cancel(ONE);
    let shown = session.shown(ONE, at(2)).unwrap();
    assert_eq!(shown.state, State::Completed);
    assert_eq!(shown.result.map(|result| result.verified), Some(ChecksumKind::None));
    assert!(session.remove(ONE) && !session.has(ONE));
}

#[test]
fn what_cannot_go_where_it_should_has_failed() {
    let (mut session, _) = fetching();
    session.refuse(ONE, error_of(ErrorCode::InvalidOption, "to: too large", Some("to")));
    let shown = session.shown(ONE, at(2)).unwrap();
    assert_eq!(shown.state, State::Failed);
    assert_eq!(shown.error.and_then(|error| error.field.as_deref()), Some("to"));
    session.cancel(ONE);
    assert_eq!(session.shown(ONE, at(3)).unwrap().state, State::Cancelled);
}
