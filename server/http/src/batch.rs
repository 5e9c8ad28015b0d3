//! Requests about many things, each with a result of its own.

use futures_util::stream::{self, StreamExt as _};
use partway_shared::error::Problem;

/// Carries out several things, at most so many at once. Returns their results in order.
///
/// They come as futures, since a stream that makes them by a closure is not seen to be `Send`, which callers other than actix need.
pub(crate) async fn together<F: Future>(work: Vec<F>, at_once: usize) -> Vec<F::Output> {
    stream::iter(work).buffered(at_once).collect().await
}

/// Returns the common problem where each of several results failed for the same reason.
pub(crate) fn all_failed_alike<T>(results: &[Result<T, Problem>]) -> Option<Problem> {
    let problems = results.iter().map(|result| result.as_ref().err()).collect::<Option<Vec<_>>>()?;
    let first = *problems.first()?;
    let alike = problems.iter().all(|problem| problem.code == first.code);
    // Earlier than the last of them all cannot fare better.
    let retry_after = problems.iter().filter_map(|problem| problem.retry_after).max();
    // What is wrong with the server or the store is wrong with no file.
    (alike && (first.code.spec().retryable || first.status >= 500))
        .then(|| Problem { retry_after, ..first.clone() })
}
