//! How uploads are verified: as configured, or as a probe of the store shows.
//!
//! A store that cannot be asked at the start is asked again until it answers. Nothing is assumed
//! meanwhile: no upload is begun with a check that may not take place. It never knows uploads: they ask what is settled.

mod capabilities;

use std::time::Duration;

use partway_shared::checksum::ChecksumKind;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::plan::PartSizes;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::bucket::Bucket;
use crate::probe::{self, Check};
use crate::store::{BucketStore, StoreError};

/// How long the server's start waits for a store's first answer, so that the first uploads find the server ready.
/// After that the server answers while the probe goes on.
const AT_START: Duration = Duration::from_secs(5);
/// The delay after a failed attempt; it doubles each time.
const FIRST_DELAY: Duration = Duration::from_millis(500);
/// The longest delay between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// How long an attempt may take to end and to remove its objects when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// How uploads to a bucket are verified, or why that is not known yet.
#[derive(Clone, Debug)]
pub struct Verification(watch::Receiver<Result<Known, Problem>>);

/// What is known of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The kind of checksum that it verifies.
    pub checksum: ChecksumKind,
    /// Whether it enforces the policy of forms.
    pub forms: bool,
    /// Whether a PUT replaces no object if that is demanded, and whether the headers that it brought can be seen.
    pub puts_only_create: bool,
    /// Whether a copy replaces no object if that is demanded.
    pub copies_only_create: bool,
    /// Whether it copies parts of objects. Nobody has seen that it does not.
    pub copies_parts: bool,
    /// Which sizes it takes of the parts of one object. Nobody has seen that it wants them to be equal.
    pub part_sizes: PartSizes,
    /// Whether it copies parts of the object that it was told to, also where the key has a `%`. Nobody has seen that it does not.
    pub copies_any_key: bool,
}

impl Known {
    /// Returns what holds for a store that was not probed: only what always works.
    #[must_use]
    pub const fn unseen(checksum: ChecksumKind) -> Self {
        // Nobody has seen whether the store minds a form's MD5. What it says of a CRC64NVME is seen at completion.
        let forms = !matches!(checksum, ChecksumKind::Md5);
        Self {
            checksum,
            forms,
            puts_only_create: false,
            copies_only_create: false,
            copies_parts: true,
            part_sizes: PartSizes::Any,
            copies_any_key: true,
        }
    }

    /// Probes a store once, with objects below the bucket's key prefix.
    ///
    /// # Errors
    /// When the store is away, or refuses the credentials.
    pub async fn probe(bucket: &Bucket) -> Result<Self, StoreError> {
        let findings = Box::pin(Findings::of(&*bucket.store, &bucket.key_prefix)).await?;
        findings.log();
        Ok(Box::pin(capabilities::try_out(bucket, findings.kind())).await)
    }

    /// Returns what holds for AWS, as its documentation says.
    #[must_use]
    pub const fn aws() -> Self {
        Self::embedded(ChecksumKind::Crc64Nvme)
    }

    /// Returns what holds for the embedded store.
    #[must_use]
    pub const fn embedded(checksum: ChecksumKind) -> Self {
        Self {
            checksum,
            forms: true,
            puts_only_create: true,
            copies_only_create: true,
            copies_parts: true,
            part_sizes: PartSizes::Any,
            copies_any_key: true,
        }
    }
}

/// Settles what is known of a store.
#[derive(Clone, Debug)]
pub struct Settle(watch::Sender<Result<Known, Problem>>);

impl Settle {
    /// Says what is known from now on.
    pub fn settle(&self, known: Known) {
        drop(self.0.send_replace(Ok(known)));
    }
}

/// The attempts to probe a store. When dropped, they end after the current one.
#[derive(Debug)]
pub struct Probing {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Verification {
    /// Creates a verification that is configured and needs no probe.
    #[must_use]
    pub fn known(known: Known) -> Self {
        Self(watch::channel(Ok(known)).1)
    }

    /// Creates a verification of which nothing is known until somebody settles it.
    #[must_use]
    pub fn unsettled() -> (Self, Settle) {
        let (known, verification) = watch::channel(Err(unreached()));
        (Self(verification), Settle(known))
    }

    /// Probes a store until it answers, with objects below its key prefix, where the credentials may write.
    ///
    /// Returns when the result is known, when the first attempt failed, or after 5 seconds.
    pub async fn probe(store: Bucket) -> (Self, Probing) {
        let (known, mut verification) = watch::channel(Err(unreached()));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(find_out(store, known, stopped));
        // Either way the task goes on by itself.
        let _ = tokio::time::timeout(AT_START, verification.changed()).await;
        (Self(verification), Probing { stop, task })
    }

    /// Returns the kind of checksum that uploads get.
    ///
    /// # Errors
    /// While it is not known: why the store could not be probed.
    pub fn kind(&self) -> Result<ChecksumKind, Problem> {
        self.0.borrow().as_ref().map(|known| known.checksum).map_err(Clone::clone)
    }

    /// Returns whether small files can be sent as forms.
    #[must_use]
    pub fn takes_forms(&self) -> bool {
        self.0.borrow().as_ref().is_ok_and(|known| known.forms)
    }

    /// Returns whether a PUT can be required to create an object, and not to replace one.
    #[must_use]
    pub fn puts_only_create(&self) -> bool {
        self.0.borrow().as_ref().is_ok_and(|known| known.puts_only_create)
    }

    /// Returns which sizes parts of one object can have.
    #[must_use]
    pub fn part_sizes(&self) -> PartSizes {
        self.0.borrow().as_ref().map_or(PartSizes::Any, |known| known.part_sizes)
    }

    /// Returns whether parts of objects can be copied.
    #[must_use]
    pub fn copies_parts(&self) -> bool {
        self.0.borrow().as_ref().is_ok_and(|known| known.copies_parts)
    }

    /// Returns whether parts of the object with this key are copied, and of no other in its place.
    #[must_use]
    pub fn copies_parts_of(&self, key: &str) -> bool {
        !key.contains('%') || self.0.borrow().as_ref().is_ok_and(|known| known.copies_any_key)
    }

    /// Returns whether a copy can be required to create an object, and not to replace one.
    #[must_use]
    pub fn copies_only_create(&self) -> bool {
        self.0.borrow().as_ref().is_ok_and(|known| known.copies_only_create)
    }
}

impl Probing {
    /// Ends the attempts. One that is under way gets 10 seconds to remove its objects.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = tokio::time::timeout(GRACE, self.task).await;
    }
}

fn unreached() -> Problem {
    Problem::new(ErrorCode::StoreUnavailable, "the store has not been reached yet")
}

async fn find_out(
    bucket: Bucket,
    known: watch::Sender<Result<Known, Problem>>,
    mut stop: oneshot::Receiver<()>,
) {
    let mut delay = FIRST_DELAY;
    loop {
        match Known::probe(&bucket).await {
            Ok(seen) => {
                drop(known.send_replace(Ok(seen)));
                return;
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "what the store verifies could not be found out, and no upload can begin; trying again in {delay:?} \
                     (uploads.checksum would say it)"
                );
                drop(known.send_replace(Err(error.into())));
            }
        }
        tokio::select! {
            _ = &mut stop => return,
            () = tokio::time::sleep(delay) => {}
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// What a store does with the checksums that uploads could use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The findings on CRC-64/NVME.
    pub crc64_nvme: Crc64NvmeFindings,
    /// The findings on MD5, which matters only where CRC-64/NVME is not verified.
    pub md5: Option<Md5Findings>,
}

/// What a store does with CRC-64/NVME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crc64NvmeFindings {
    /// The check of a PUT.
    pub put: Check,
    /// The check of a part.
    pub part: Check,
    /// The check of the whole object, at the completion.
    pub object: Check,
}

/// What a store does with MD5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Md5Findings {
    /// The check of a PUT.
    pub put: Check,
    /// The check of a part.
    pub part: Check,
}

impl Findings {
    /// Probes as much as it takes to choose.
    async fn of(store: &dyn BucketStore, prefix: &str) -> Result<Self, StoreError> {
        // Else a store that refuses everything would seem to know no checksums.
        probe::access(store, prefix).await?;
        let crc64_nvme = Box::pin(Crc64NvmeFindings::of(store, prefix)).await?;
        let md5 =
            if crc64_nvme.will_do() { None } else { Some(Box::pin(Md5Findings::of(store, prefix)).await?) };
        Ok(Self { crc64_nvme, md5 })
    }

    /// Probes everything, on a store that can be written to.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn of_all(store: &dyn BucketStore, prefix: &str) -> Result<Self, StoreError> {
        let (crc64_nvme, md5) =
            tokio::join!(Crc64NvmeFindings::of(store, prefix), Md5Findings::of(store, prefix));
        Ok(Self { crc64_nvme: crc64_nvme?, md5: Some(md5?) })
    }

    /// Returns the strongest kind that is verified everywhere.
    #[must_use]
    pub fn kind(&self) -> ChecksumKind {
        match &self.md5 {
            _ if self.crc64_nvme.will_do() => ChecksumKind::Crc64Nvme,
            Some(md5) if md5.will_do() => ChecksumKind::Md5,
            _ => ChecksumKind::None,
        }
    }

    fn log(&self) {
        let crc64_nvme = &self.crc64_nvme;
        match (self.kind(), &self.md5) {
            (ChecksumKind::Crc64Nvme, _) => {
                tracing::info!("the store verifies CRC64NVME: of parts, and of whole objects");
            }
            (ChecksumKind::None, Some(Md5Findings { put, part })) => tracing::warn!(
                crc64nvme.put = %crc64_nvme.put, crc64nvme.part = %crc64_nvme.part, crc64nvme.object = %crc64_nvme.object,
                md5.put = %put, md5.part = %part,
                "the store verifies neither CRC64NVME nor Content-MD5: only lengths and ETags are compared"
            ),
            _ => tracing::warn!(
                crc64nvme.put = %crc64_nvme.put, crc64nvme.part = %crc64_nvme.part, crc64nvme.object = %crc64_nvme.object,
                "the store does not verify CRC64NVME: parts are checked by Content-MD5, and whole objects by their ETags"
            ),
        }
    }
}

impl Crc64NvmeFindings {
    async fn of(store: &dyn BucketStore, prefix: &str) -> Result<Self, StoreError> {
        // All to their ends, even if one has failed: each removes what it has made.
        let (put, part, object) = tokio::join!(
            probe::put_crc64nvme(store, prefix),
            probe::part_crc64nvme(store, prefix),
            probe::object_crc64nvme(store, prefix),
        );
        Ok(Self { put: put?, part: part?, object: object? })
    }

    /// Returns whether it suffices: the store must report the checksum of the object at the end, but not of a part.
    fn will_do(&self) -> bool {
        self.put == Check::Verified
            && matches!(self.part, Check::Verified | Check::Unreported)
            && self.object == Check::Verified
    }
}

impl Md5Findings {
    async fn of(store: &dyn BucketStore, prefix: &str) -> Result<Self, StoreError> {
        let (put, part) = tokio::join!(probe::put_md5(store, prefix), probe::part_md5(store, prefix));
        Ok(Self { put: put?, part: part? })
    }

    fn will_do(&self) -> bool {
        self.put == Check::Verified && self.part == Check::Verified
    }
}

#[cfg(test)]
mod tests {
    use Check::{Ignored, Unreported, Verified};

    use super::*;

    #[test]
    fn the_strongest_check_that_takes_place_everywhere() {
        let unsupported = || Check::Unsupported("501".to_owned());
        for (put, part, object, md5, kind) in [
            (Verified, Verified, Verified, None, ChecksumKind::Crc64Nvme),
            (Verified, Unreported, Verified, None, ChecksumKind::Crc64Nvme),
            (Verified, Verified, Unreported, Some([Verified, Verified]), ChecksumKind::Md5),
            (Verified, Verified, Ignored, Some([Verified, Verified]), ChecksumKind::Md5),
            (Verified, Ignored, Verified, Some([Verified, Verified]), ChecksumKind::Md5),
            (unsupported(), unsupported(), unsupported(), Some([Verified, Verified]), ChecksumKind::Md5),
            (Ignored, Ignored, Ignored, Some([Verified, Ignored]), ChecksumKind::None),
            (Ignored, Ignored, Ignored, Some([unsupported(), Verified]), ChecksumKind::None),
        ] {
            let md5 = md5.map(|[put, part]| Md5Findings { put, part });
            let findings = Findings { crc64_nvme: Crc64NvmeFindings { put, part, object }, md5 };
            assert_eq!(findings.kind(), kind, "{findings:?}");
        }
    }
}
