//! Partway as a part of another actix-web application: a scope, with its own identity and hooks.
//!
//! ```no_run
//! # use actix_web::{App, web};
//! # use partway_server::{config::Settings, mount::Partway};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let partway = Partway::builder(Settings::load(None)?).build().await?;
//! App::new().service(web::scope("/files").configure(partway.routes()));
//! # Ok(()) }
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::{Data, ServiceConfig};
use bytesize::ByteSize;
use partway_embedded::Server as EmbeddedServer;
use partway_s3::bucket::{Bucket, Sweeping};
use partway_s3::store::BucketStore;
use partway_s3::verification::{Probing, Verification};

use crate::config::{DEFAULT_DESTINATION, Settings, SettingsError};
use crate::copies::Copies;
use crate::destinations::{self, Opened};
use crate::hooks::{Hooks, HttpHooks, NoHooks};
use crate::identity::{self, Identify, Identity};
use crate::json::{Bodies, BodyLimits};
use crate::metrics::Metrics;
use crate::objects::{LinkMint, Objects};
use crate::origins::AllowedOrigins;
use crate::quotas::Quotas;
use crate::readiness::Readiness;
use crate::routes;
#[cfg(feature = "widget")]
use crate::routes::widget::PageSettings;
use crate::stores::OpenStoresError;
use crate::sweep_timer::Timer;
use crate::token::TokenMint;
use crate::uploads::Uploads;

/// Why Partway cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A store cannot be opened.
    #[error(transparent)]
    Stores(#[from] OpenStoresError),
    /// The identity, the hooks or the quotas cannot be used.
    #[error("{0}")]
    Other(String),
}

/// A Partway server without its listeners. Clone it into each worker.
#[derive(Clone)]
pub struct Partway(Arc<Inner>);

struct Inner {
    uploads: Data<Uploads>,
    objects: Data<Objects>,
    copies: Data<Copies>,
    identity: Data<Identity>,
    #[cfg(feature = "widget")]
    page: Data<PageSettings>,
    bodies: Data<Bodies>,
    origins: Data<AllowedOrigins>,
    readiness: Data<Readiness>,
    metrics: Data<Metrics>,
    store: Arc<dyn BucketStore>,
    store_origin: String,
    store_origins: Vec<String>,
    background: Mutex<Background>,
}

/// The background tasks, which have to be stopped.
#[derive(Default)]
struct Background {
    probings: Vec<Probing>,
    sweeping: Option<Timer>,
    embedded: Option<EmbeddedServer>,
}

/// A builder of a [`Partway`].
pub struct Builder {
    settings: Settings,
    identity: Option<Arc<dyn Identify>>,
    hooks: Option<Arc<dyn Hooks>>,
}

impl Builder {
    /// Sets the identity, instead of `[identity]`.
    #[must_use]
    pub fn identity(mut self, identity: impl Identify + 'static) -> Self {
        self.identity = Some(Arc::new(identity));
        self
    }

    /// Sets the hooks, instead of `[hooks]`.
    #[must_use]
    pub fn hooks(mut self, hooks: impl Hooks + 'static) -> Self {
        self.hooks = Some(Arc::new(hooks));
        self
    }

    /// Opens the stores, and creates the [`Partway`]. Of `[server]` only tokens, bodies and `allowed_origins` apply:
    /// the application does the listening, CORS and logs, and what `[tls]` and `[operations]` are for. A page of
    /// another origin must be in `allowed_origins` as well as in the application's CORS, or its requests are refused.
    ///
    /// # Errors
    /// When a setting, a store or the identity cannot be used.
    pub async fn build(self) -> Result<Partway, BuildError> {
        let settings = self.settings;
        settings.validate()?;
        let identify = match self.identity {
            Some(identify) => identify,
            None => identity::configured(&settings.identity).map_err(BuildError::Other)?,
        };
        let hooks: Arc<dyn Hooks> =
            match (self.hooks, HttpHooks::new(&settings.hooks).map_err(BuildError::Other)?) {
                (Some(hooks), _) => hooks,
                (None, Some(hooks)) => Arc::new(hooks),
                (None, None) => Arc::new(NoHooks),
            };
        let quotas = Arc::new(Quotas::new(&settings.limits).map_err(BuildError::Other)?);
        let metrics = Metrics::new();
        let Opened { destinations, buckets, probings, token_secret, embedded } =
            destinations::open(&settings, &metrics).await?;
        let main = main_bucket(&buckets).ok_or_else(|| BuildError::Other("there is no store".to_owned()))?;
        let (store, store_origin) = (main.store.clone(), main.public_hosts.first().origin().to_owned());
        let swept = buckets.iter().filter(|(bucket, _)| bucket.sweeping != Sweeping::Nothing);
        let swept: Vec<_> =
            swept.map(|(bucket, _)| (Arc::clone(bucket), metrics.of(&bucket.label))).collect();
        let sweeping = (!swept.is_empty())
            .then(|| Timer::start(swept, settings.sweep.interval(), partway_s3::sweep::GRACE));
        let store_origins = destinations.origins();
        let destinations = Arc::new(destinations);
        let objects = Arc::new(Objects {
            destinations: Arc::clone(&destinations),
            hooks: Arc::clone(&hooks),
            quotas: Arc::clone(&quotas),
            links: LinkMint::new(settings.server.link_secret.as_ref(), &token_secret),
        });
        let uploads = Arc::new(Uploads {
            destinations,
            tokens: TokenMint::new(&token_secret),
            hooks,
            quotas: Arc::clone(&quotas),
        });
        let origins = AllowedOrigins::parse(&settings.server.allowed_origins)
            .map_err(|(_, why)| BuildError::Other(why))?;
        let bytes = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        let bodies = Bodies::new(BodyLimits {
            max: bytes(settings.server.max_body),
            timeout: settings.server.request_timeout,
            max_together: bytes(settings.server.max_bodies),
        });
        Ok(Partway(Arc::new(Inner {
            copies: Data::new(Copies { objects: Arc::clone(&objects), uploads: Arc::clone(&uploads) }),
            uploads: Data::from(uploads),
            objects: Data::from(objects),
            identity: Data::new(Identity { identify, quotas }),
            #[cfg(feature = "widget")]
            page: Data::new(PageSettings { connect_origins: store_origins.clone() }),
            bodies: Data::new(bodies),
            origins: Data::new(origins),
            readiness: Data::new(Readiness::new(buckets)),
            metrics: Data::new(metrics),
            store,
            store_origin,
            store_origins,
            background: Mutex::new(Background { probings, sweeping, embedded }),
        })))
    }
}

/// Returns the bucket of the default destination, else the first.
fn main_bucket(buckets: &[(Arc<Bucket>, Verification)]) -> Option<&Bucket> {
    let mut buckets = buckets.iter().map(|(bucket, _)| &**bucket);
    let first = buckets.clone().next();
    buckets.find(|bucket| bucket.destinations.iter().any(|name| name == DEFAULT_DESTINATION)).or(first)
}

impl Partway {
    /// Returns a builder with these settings.
    #[must_use]
    pub const fn builder(settings: Settings) -> Builder {
        Builder { settings, identity: None, hooks: None }
    }

    /// Returns the routes of the API, `/v1/…` and `/l/…`, for an application or a scope. With the feature `widget`, which is on
    /// by default, the widget's files below `/widget/` are included.
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let inner = Arc::clone(&self.0);
        move |config| {
            #[cfg(feature = "widget")]
            config.app_data(inner.page.clone());
            config
                .app_data(inner.uploads.clone())
                .app_data(inner.objects.clone())
                .app_data(inner.copies.clone())
                .app_data(inner.identity.clone())
                .app_data(inner.bodies.clone())
                .app_data(inner.origins.clone())
                .configure(routes::configure);
        }
    }

    /// Returns the readiness, for an application that adds [`routes::configure_health`] or checks it by itself.
    #[must_use]
    pub fn readiness(&self) -> Data<Readiness> {
        self.0.readiness.clone()
    }

    /// Returns the metrics, for an application that adds [`routes::configure_metrics`] or exports them by itself.
    #[must_use]
    pub fn metrics(&self) -> Data<Metrics> {
        self.0.metrics.clone()
    }

    /// Returns the default destination's store, with the server's credentials.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn BucketStore> {
        &self.0.store
    }

    /// Returns the origin to which browsers send parts; the first one if there are several.
    #[must_use]
    pub fn store_origin(&self) -> &str {
        &self.0.store_origin
    }

    /// Returns the origins of all stores that browsers send files to, for a page's Content-Security-Policy.
    #[must_use]
    pub fn store_origins(&self) -> &[String] {
        &self.0.store_origins
    }

    /// Stops the background tasks. Call it once, after the server has stopped.
    pub async fn stop(&self) {
        let background =
            std::mem::take(&mut *self.0.background.lock().unwrap_or_else(PoisonError::into_inner));
        for probing in background.probings {
            probing.stop().await;
        }
        if let Some(sweeping) = background.sweeping {
            sweeping.stop().await;
        }
        if let Some(embedded) = background.embedded {
            embedded.shutdown().await;
            tracing::info!("the embedded store has stopped");
        }
    }
}
