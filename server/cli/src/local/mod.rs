//! The server's own operations in this process, over the buckets that this command has credentials for.
//!
//! It owns which bucket is opened when, the region that a bucket turns out to be in, and the words in which the store refuses. It never
//! knows places, arguments, nor what is printed.

mod answers;
mod engine;
mod known;
mod state;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use partway_client::Control;
use partway_s3::discover::{Discovered, discover_for_command};
use partway_s3::signing::Presigner;
use partway_s3::store::{ListParams, Looked, StoreError};
use partway_s3::terms::RequestTerms;
use partway_server::caller::{Caller, Subject};
use partway_server::config::StoreConfig;
use partway_server::policy::Policy;
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::transfer::Failure;
use partway_shared::upload::{ControlCall, ControlReply};
use partway_shared::wire::{
    CallerInfo, CreateLink, CreatedLink, DeleteObjects, DeletedObjects, DestinationList, ListObjects,
    ListedObjects, LookAtObjects, LookedAtObjects, SignObjects, SignedObjects,
};
use secrecy::SecretString;
use tokio::sync::{OnceCell, RwLock};

use self::answers::Answer;
use self::engine::{Engine, OpenBucket};
use self::known::KnownStores;
use self::words::is_wordless;

/// What a command says of the buckets that it reaches.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalSettings {
    /// The profile of AWS's files.
    pub(crate) profile: Option<String>,
    /// The region, where no bucket says another.
    pub(crate) region: Option<String>,
    /// The endpoint; none is what AWS's settings say, else AWS.
    pub(crate) endpoint: Option<String>,
    /// What every request says.
    pub(crate) terms: RequestTerms,
    /// How objects are stored and files split. What callers may do is not looked at: they may do all.
    pub(crate) policy: Policy,
}

/// The operations over buckets of one store. A destination has its bucket's name; of a file to upload, the `path` is its key, or its
/// `name` if it has none.
pub(crate) struct Local {
    settings: LocalSettings,
    found: OnceCell<Discovered>,
    known: KnownStores,
    /// The folder of the secret that seals tokens.
    state: Option<PathBuf>,
    caller: Caller,
    open: RwLock<Opened>,
}

#[derive(Default)]
struct Opened {
    buckets: BTreeMap<String, Arc<OpenBucket>>,
    engine: Option<Arc<Engine>>,
}

impl Local {
    /// Creates the operations. Asks nobody anything.
    pub(crate) fn new(settings: LocalSettings) -> Self {
        Self {
            settings,
            found: OnceCell::new(),
            known: KnownStores::in_folder(state::cache_folder()),
            state: state::state_folder(),
            caller: Caller::new(Subject::anyone()),
            open: RwLock::default(),
        }
    }

    /// Opens a bucket, so that later calls find the destination that a token of an earlier process names.
    pub(crate) async fn open(&self, bucket: &str) -> Result<(), Failure> {
        self.engine(&[bucket]).await.map(drop)
    }

    /// Returns all that the store says of an object.
    pub(crate) async fn examine(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Option<Looked>, Failure> {
        self.ask(&[bucket], |engine| async move {
            let objects = engine.store_of(bucket)?;
            if let Some(looked) = objects.look(key, version_id).await? {
                return Ok(Some(looked));
            }
            // The answer to a HEAD has no words: whether there is such a bucket, another call tells.
            let page = ListParams { prefix: key, delimiter: None, after: None, limit: 1 };
            match objects.list(page).await {
                Err(error @ StoreError::Denied(_)) if words::is_no_bucket(&error) => Err(error.into()),
                _ => Ok(None),
            }
        })
        .await
    }

    /// Returns an object's tags.
    pub(crate) async fn tags(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        self.ask(&[bucket], |engine| async move {
            let objects = engine.store_of(bucket)?;
            objects.tags(key, version_id).await.map_err(Problem::from)
        })
        .await
    }

    /// Has a bucket's presigner sign something, valid for as long as this and the credentials are.
    pub(crate) async fn presign<T: Answer + Send>(
        &self,
        bucket: &str,
        lifetime: Duration,
        sign: impl Fn(&Presigner<'_>) -> T + Sync,
    ) -> Result<T, Failure> {
        self.locate(bucket).await?;
        let sign = &sign;
        self.ask(&[bucket], |engine| async move {
            let destination = engine.destination(bucket)?;
            Ok(sign(&destination.presigner_for(lifetime).await?))
        })
        .await
    }

    /// Sees to it that a bucket's region is known before something is signed for it that the store is not asked about.
    async fn locate(&self, bucket: &str) -> Result<(), Failure> {
        let known = &self.known;
        self.ask(&[bucket], |engine| async move {
            let bucket = engine.open_bucket(bucket)?;
            if bucket.is_located() {
                return Ok(());
            }
            let page = ListParams { prefix: "", delimiter: None, after: None, limit: 1 };
            match bucket.bucket.store.list(page).await {
                Err(error @ StoreError::OtherRegion(_)) => bucket.hear(&error),
                // What is wrong there, whoever uses what is signed will see.
                Err(StoreError::Unavailable { .. }) => {}
                // Whatever else it says, it is the bucket's region that says it.
                _ => {
                    known.set_region(&bucket.id(), &bucket.bucket.region);
                    bucket.set_located();
                }
            }
            Ok(())
        })
        .await
    }

    /// Carries something out with the buckets opened, and once more where one turns out to be in another region.
    async fn ask<T: Answer, F: Future<Output = Result<T, Problem>> + Send>(
        &self,
        buckets: &[&str],
        work: impl Fn(Arc<Engine>) -> F + Sync,
    ) -> Result<T, Failure> {
        let mut result = work(self.engine(buckets).await?).await;
        if self.follow().await? {
            result = work(self.engine(buckets).await?).await;
        }
        let heard = self.heard(&result).await;
        match result {
            Ok(mut answer) => {
                answer.problems().into_iter().for_each(|problem| words::explain(problem, &heard));
                Ok(answer)
            }
            Err(mut problem) => {
                words::explain(&mut problem, &heard);
                Err(problem.into())
            }
        }
    }

    /// Returns what the stores said last, each with its bucket's name. One that refuses without a word is asked something that it has to
    /// answer in words.
    async fn heard<T>(&self, result: &Result<T, Problem>) -> Vec<(String, StoreError)> {
        let buckets: Vec<_> = self.open.read().await.buckets.values().map(Arc::clone).collect();
        let mut heard = Vec::new();
        for bucket in buckets {
            let Some(mut error) = bucket.heard() else { continue };
            let failed = result.as_ref().err();
            if failed.is_some_and(|problem| problem.code == ErrorCode::StoreDenied) && is_wordless(&error) {
                let page = ListParams { prefix: "", delimiter: None, after: None, limit: 1 };
                if let Err(said) = bucket.bucket.store.list(page).await {
                    error = said;
                }
            }
            heard.push((bucket.bucket.name.clone(), error));
        }
        heard
    }

    /// Opens each bucket anew that is said to be in another region, once. Returns whether there was one.
    async fn follow(&self) -> Result<bool, Failure> {
        let moved: Vec<_> = {
            let open = self.open.read().await;
            open.buckets
                .values()
                .filter_map(|bucket| Some((Arc::clone(bucket), bucket.other_region()?)))
                .collect()
        };
        for (bucket, region) in &moved {
            self.known.set_region(&bucket.id(), region);
            let opened = self.open_in(&bucket.bucket.name, Some(region.clone())).await?;
            let opened = opened.in_place_of(bucket).await;
            let mut open = self.open.write().await;
            open.buckets.insert(bucket.bucket.name.clone(), Arc::new(opened));
            open.engine = None;
        }
        Ok(!moved.is_empty())
    }

    /// Returns the operations with at least these buckets opened.
    async fn engine(&self, buckets: &[&str]) -> Result<Arc<Engine>, Failure> {
        {
            let open = self.open.read().await;
            if let Some(engine) = &open.engine
                && buckets.iter().all(|bucket| open.buckets.contains_key(*bucket))
            {
                return Ok(Arc::clone(engine));
            }
        }
        for bucket in buckets {
            if self.open.read().await.buckets.contains_key(*bucket) {
                continue;
            }
            let opened = Arc::new(self.open_in(bucket, None).await?);
            let mut open = self.open.write().await;
            open.buckets.entry((*bucket).to_owned()).or_insert(opened);
            open.engine = None;
        }
        let mut open = self.open.write().await;
        if let Some(engine) = &open.engine {
            return Ok(Arc::clone(engine));
        }
        let engine = Engine::over(open.buckets.values(), &self.settings.policy);
        let engine = Arc::new(engine.map_err(unusable)?);
        open.engine = Some(Arc::clone(&engine));
        Ok(engine)
    }

    /// Opens a bucket in a region, else in the one that it was found in before, else in the one of the settings.
    async fn open_in(&self, name: &str, region: Option<String>) -> Result<OpenBucket, Failure> {
        let LocalSettings { profile, region: asked, endpoint, terms, .. } = &self.settings;
        let found =
            self.found.get_or_init(|| discover_for_command(asked.as_deref(), profile.as_deref())).await;
        let endpoint = endpoint.clone().or_else(|| found.endpoint.clone());
        let id = KnownStores::id(endpoint.as_deref(), name);
        let remembered = self.known.region(&id);
        // AWS has many regions, whatever is said; another store has the one that is said, if one is.
        let is_said = asked.is_some() || found.region.is_some();
        let is_located = remembered.is_some() || (is_said && !KnownStores::is_aws(endpoint.as_deref()));
        let region = region.or(remembered).or_else(|| asked.clone());
        let config = StoreConfig { region, endpoint, ..StoreConfig::default() };
        let bucket = partway_server::stores::open_bucket(name, &config, found.clone(), terms.clone());
        let bucket = bucket.map_err(|error| unusable(words::no_access(&error)))?;
        bucket
            .credentials
            .get()
            .await
            .map_err(|error| unusable(words::no_credentials(&error, profile.as_deref())))?;
        let opened = OpenBucket::new(bucket, id);
        if is_located {
            opened.set_located();
        }
        Ok(opened)
    }

    /// Sees to it that what the buckets' stores verify is known, before something is uploaded there.
    async fn settle(&self, buckets: &[&str]) -> Result<(), Failure> {
        for &name in buckets {
            self.locate(name).await?;
            let known = &self.known;
            self.ask(&[name], |engine| async move {
                let bucket = engine.open_bucket(name)?;
                bucket.settle(known).await
            })
            .await?;
        }
        Ok(())
    }

    fn secret(&self) -> Result<SecretString, Failure> {
        state::token_secret(self.state.as_deref()).map_err(unusable)
    }

    async fn upload(&self, call: &ControlCall) -> Result<ControlReply, Failure> {
        let secret = self.secret()?;
        let buckets = buckets_of(call);
        self.settle(&buckets).await?;
        let caller = &self.caller;
        let reply = self.ask(&buckets, |engine| {
            let uploads = engine.uploads(&secret);
            async move {
                Ok(match call {
                    ControlCall::Create(request) => {
                        ControlReply::Created(uploads.create(caller, request).await?)
                    }
                    ControlCall::Copy(request) => {
                        ControlReply::Copied(engine.copies(uploads).create(caller, request).await?)
                    }
                    ControlCall::Sign(request) => ControlReply::Signed(uploads.sign(caller, request).await?),
                    ControlCall::List(request) => {
                        ControlReply::Listed(uploads.list(caller, &request.token).await?)
                    }
                    ControlCall::Complete(request) => {
                        ControlReply::Completed(uploads.complete(caller, request).await?)
                    }
                    ControlCall::Abort(request) => {
                        uploads.abort(caller, &request.token).await?;
                        ControlReply::Aborted
                    }
                })
            }
        });
        reply.await
    }
}

#[async_trait]
impl Control for Local {
    async fn call(&self, call: ControlCall) -> Result<ControlReply, Failure> {
        self.upload(&call).await
    }

    async fn sign(&self, request: SignObjects) -> Result<SignedObjects, Failure> {
        let (buckets, request) = (named(request.objects.iter().map(|one| &one.destination)), &request);
        if request.objects.iter().any(|object| !object.look.0) {
            for bucket in &buckets {
                self.locate(bucket).await?;
            }
        }
        let caller = &self.caller;
        self.ask(&buckets, |engine| async move { engine.objects.sign(caller, request).await }).await
    }

    async fn list(&self, request: ListObjects) -> Result<ListedObjects, Failure> {
        let (buckets, request) = (named(std::iter::once(&request.destination)), &request);
        let caller = &self.caller;
        self.ask(&buckets, |engine| async move { engine.objects.list(caller, request).await }).await
    }

    async fn look(&self, request: LookAtObjects) -> Result<LookedAtObjects, Failure> {
        let (buckets, request) = (named(request.objects.iter().map(|one| &one.destination)), &request);
        let caller = &self.caller;
        self.ask(&buckets, |engine| async move { engine.objects.look(caller, request).await }).await
    }

    async fn delete(&self, request: DeleteObjects) -> Result<DeletedObjects, Failure> {
        let (buckets, request) = (named(request.objects.iter().map(|one| &one.destination)), &request);
        let caller = &self.caller;
        self.ask(&buckets, |engine| async move { engine.objects.delete(caller, request).await }).await
    }

    async fn link(&self, _: CreateLink) -> Result<CreatedLink, Failure> {
        let why = "a link needs a Partway server that signs for it when it is followed; use a place that begins with pw:";
        Err(unusable(why))
    }

    async fn destinations(&self) -> Result<DestinationList, Failure> {
        let caller = &self.caller;
        self.ask(&[], |engine| async move { Ok(engine.objects.destinations(caller)) }).await
    }

    async fn caller(&self) -> Result<CallerInfo, Failure> {
        let secret = self.secret()?;
        let engine = self.engine(&[]).await?;
        Ok(CallerInfo { owner: engine.uploads(&secret).owner(&self.caller) })
    }
}

/// Returns the buckets that a call names. A token holds its own, which was opened before.
fn buckets_of(call: &ControlCall) -> Vec<&str> {
    match call {
        ControlCall::Create(request) => named(request.files.iter().map(|file| &file.destination)),
        ControlCall::Copy(request) => named([&request.from.destination, &request.to.destination].into_iter()),
        ControlCall::Sign(_) | ControlCall::List(_) | ControlCall::Complete(_) | ControlCall::Abort(_) => {
            Vec::new()
        }
    }
}

fn named<'a>(names: impl Iterator<Item = &'a Option<String>>) -> Vec<&'a str> {
    let mut names: Vec<_> = names.filter_map(Option::as_deref).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What no later attempt changes.
fn unusable(why: impl Into<String>) -> Failure {
    Failure::Unidentified(why.into())
}
