//! A cache of the credentials that sign, renewed before they expire.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// New credentials are fetched when less than this is left.
const REFRESH_BEFORE: Duration = Duration::from_secs(5 * 60);
/// Credentials with less than this left are not used: a URL would expire before it is used.
const TOO_SHORT: Duration = Duration::from_secs(10);
/// A provider that failed, or had nothing newer, is not asked again for this long.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// A cache in front of a provider: AWS's chain may ask a metadata service each time.
///
/// The current credentials sign while new ones are fetched, so that only the first request waits for a provider.
#[derive(Clone, Debug)]
pub struct CredentialSource {
    provider: SharedCredentialsProvider,
    current: Arc<RwLock<Option<Credentials>>>,
    /// Locked while the provider is asked; holds when it was last asked ahead of time.
    asked: Arc<Mutex<Option<Instant>>>,
}

impl CredentialSource {
    /// Creates a cache of what this provider gives.
    #[must_use]
    pub fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, current: Arc::default(), asked: Arc::default() }
    }

    /// Returns credentials with at least 10 seconds left.
    ///
    /// # Errors
    /// When the provider has none, and the cached ones have expired.
    pub async fn get(&self) -> Result<Credentials, CredentialsError> {
        if let Some(known) = self.known(TOO_SHORT) {
            if !lasts(&known, REFRESH_BEFORE) {
                self.refresh();
            }
            return Ok(known);
        }
        let asked = Arc::clone(&self.asked).lock_owned().await;
        // Somebody else may have asked while this waited.
        match self.known(TOO_SHORT) {
            Some(known) => Ok(known),
            None => self.ask(&asked).await,
        }
    }

    /// Starts fetching new credentials in the background, unless that is under way or was done just now.
    fn refresh(&self) {
        let Ok(mut asked) = Arc::clone(&self.asked).try_lock_owned() else { return };
        if asked.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
            return;
        }
        let source = self.clone();
        tokio::spawn(async move {
            if let Err(error) = source.ask(&asked).await {
                tracing::warn!(%error, "no new credentials; the old ones are used for as long as they are good");
            }
            *asked = Some(Instant::now());
        });
    }

    /// Asks the provider; the caller holds the lock.
    async fn ask(&self, _: &OwnedMutexGuard<Option<Instant>>) -> Result<Credentials, CredentialsError> {
        let given = self.provider.provide_credentials().await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(given.clone());
        Ok(given)
    }

    fn known(&self, at_least: Duration) -> Option<Credentials> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| lasts(known, at_least)).cloned()
    }
}

fn lasts(credentials: &Credentials, at_least: Duration) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + at_least)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::provider::future;
    use tokio::sync::Semaphore;

    use super::super::{Hosts, Presigner, PutTerms};
    use super::*;

    /// Gives what its script says, one after another, and each only when it is let.
    #[derive(Clone, Debug)]
    struct Scripted {
        lifetimes: Vec<Result<u64, ()>>,
        asked: Arc<AtomicUsize>,
        let_through: Arc<Semaphore>,
    }

    impl Scripted {
        fn new(lifetimes: &[Result<u64, ()>], let_through: usize) -> (Self, CredentialSource) {
            let asked = Arc::default();
            let let_through = Arc::new(Semaphore::new(let_through));
            let scripted = Self { lifetimes: lifetimes.to_vec(), asked, let_through };
            (scripted.clone(), CredentialSource::new(SharedCredentialsProvider::new(scripted)))
        }

        async fn has_been_asked(&self, times: usize) {
            while self.asked.load(Ordering::SeqCst) < times {
                tokio::task::yield_now().await;
            }
        }
    }

    impl ProvideCredentials for Scripted {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                let turn = self.asked.fetch_add(1, Ordering::SeqCst);
                self.let_through.acquire().await.unwrap().forget();
                match self.lifetimes[turn] {
                    Ok(seconds) => {
                        let expiry = SystemTime::now() + Duration::from_secs(seconds);
                        Ok(Credentials::new(format!("key{turn}"), "secret", None, Some(expiry), "script"))
                    }
                    Err(()) => Err(CredentialsError::not_loaded("as the script says")),
                }
            })
        }
    }

    #[tokio::test]
    async fn the_old_ones_sign_while_new_ones_are_fetched() {
        let (script, source) = Scripted::new(&[Ok(120), Ok(3_600)], 1);
        assert_eq!(source.get().await.unwrap().access_key_id(), "key0");
        for _ in 0..3 {
            // The provider does not answer a second time, and nobody waits for it.
            assert_eq!(source.get().await.unwrap().access_key_id(), "key0");
            script.has_been_asked(2).await;
        }
        script.let_through.add_permits(1);
        while source.get().await.unwrap().access_key_id() == "key0" {
            tokio::task::yield_now().await;
        }
        assert_eq!(script.asked.load(Ordering::SeqCst), 2, "asked once, not once a request");
    }

    #[tokio::test]
    async fn those_that_have_expired_are_waited_for_and_never_used() {
        let (script, source) = Scripted::new(&[Ok(5), Err(()), Ok(3_600)], 3);
        assert_eq!(source.get().await.unwrap().access_key_id(), "key0", "there are no better ones");
        assert!(source.get().await.is_err(), "five seconds are too short to be used again");
        assert_eq!(source.get().await.unwrap().access_key_id(), "key2");
        assert_eq!(script.asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_failure_leaves_the_old_ones_in_use_and_is_not_repeated_at_once() {
        let (script, source) = Scripted::new(&[Ok(120), Err(())], 2);
        for _ in 0..50 {
            assert_eq!(source.get().await.unwrap().access_key_id(), "key0");
            tokio::task::yield_now().await;
        }
        assert_eq!(script.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn no_url_outlives_its_credentials() {
        let hosts = Hosts::new(&["http://s3.test".to_owned()], "photos", true).unwrap();
        for (left, lifetime, expected) in
            [(120, 900, 119..=120), (3_600, 900, 900..=900), (86_400 * 30, 86_400 * 30, 604_800..=604_800)]
        {
            let (_, source) = Scripted::new(&[Ok(left)], 1);
            let credentials = source.get().await.unwrap();
            let now = SystemTime::now();
            let presigner =
                Presigner::new(&hosts, "eu-west-1", &credentials, Duration::from_secs(lifetime), now);
            assert!(expected.contains(&presigner.expires_in()), "{}", presigner.expires_in());
            let ends = now + Duration::from_secs(presigner.expires_in());
            assert!(ends <= credentials.expiry().unwrap(), "{left}");
            let (url, _) = presigner.put("a", &PutTerms::default());
            assert!(url.contains(&format!("X-Amz-Expires={}&", presigner.expires_in())), "{url}");
        }
    }
}
