//! Opens whatever holds the credentials for a place: this process for `s3://`, a Partway server for `pw:`.
//!
//! It owns the options that say how. It never knows what is done there.

use std::sync::Arc;

use clap::Args;
use partway_client::Control;
use partway_client::http::HttpClient;
use partway_s3::attributes::Attributes;
use partway_s3::terms::RequestTerms;
use partway_server::policy::Policy;

use crate::failed::NotBegun;
use crate::local::{Local, LocalSettings};
use crate::options::RequestArgs;
use crate::place::Place;
use crate::transfer::connection::{self, ConnectionArgs};

/// How places are reached.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AccessArgs {
    /// Profile of ~/.aws for s3:// [default: AWS_PROFILE, else "default"]
    #[arg(long, value_name = "NAME", help_heading = "S3")]
    pub(crate) profile: Option<String>,

    /// Region for s3:// [default: AWS_REGION, the profile's, else us-east-1; a bucket that is elsewhere is followed]
    #[arg(long, value_name = "NAME", help_heading = "S3")]
    pub(crate) region: Option<String>,

    /// Store for s3:// that is not AWS [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's]
    #[arg(long, value_name = "URL", help_heading = "S3")]
    pub(crate) endpoint_url: Option<String>,

    #[command(flatten)]
    pub(crate) request: RequestArgs,

    #[command(flatten, next_help_heading = "Partway server")]
    pub(crate) server: ConnectionArgs,
}

/// Whoever holds the credentials for a place.
#[derive(Clone)]
pub(crate) enum Access {
    /// This process.
    Local(Arc<Local>),
    /// A Partway server.
    Remote(Arc<dyn Control>),
}

impl Access {
    /// Returns the operations that both have.
    pub(crate) fn control(&self) -> Arc<dyn Control> {
        match self {
            Self::Local(local) => Arc::clone(local) as _,
            Self::Remote(remote) => Arc::clone(remote),
        }
    }
}

/// Opens a place to read, list and delete there.
///
/// # Errors
/// When it is on this machine, the options cannot be used, or there are no credentials.
pub(crate) async fn open(place: &Place, args: &AccessArgs) -> Result<Access, NotBegun> {
    open_to_write(place, args, Policy::default()).await
}

/// Opens a place; of the policy counts how objects are stored and files split, and for `s3://` alone.
///
/// # Errors
/// When it is on this machine, the options cannot be used, or there are no credentials.
pub(crate) async fn open_to_write(
    place: &Place,
    args: &AccessArgs,
    policy: Policy,
) -> Result<Access, NotBegun> {
    match place {
        Place::Bucket { bucket, .. } => {
            let terms = args.request.terms().map_err(NotBegun)?;
            let local = Local::new(LocalSettings {
                profile: args.profile.clone(),
                region: args.region.clone(),
                endpoint: args.endpoint_url.clone(),
                terms,
                policy,
            });
            local.open(bucket).await?;
            Ok(Access::Local(Arc::new(local)))
        }
        Place::Destination { .. } => {
            if policy.attributes != Attributes::default() {
                return Err(NotBegun(
                    "how objects are stored at a pw: place is for its server's settings to say; leave such options out".to_owned(),
                ));
            }
            if args.request.terms().map_err(NotBegun)? != RequestTerms::default() {
                return Err(NotBegun(
                    "--request-payer and --expected-bucket-owner are for s3:// places".to_owned(),
                ));
            }
            remote(args)
        }
        Place::Path(_) | Place::Pipe => {
            Err(NotBegun(format!("{place} is on this machine; write s3://bucket/key or pw:destination/key")))
        }
    }
}

/// The connections of a command that moves no bytes.
const CONNECTIONS: usize = 16;

/// Opens the Partway server. Asks it nothing.
fn remote(args: &AccessArgs) -> Result<Access, NotBegun> {
    let http = HttpClient::new(CONNECTIONS).map_err(|error| NotBegun(error.to_string()))?;
    let control = connection::remote(&args.server, &http).map_err(NotBegun)?;
    Ok(Access::Remote(Arc::new(control)))
}

/// Returns the name of a place's destination, and the key or prefix there.
///
/// # Errors
/// When it is on this machine.
pub(crate) fn object_of(place: &Place) -> Result<(Option<String>, String), NotBegun> {
    match place {
        Place::Bucket { bucket, key } => Ok((Some(bucket.clone()), key.clone())),
        Place::Destination { destination, key } => Ok((destination.clone(), key.clone())),
        Place::Path(_) | Place::Pipe => {
            Err(NotBegun(format!("{place} is on this machine; write s3://bucket/key or pw:destination/key")))
        }
    }
}
