//! Counters of one process. What is over is dropped, so that they hold no more than is open.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::identity::{Subject, Ticket};

use super::Newcomer;
use super::rate::Rate;

/// Every so many calls, what is over is looked for.
const SWEEP_EVERY: u32 = 4_096;

#[derive(Default)]
pub(super) struct Memory(Mutex<Counters>);

#[derive(Default)]
struct Counters {
    /// When each subject's requests so far are used up.
    requests: HashMap<Subject, Duration>,
    /// Each subject's open uploads, with when they expire.
    open: HashMap<Subject, HashMap<String, u64>>,
    /// The day, and what each subject has taken of it.
    day: u64,
    bytes: HashMap<Subject, u64>,
    /// How often each ticket was used, and when it expires.
    tickets: HashMap<String, (u32, u64)>,
    calls: u32,
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

    /// Counts a request, or says how long to wait.
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

    pub(super) fn open(&self, subject: &Subject, upload: Newcomer<'_>, max: u32, now: u64) -> bool {
        let mut counters = self.lock();
        counters.sweep(Duration::from_secs(now));
        let open = counters.open.entry(subject.clone()).or_default();
        open.retain(|_, expires_at| *expires_at > now);
        if open.len() >= max as usize {
            return false;
        }
        open.insert(upload.id.to_owned(), upload.expires_at);
        true
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

    pub(super) fn take_bytes(&self, subject: &Subject, day: u64, size: u64, max: u64) -> bool {
        let mut counters = self.lock();
        if counters.day != day {
            counters.day = day;
            counters.bytes.clear();
        }
        let taken = counters.bytes.entry(subject.clone()).or_default();
        match taken.checked_add(size).filter(|total| *total <= max) {
            Some(total) => {
                *taken = total;
                true
            }
            None => false,
        }
    }

    pub(super) fn give_bytes(&self, subject: &Subject, day: u64, size: u64) {
        let mut counters = self.lock();
        if counters.day == day
            && let Some(taken) = counters.bytes.get_mut(subject)
        {
            *taken = taken.saturating_sub(size);
        }
    }

    pub(super) fn stamp(&self, ticket: &Ticket, max: u32, now: u64) -> bool {
        let mut counters = self.lock();
        counters.sweep(Duration::from_secs(now));
        let (used, _) = counters.tickets.entry(ticket.id.clone()).or_insert((0, ticket.expires_at));
        if *used >= max {
            return false;
        }
        *used += 1;
        true
    }

    pub(super) fn unstamp(&self, ticket: &Ticket) {
        if let Some((used, _)) = self.lock().tickets.get_mut(&ticket.id) {
            *used = used.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject::new(name).unwrap()
    }

    fn upload(id: &str) -> Newcomer<'_> {
        Newcomer { id, size: 1, expires_at: 100 }
    }

    #[test]
    fn open_uploads_end_or_expire() {
        let memory = Memory::default();
        let ada = subject("ada");
        assert!(memory.open(&ada, upload("a"), 2, 1) && memory.open(&ada, upload("b"), 2, 1));
        assert!(!memory.open(&ada, upload("c"), 2, 1));
        assert!(memory.open(&subject("eve"), upload("c"), 2, 1), "each subject has its own");
        memory.close(&ada, "a");
        memory.close(&ada, "a");
        assert!(memory.open(&ada, upload("c"), 2, 1) && !memory.open(&ada, upload("d"), 2, 99));
        assert!(memory.open(&ada, upload("d"), 2, 100), "the others have expired");
    }

    #[test]
    fn bytes_of_a_day() {
        let memory = Memory::default();
        let ada = subject("ada");
        assert!(memory.take_bytes(&ada, 1, 60, 100) && !memory.take_bytes(&ada, 1, 41, 100));
        assert!(memory.take_bytes(&ada, 1, 40, 100), "what was refused is not counted");
        memory.give_bytes(&ada, 1, 10);
        assert!(memory.take_bytes(&ada, 1, 10, 100) && !memory.take_bytes(&ada, 1, 1, 100));
        assert!(memory.take_bytes(&ada, 2, 100, 100) && !memory.take_bytes(&ada, 2, u64::MAX, 100));
    }

    #[test]
    fn tickets_are_used_up() {
        let memory = Memory::default();
        let ticket = Ticket { id: "t".to_owned(), expires_at: 100 };
        assert!(memory.stamp(&ticket, 2, 1) && memory.stamp(&ticket, 2, 1) && !memory.stamp(&ticket, 2, 1));
        assert!(memory.stamp(&Ticket { id: "u".to_owned(), ..ticket.clone() }, 2, 1));
        memory.unstamp(&ticket);
        assert!(memory.stamp(&ticket, 2, 1) && !memory.stamp(&ticket, 2, 1));
    }

    #[test]
    fn what_is_over_takes_no_memory() {
        let memory = Memory::default();
        let rate = Rate::new(10, None);
        for n in 0..2 * SWEEP_EVERY {
            let now = Duration::from_secs(u64::from(n) * 10);
            let (subject, id) = (subject(&n.to_string()), n.to_string());
            assert_eq!(memory.request(&subject, &rate, now), None);
            assert!(memory.open(
                &subject,
                Newcomer { expires_at: now.as_secs() + 1, ..upload(&id) },
                1,
                now.as_secs()
            ));
        }
        let counters = memory.lock();
        assert!(
            counters.requests.len() <= SWEEP_EVERY as usize && counters.open.len() <= SWEEP_EVERY as usize
        );
    }
}
