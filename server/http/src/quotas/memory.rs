//! Counters in the memory of one process. Expired ones are dropped.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::caller::{Subject, Ticket};

use super::rate::Rate;
use super::{Candidate, Count, Way};

/// The number of calls between two removals of expired counters.
const SWEEP_EVERY: u32 = 4_096;

#[derive(Default)]
pub(super) struct Memory(Mutex<Counters>);

#[derive(Default)]
struct Counters {
    /// The time at which each subject's requests so far are used up (see `rate.rs`).
    requests: HashMap<Subject, Duration>,
    /// Each subject's open uploads, with the time at which each expires.
    open: HashMap<Subject, HashMap<String, u64>>,
    /// The current day, in days since 1970.
    day: u64,
    bytes: HashMap<(Way, Subject), Taken>,
    /// The uploads that each ticket was used for, and when the ticket expires.
    tickets: HashMap<String, (HashSet<String>, u64)>,
    calls: u32,
}

/// The bytes that a subject has used today in one way, and the uploads or objects that they are for.
#[derive(Default)]
struct Taken {
    total: u64,
    by: HashSet<String>,
}

impl Counters {
    fn sweep(&mut self, now: Duration) {
        self.calls = self.calls.wrapping_add(1);
        if !self.calls.is_multiple_of(SWEEP_EVERY) {
            return;
        }
        self.requests.retain(|_, used_up| *used_up > now);
        self.open.retain(|_, uploads| {
            uploads.retain(|_, expires_at| *expires_at > now.as_secs());
            !uploads.is_empty()
        });
        self.tickets.retain(|_, (_, expires_at)| *expires_at > now.as_secs());
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Counters> {
        // Every change is one insertion or removal, so a panic elsewhere has left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request. Returns how long to wait if the rate is exceeded.
    pub(super) fn request(&self, subject: &Subject, rate: &Rate, now: Duration) -> Option<Duration> {
        let mut counters = self.lock();
        counters.sweep(now);
        match rate.count(counters.requests.get(subject).copied(), now) {
            Ok(used_up) => {
                counters.requests.insert(subject.clone(), used_up);
                None
            }
            Err(wait) => Some(wait),
        }
    }

    pub(super) fn open(&self, subject: &Subject, upload: Candidate<'_>, max: u32, now: u64) -> Count {
        let mut counters = self.lock();
        counters.sweep(Duration::from_secs(now));
        let open = counters.open.entry(subject.clone()).or_default();
        open.retain(|_, expires_at| *expires_at > now);
        let is_known = open.contains_key(upload.id);
        if !is_known && open.len() >= max as usize {
            return Count::Refused;
        }
        open.insert(upload.id.to_owned(), upload.expires_at);
        if is_known { Count::Known } else { Count::New }
    }

    pub(super) fn close(&self, subject: &Subject, id: &str) {
        let mut counters = self.lock();
        if let Some(open) = counters.open.get_mut(subject) {
            open.remove(id);
            if open.is_empty() {
                counters.open.remove(subject);
            }
        }
    }

    pub(super) fn reserve_bytes(
        &self,
        way: Way,
        subject: &Subject,
        day: u64,
        upload: Candidate<'_>,
        max: u64,
    ) -> Count {
        let mut counters = self.lock();
        if counters.day != day {
            counters.day = day;
            counters.bytes.clear();
        }
        let taken = counters.bytes.entry((way, subject.clone())).or_default();
        if taken.by.contains(upload.id) {
            return Count::Known;
        }
        match taken.total.checked_add(upload.size).filter(|total| *total <= max) {
            Some(total) => {
                taken.total = total;
                taken.by.insert(upload.id.to_owned());
                Count::New
            }
            None => Count::Refused,
        }
    }

    pub(super) fn release_bytes(&self, subject: &Subject, day: u64, upload: Candidate<'_>) {
        let mut counters = self.lock();
        if counters.day == day
            && let Some(taken) = counters.bytes.get_mut(&(Way::In, subject.clone()))
            && taken.by.remove(upload.id)
        {
            taken.total = taken.total.saturating_sub(upload.size);
        }
    }

    pub(super) fn reserve_ticket_use(&self, ticket: &Ticket, upload: &str, max: u32, now: u64) -> Count {
        let mut counters = self.lock();
        counters.sweep(Duration::from_secs(now));
        let (used_for, _) =
            counters.tickets.entry(ticket.id.clone()).or_insert_with(|| (HashSet::new(), ticket.expires_at));
        if used_for.contains(upload) {
            return Count::Known;
        }
        if used_for.len() >= max as usize {
            return Count::Refused;
        }
        used_for.insert(upload.to_owned());
        Count::New
    }

    pub(super) fn release_ticket_use(&self, ticket: &Ticket, upload: &str) {
        if let Some((used_for, _)) = self.lock().tickets.get_mut(&ticket.id) {
            used_for.remove(upload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Count::{Known, New, Refused};
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject::new(name).unwrap()
    }

    fn upload(id: &str) -> Candidate<'_> {
        Candidate { id, size: 1, expires_at: 100 }
    }

    #[test]
    fn open_uploads_end_or_expire() {
        let memory = Memory::default();
        let ada = subject("ada");
        let open = |id, now| memory.open(&ada, upload(id), 2, now);
        assert_eq!([open("a", 1), open("b", 1), open("c", 1)], [New, New, Refused]);
        assert_eq!(open("a", 1), Known, "asking again is no other upload");
        assert_eq!(memory.open(&subject("eve"), upload("c"), 2, 1), New, "each subject has its own");
        memory.close(&ada, "a");
        memory.close(&ada, "a");
        assert_eq!([open("c", 1), open("d", 99)], [New, Refused]);
        assert_eq!(open("d", 100), New, "the others have expired");
    }

    #[test]
    fn bytes_of_a_day() {
        let memory = Memory::default();
        let ada = subject("ada");
        let sized = |id, size| Candidate { size, ..upload(id) };
        let reserve = |day, id, size| memory.reserve_bytes(Way::In, &ada, day, sized(id, size), 100);
        assert_eq!([reserve(1, "a", 60), reserve(1, "a", 60), reserve(1, "b", 41)], [New, Known, Refused]);
        assert_eq!(reserve(1, "c", 40), New, "what was refused is not counted");
        memory.release_bytes(&ada, 1, sized("c", 40));
        memory.release_bytes(&ada, 1, sized("c", 40));
        assert_eq!([reserve(1, "d", 40), reserve(1, "e", 1)], [New, Refused], "it is given back once");
        assert_eq!([reserve(2, "f", 100), reserve(2, "g", u64::MAX)], [New, Refused]);
    }

    #[test]
    fn tickets_are_used_up() {
        let memory = Memory::default();
        let ticket = Ticket { id: "t".to_owned(), expires_at: 100 };
        let reserve = |upload| memory.reserve_ticket_use(&ticket, upload, 2, 1);
        assert_eq!([reserve("a"), reserve("a"), reserve("b"), reserve("c")], [New, Known, New, Refused]);
        assert_eq!(
            memory.reserve_ticket_use(&Ticket { id: "u".to_owned(), ..ticket.clone() }, "c", 2, 1),
            New
        );
        memory.release_ticket_use(&ticket, "a");
        assert_eq!([reserve("c"), reserve("a"), reserve("b")], [New, Refused, Known]);
    }

    #[test]
    fn what_is_over_takes_no_memory() {
        let memory = Memory::default();
        let rate = Rate::new(10, None);
        for n in 0..2 * SWEEP_EVERY {
            let now = Duration::from_secs(u64::from(n) * 10);
            let (subject, id) = (subject(&n.to_string()), n.to_string());
            assert_eq!(memory.request(&subject, &rate, now), None);
            let candidate = Candidate { expires_at: now.as_secs() + 1, ..upload(&id) };
            assert_eq!(memory.open(&subject, candidate, 1, now.as_secs()), New);
        }
        let counters = memory.lock();
        assert!(
            counters.requests.len() <= SWEEP_EVERY as usize && counters.open.len() <= SWEEP_EVERY as usize
        );
    }
}
