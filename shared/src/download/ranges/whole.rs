//! The one request for everything, where the store ignores ranges.
//!
//! Its bytes pass through the ranges in order, and each range takes what it lacks. So a request that is made anew, from the
//! first byte, gives out nothing twice, and whatever came by ranges before is of use.

use super::Ranges;
use super::fetching::{Got, split};
use super::range::{Range, Stage};
use crate::download::action::Piece;
use crate::time::Time;
use crate::transfer::{Hedged, JobId};

/// How the bytes are cut into ranges, which are what a journal has.
const RANGE_SIZE: u64 = 16 << 20;

impl Ranges {
    /// The store answers with everything: this request goes on, and all others are given up.
    pub(in crate::download) fn become_whole(&mut self, job: JobId) {
        let found = self.carried_by(job).map(|(start, _)| start);
        let range = found.and_then(|start| self.active.get_mut(&start));
        let stage = range.map(|range| std::mem::replace(&mut range.stage, Stage::Ready));
        self.park_active();
        let mut whole = Range::new(0, self.size, None);
        if let Some(Stage::Fetching(mut requests)) = stage {
            if requests.first.flight.job != job {
                let first = requests.first.flight.job;
                requests.drop_flight(first);
            }
            let mut request = requests.first;
            (request.at, request.end) = (0, self.size);
            whole.stage = Stage::Fetching(Hedged::new(request));
        }
        self.whole = Some(whole);
    }

    /// Takes the next bytes of everything, up to where a piece ends.
    pub(super) fn whole_data<'a>(&mut self, job: JobId, bytes: &mut &'a [u8], now: Time) -> Got<'a> {
        let Some(request) = self.request_mut(0, job).filter(|request| request.is_trusted) else {
            *bytes = &[];
            return Got::default();
        };
        let mut at = request.at;
        let begun = at;
        let mut piece = None;
        while piece.is_none() && !bytes.is_empty() {
            if at >= self.size {
                *bytes = &[];
                break;
            }
            let (skip, start) = match self.place(at) {
                Place::There { up_to } => (up_to - at, None),
                Place::Missing { start } => (0, Some(start)),
            };
            if let Some(start) = start {
                let room = self.window.map_or(u64::MAX, |window| window.end().saturating_sub(at));
                let Some(range) = self.active.get_mut(&start) else { break };
                let (news, rest) = split(bytes, room.min(range.end - at));
                if news.is_empty() {
                    break;
                }
                *bytes = rest;
                range.extend(news);
                piece = Some(Piece { offset: at, bytes: news });
                at += news.len() as u64;
                if range.is_whole() {
                    self.close(start);
                }
            } else {
                let (old, rest) = split(bytes, skip);
                *bytes = rest;
                at += old.len() as u64;
            }
        }
        let moved = at - begun;
        if let Some(request) = self.request_mut(0, job).filter(|_| moved > 0) {
            request.at = at;
            request.flight.moved += moved;
            request.flight.progress_at = now;
        }
        if let Some(whole) = self.whole.as_mut().filter(|_| piece.is_some()) {
            whole.forgive();
        }
        Got { piece, moved, loser: None }
    }

    /// What is at a place, where a range is begun if there is none.
    fn place(&mut self, at: u64) -> Place {
        if let Some((_, done)) = self.done.iter().find(|&(&start, done)| start <= at && at < done.end) {
            return Place::There { up_to: done.end };
        }
        let active = self.active.iter().find(|&(&start, range)| start <= at && at < range.end);
        match active {
            Some((_, range)) if range.reached > at => Place::There { up_to: range.reached },
            Some((&start, _)) => Place::Missing { start },
            None => {
                // All before this place is there or begun with, so this is where the untouched begins.
                let _ = self.open(RANGE_SIZE);
                Place::Missing { start: at }
            }
        }
    }
}

/// What is at a place.
enum Place {
    /// Bytes that have come, up to another place.
    There { up_to: u64 },
    /// The next byte of the range that starts there.
    Missing { start: u64 },
}
