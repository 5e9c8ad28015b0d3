//! The store within the binary, used as if it were another's.

use secrecy::ExposeSecret as _;

use super::{OTHER_BUCKET, Site};
use crate::support::TestApp;

pub(crate) struct Embedded {
    pub(crate) site: Site,
    _app: TestApp,
}

impl Embedded {
    pub(crate) async fn start() -> Self {
        let app = TestApp::start().await;
        app.store.create_bucket().bucket(OTHER_BUCKET).send().await.unwrap();
        let site = Site {
            endpoint: app.store_origin.clone(),
            access_key_id: partway_server::embedded_secrets::ACCESS_KEY_ID.to_owned(),
            secret_access_key: app.secret_access_key().expose_secret().to_owned(),
        };
        Self { site, _app: app }
    }
}
