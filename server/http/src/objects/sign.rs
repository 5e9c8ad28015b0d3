//! Signs URLs that read objects, up to 1,000 at a time.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use partway_s3::signing::{ReadTemplate, ReadTerms};
use partway_s3::store::Looked;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::limits::{MAX_OBJECTS_PER_SIGN, MAX_PRESIGN_SECONDS};
use partway_shared::wire::{
    ObjectInfo, ObjectSigning, ObjectToSign, Operation, ReadMethod, ResponseHeaders, SignObjects,
    SignedObject, SignedObjects,
};
use sha2::{Digest as _, Sha256};

use crate::batch::{all_failed_alike, together};
use crate::caller::{Caller, Subject};
use crate::destinations::Destination;

use super::access::{Named, Place, Reached};
use super::answer_headers::answer_headers;
use super::look::{CONCURRENCY, in_field};
use super::{Objects, Tally, archived, check_count, outcome};

/// The templates of one request: for each destination and lifetime.
#[derive(Default)]
pub(super) struct Templates<'a>(Vec<Template<'a>>);

struct Template<'a> {
    destination: &'a Destination,
    lifetime: Duration,
    reads: ReadTemplate<'a>,
    expires_in: u64,
    signed: usize,
}

/// What a URL is signed for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) method: ReadMethod,
    pub(super) response: &'a ResponseHeaders,
    pub(super) expires_in: Option<u64>,
}

impl Objects {
    /// Returns a URL for each object, and what the store says of it.
    ///
    /// # Errors
    /// When the request itself is not valid, or the store could not answer at all.
    pub async fn sign(&self, caller: &Caller, request: &SignObjects) -> Result<SignedObjects, Problem> {
        check_count(request.objects.len(), MAX_OBJECTS_PER_SIGN, "sign")?;
        let named = request.objects.iter().map(|object| Named {
            destination: object.destination.as_deref(),
            key: &object.key,
            version_id: object.version_id.as_deref(),
        });
        let reached = self.reach(caller, Operation::Get, named).await?;
        let looked = self.look_first(&caller.subject, &reached, &request.objects).await;
        let begun = Instant::now();
        let (mut templates, mut tally) = (Templates::default(), Tally::default());
        let mut signed = Vec::with_capacity(reached.len());
        for (index, ((reached, looked), object)) in
            reached.into_iter().zip(looked).zip(&request.objects).enumerate()
        {
            signed.push(match (reached, looked) {
                (Ok(reached), Ok(looked)) => {
                    let wanted = Wanted {
                        method: object.method,
                        response: &object.response,
                        expires_in: object.expires_in,
                    };
                    let signed = templates.sign(reached, wanted, looked, Place::At(index)).await;
                    tally.add(reached.destination, outcome(&signed));
                    signed
                }
                (Err(problem), _) | (_, Err(problem)) => Err(problem),
            });
        }
        tally.record("sign");
        templates.record(begun);
        if let Some(problem) = all_failed_alike(&signed) {
            return Err(problem);
        }
        let objects = signed.into_iter().enumerate().map(|(index, signed)| match signed {
            Ok(signed) => ObjectSigning::Signed(Box::new(signed)),
            Err(problem) => ObjectSigning::Refused(in_field(problem, index)),
        });
        Ok(SignedObjects { objects: objects.collect() })
    }

    /// Looks at those objects that are wanted to be looked at, or whose size is counted.
    async fn look_first(
        &self,
        subject: &Subject,
        reached: &[Result<Reached<'_>, Problem>],
        objects: &[ObjectToSign],
    ) -> Vec<Result<Option<ObjectInfo>, Problem>> {
        let mut looked: Vec<_> = reached.iter().map(|_| Ok(None)).collect();
        let counts = self.quotas.counts_signed();
        let wanted = reached.iter().zip(objects).enumerate().filter_map(|(index, (reached, object))| {
            let reached = reached.as_ref().ok().filter(|_| object.look.0 || counts)?;
            Some((index, *reached, object.method))
        });
        let looks = wanted.map(|(index, reached, method)| async move {
            (index, self.look_to_read(subject, &reached, method).await)
        });
        for (index, result) in together(looks.collect(), CONCURRENCY).await {
            if let Some(place) = looked.get_mut(index) {
                *place = result.map(Some);
            }
        }
        looked
    }

    /// Returns an object that can be read now, and counts its bytes.
    pub(super) async fn look_to_read(
        &self,
        subject: &Subject,
        reached: &Reached<'_>,
        method: ReadMethod,
    ) -> Result<ObjectInfo, Problem> {
        let Looked { object, is_archived, .. } = reached.look().await?;
        if method == ReadMethod::Get {
            if is_archived {
                return Err(archived());
            }
            if self.quotas.counts_signed() {
                self.quotas.sign(subject, &counted_id(reached, &object), object.size).await?;
            }
        }
        Ok(object)
    }
}

/// Returns the id under which an object is counted: the same for the same bytes under the same key.
fn counted_id(reached: &Reached<'_>, object: &ObjectInfo) -> String {
    let mut digest = Sha256::new();
    for text in [reached.destination.bucket.name.as_str(), reached.key, object.etag.as_str()] {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])
}

impl<'a> Templates<'a> {
    /// Signs for one object.
    pub(super) async fn sign(
        &mut self,
        reached: Reached<'a>,
        wanted: Wanted<'_>,
        object: Option<ObjectInfo>,
        place: Place,
    ) -> Result<SignedObject, Problem> {
        let Reached { destination, key, version_id } = reached;
        let refuse = |field: &str, why: &str| {
            Err(Problem::new(ErrorCode::InvalidField, why).with_field(place.field(field)))
        };
        // Who owns the bucket has programs that send a path as it is.
        let is_for_browsers = !destination.policy.callers_own_bucket;
        if is_for_browsers && key.split('/').any(|segment| matches!(segment, "." | "..")) {
            return refuse(
                "key",
                "it has a segment that is . or .., which browsers remove from every URL; copy the object to another key",
            );
        }
        if wanted.expires_in.is_some_and(|seconds| !(1..=MAX_PRESIGN_SECONDS).contains(&seconds)) {
            return refuse("expires_in", "a URL can be valid for 1 to 604,800 seconds (7 days)");
        }
        let answer = answer_headers(&destination.policy, key, wanted.response, object.as_ref(), place)?;
        let lifetime = wanted.expires_in.map_or(destination.read_lifetime, |seconds| {
            destination.read_lifetime.min(Duration::from_secs(seconds))
        });
        let template = self.of(destination, lifetime).await?;
        template.signed += 1;
        let url = template.reads.sign(&ReadTerms { method: wanted.method, key, version_id, answer: &answer });
        Ok(SignedObject { url, expires_in: template.expires_in, object })
    }

    async fn of(
        &mut self,
        destination: &'a Destination,
        lifetime: Duration,
    ) -> Result<&mut Template<'a>, Problem> {
        let is_it =
            |known: &Template<'_>| std::ptr::eq(known.destination, destination) && known.lifetime == lifetime;
        let index = match self.0.iter().position(is_it) {
            Some(index) => index,
            None => {
                let presigner = destination.presigner_for(lifetime).await?;
                let (reads, expires_in) = (presigner.reads(), presigner.expires_in());
                self.0.push(Template { destination, lifetime, reads, expires_in, signed: 0 });
                self.0.len() - 1
            }
        };
        self.0.get_mut(index).ok_or_else(|| Problem::new(ErrorCode::Internal, "a template is lost"))
    }

    /// Counts what was signed, and the time that it took.
    pub(super) fn record(&self, begun: Instant) {
        for Template { destination, signed, .. } in &self.0 {
            destination.metrics.signed(*signed, begun);
        }
    }
}
