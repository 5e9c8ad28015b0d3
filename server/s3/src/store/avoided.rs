//! Headers that S3 supports and some stores refuse. The first refusal is remembered, and the header is left out from
//! then on.

use std::sync::{Arc, OnceLock};

use super::StoreError;

/// A header that a call can leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optional {
    /// Requests an object's checksum from HeadObject.
    ChecksumMode,
    /// Gives the size that the completed object must have; the server compares it afterwards too.
    ObjectSize,
    /// Keeps a completion from replacing an object; the server has checked before, too.
    CompleteIfNoneMatch,
    /// Keeps a copy from replacing an object; the server has checked before, too.
    CopyIfNoneMatch,
    /// Keeps the source's tags from the copy; the server copies objects without tags.
    CopyTaggingDirective,
    /// Keeps a deletion from removing another object than was meant; the server has checked before, too.
    DeleteIfMatch,
}

impl Optional {
    /// All optional headers.
    pub const ALL: [Self; 6] = [
        Self::ChecksumMode,
        Self::ObjectSize,
        Self::CompleteIfNoneMatch,
        Self::CopyIfNoneMatch,
        Self::CopyTaggingDirective,
        Self::DeleteIfMatch,
    ];

    /// Returns the header and its operation, for operators.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChecksumMode => "x-amz-checksum-mode of HeadObject",
            Self::ObjectSize => "x-amz-mp-object-size of CompleteMultipartUpload",
            Self::CompleteIfNoneMatch => "If-None-Match of CompleteMultipartUpload",
            Self::CopyIfNoneMatch => "If-None-Match of CopyObject",
            Self::CopyTaggingDirective => "x-amz-tagging-directive of CopyObject",
            Self::DeleteIfMatch => "If-Match of DeleteObject",
        }
    }
}

/// The headers that one store refuses, with its error. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Avoided(Arc<[OnceLock<String>; Optional::ALL.len()]>);

/// The headers that one attempt leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Without(u8);

impl Without {
    const fn and(self, optional: Optional) -> Self {
        Self(self.0 | 1 << optional as u8)
    }

    /// Returns whether the attempt may send this header.
    pub(super) const fn has(self, optional: Optional) -> bool {
        self.0 & (1 << optional as u8) == 0
    }
}

impl Avoided {
    /// Returns the store's error if it refuses this header.
    pub(super) fn words(&self, optional: Optional) -> Option<&str> {
        self.0.get(optional as usize)?.get().map(String::as_str)
    }

    /// Sends a request with all of these headers that are not known to be refused. After a refusal that may be due to
    /// one of them, tries without each, and then without all.
    pub(super) async fn send<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        optional: &[Optional],
        send: impl Fn(Without) -> F,
    ) -> Result<T, StoreError> {
        let known = optional.iter().filter(|optional| self.words(**optional).is_some());
        let known = known.fold(Without(0), |without, optional| without.and(*optional));
        let refused = match send(known).await {
            Err(StoreError::Misbehaved(words)) => words,
            answer => return answer,
        };
        let left: Vec<_> = optional.iter().copied().filter(|optional| known.has(*optional)).collect();
        let each = left.iter().map(|optional| vec![*optional]);
        let all = (left.len() > 1).then(|| left.clone());
        let mut last = StoreError::Misbehaved(refused.clone());
        for blamed in each.chain(all) {
            let without = blamed.iter().fold(known, |without, optional| without.and(*optional));
            match send(without).await {
                Ok(done) => {
                    for optional in blamed {
                        self.remember(optional, &refused);
                    }
                    return Ok(done);
                }
                Err(StoreError::Misbehaved(_)) => {}
                // What a plain request comes to is what is wrong with it.
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn remember(&self, optional: Optional, words: &str) {
        let Some(place) = self.0.get(optional as usize) else { return };
        if place.set(words.trim().to_owned()).is_ok() {
            tracing::warn!(
                header = optional.name(),
                words,
                "the store refuses a header, which is left out from now on"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::Optional::{CompleteIfNoneMatch, ObjectSize};
    use super::*;

    const BOTH: [Optional; 2] = [ObjectSize, CompleteIfNoneMatch];

    /// A store that refuses these headers, and otherwise answers so.
    async fn sent(
        avoided: &Avoided,
        refused: &[Optional],
        answer: Result<(), StoreError>,
    ) -> (Result<(), StoreError>, Vec<[bool; 2]>) {
        let seen = RefCell::new(Vec::new());
        let result = avoided.send(&BOTH, |without| {
            seen.borrow_mut().push(BOTH.map(|optional| without.has(optional)));
            let is_refused = refused.iter().any(|optional| without.has(*optional));
            let answer = if is_refused {
                Err(StoreError::Misbehaved("501 NotImplemented".to_owned()))
            } else {
                answer.clone()
            };
            async { answer }
        });
        (result.await, seen.into_inner())
    }

    #[tokio::test]
    async fn what_is_refused_is_left_out_from_then_on() {
        for (refused, tries) in [(&[][..], 1), (&[ObjectSize], 2), (&[CompleteIfNoneMatch], 3), (&BOTH, 4)] {
            let avoided = Avoided::default();
            let (result, seen) = sent(&avoided, refused, Ok(())).await;
            assert_eq!((result, seen.len()), (Ok(()), tries), "{refused:?}");
            let (result, seen) = sent(&avoided.clone(), refused, Ok(())).await;
            assert_eq!((result, seen.len()), (Ok(()), 1), "{refused:?}");
            for optional in BOTH {
                let words = refused.contains(&optional).then_some("501 NotImplemented");
                assert_eq!(avoided.words(optional), words);
                assert_eq!(seen[0][usize::from(optional != ObjectSize)], words.is_none());
            }
        }
    }

    #[tokio::test]
    async fn what_has_another_reason_is_blamed_on_no_header() {
        let avoided = Avoided::default();
        let gone = Err(StoreError::NoSuchUpload);
        assert_eq!(sent(&avoided, &[], gone.clone()).await.1.len(), 1);
        assert_eq!(sent(&avoided, &[ObjectSize], gone.clone()).await.0, gone);
        let broken = Err(StoreError::Misbehaved("400".to_owned()));
        assert_eq!(sent(&avoided, &[], broken.clone()).await.0, broken);
        assert!(BOTH.iter().all(|optional| avoided.words(*optional).is_none()));
    }
}
