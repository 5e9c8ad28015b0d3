//! Where a browser finds an object's bytes: for links, images and players, which can follow a redirect and nothing else.

use std::time::Instant;

use partway_shared::error::Problem;
use partway_shared::wire::{Disposition, ObjectInfo, Operation, ReadMethod, ResponseHeaders, SignedObject};
use serde::Deserialize;

use crate::caller::{Caller, Subject};

use super::access::{Named, Place, Reached};
use super::sign::{Templates, Wanted};
use super::{Objects, outcome};

/// Which object, and what the answer should say of it, as a query.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContentParams {
    /// The destination that it is in; none is the server's default.
    pub destination: Option<String>,
    /// Its key.
    pub key: String,
    /// Its version; none is the current one.
    pub version_id: Option<String>,
    /// The file name, as the user will see it. Alone, it makes an attachment.
    pub filename: Option<String>,
    /// Whether to download or to show it.
    pub disposition: Option<Disposition>,
    /// The media type, instead of the one that is stored.
    #[serde(rename = "type")]
    pub content_type: Option<String>,
}

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// A URL, signed for one method.
    pub url: String,
    /// Seconds for which it is valid.
    pub expires_in: u64,
    /// The object.
    pub object: ObjectInfo,
}

impl Objects {
    /// Returns where the object's bytes are.
    ///
    /// # Errors
    /// When the caller may not read it, or it does not exist.
    pub async fn content(
        &self,
        caller: &Caller,
        method: ReadMethod,
        params: &ContentParams,
    ) -> Result<Content, Problem> {
        let named = Named {
            destination: params.destination.as_deref(),
            key: &params.key,
            version_id: params.version_id.as_deref(),
        };
        let reached = self.reach_alone(caller, Operation::Get, named).await?;
        let response = ResponseHeaders {
            filename: params.filename.clone(),
            disposition: params.disposition,
            content_type: params.content_type.clone(),
            ..ResponseHeaders::default()
        };
        let content = self.lead(&caller.subject, reached, method, &response, None).await;
        reached.destination.metrics.objects("content", outcome(&content), 1);
        content
    }

    /// Signs for one object that can be read now.
    pub(super) async fn lead(
        &self,
        subject: &Subject,
        reached: Reached<'_>,
        method: ReadMethod,
        response: &ResponseHeaders,
        expires_in: Option<u64>,
    ) -> Result<Content, Problem> {
        let object = self.look_to_read(subject, &reached, method).await?;
        let (begun, mut templates) = (Instant::now(), Templates::default());
        let wanted = Wanted { method, response, expires_in };
        let SignedObject { url, expires_in, .. } =
            templates.sign(reached, wanted, Some(object.clone()), Place::Alone).await?;
        templates.record(begun);
        Ok(Content { url, expires_in, object })
    }
}
