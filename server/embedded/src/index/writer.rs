//! Owns the thread that writes: it groups waiting changes into transactions, and repairs the index after a fault.
//! Never knows what a change does.

use std::sync::mpsc;

use crate::contents::{Contents, NewContent};
use crate::errors::Error;

use super::Holder;
use super::tables::{Snapshot, Txn};
use redb::ReadableDatabase as _;

/// The most changes in one transaction.
const MOST_AT_ONCE: usize = 256;

/// A change: applies itself to the transaction, returns whether that broke it, and what to do when the transaction
/// has ended.
pub(super) type Job = Box<dyn FnOnce(&mut Txn<'_>) -> (bool, Finish) + Send>;

/// Answers the caller. Returns content that the index may or may not refer to.
pub(super) type Finish = Box<dyn FnOnce(Outcome) -> Option<NewContent> + Send>;

/// The end of a transaction.
pub(super) enum Outcome {
    Committed,
    Failed(Error),
}

/// Applies changes until the queue is closed.
pub(super) fn run(queue: &mpsc::Receiver<Job>, database: &Holder, contents: &Contents) {
    while let Ok(first) = queue.recv() {
        let mut finishes = Vec::new();
        let jobs = std::iter::once(first).chain(queue.try_iter().take(MOST_AT_ONCE - 1));
        let result = database.with(|database| {
            let transaction = database.begin_write()?;
            let mut txn = Txn::new(&transaction)?;
            let mut broken = false;
            for job in jobs {
                let (broke, finish) = job(&mut txn);
                finishes.push(finish);
                broken = broke;
                if broken {
                    break;
                }
            }
            let forgotten = txn.into_forgotten();
            if broken {
                // The job that broke it tells its caller why; those beside it were not made either.
                return Err(Error::internal("the transaction was broken by another request"));
            }
            transaction.commit()?;
            Ok(forgotten)
        });
        match result {
            Ok(forgotten) => {
                contents.remove(forgotten);
                for finish in finishes {
                    finish(Outcome::Committed);
                }
            }
            Err(error) => recover(&error, finishes, database),
        }
    }
}

fn recover(error: &Error, finishes: Vec<Finish>, database: &Holder) {
    tracing::error!(?error, "a transaction failed; opening the index anew");
    let full = matches!(error, Error::Full);
    let tell = |finish: Finish| {
        let error = if full { Error::Full } else { Error::internal("the transaction failed") };
        finish(Outcome::Failed(error))
    };
    let unsure: Vec<NewContent> = finishes.into_iter().filter_map(tell).collect();
    let found = database.reopen().and_then(|()| {
        database.with(|database| {
            let snapshot = Snapshot::new(&database.begin_read()?)?;
            unsure.iter().map(|content| snapshot.names(content.id)).collect::<Result<Vec<_>, _>>()
        })
    });
    match found {
        Ok(found) => {
            let named = unsure.into_iter().zip(found).filter(|(_, named)| *named);
            named.for_each(|(content, _)| content.keep());
        }
        Err(error) => {
            tracing::error!(?error, "the index could not be opened anew");
            // Better an orphan, which the next open sweeps, than an object without its bytes.
            unsure.into_iter().for_each(NewContent::keep);
        }
    }
}
