//! Owns the CORS configuration in answers, which comes from the options. It cannot be changed over S3.

use s3s::dto::{CORSRule, GetBucketCorsInput, GetBucketCorsOutput, PutBucketCorsInput, PutBucketCorsOutput};
use s3s::{S3Request, S3Response};

use super::Service;
use crate::cors;
use crate::errors::Error;
use crate::options::Origins;

pub(super) async fn get_bucket_cors(
    service: &Service,
    request: S3Request<GetBucketCorsInput>,
) -> Result<S3Response<GetBucketCorsOutput>, Error> {
    service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
    let allowed_origins = match &*service.origins {
        Origins::Any => vec!["*".to_owned()],
        Origins::List(list) if list.is_empty() => {
            return Err(Error::NotSet { code: "NoSuchCORSConfiguration", what: "the CORS configuration" });
        }
        Origins::List(list) => list.clone(),
    };
    let rule = CORSRule {
        allowed_headers: Some(vec!["*".to_owned()]),
        allowed_methods: cors::METHODS.iter().map(ToString::to_string).collect(),
        allowed_origins,
        expose_headers: Some(cors::exposed().iter().map(ToString::to_string).collect()),
        id: None,
        max_age_seconds: i32::try_from(cors::MAX_AGE.as_secs()).ok(),
    };
    Ok(S3Response::new(GetBucketCorsOutput { cors_rules: Some(vec![rule]) }))
}

pub(super) async fn put_bucket_cors(
    service: &Service,
    request: S3Request<PutBucketCorsInput>,
) -> Result<S3Response<PutBucketCorsOutput>, Error> {
    service.index.read(move |snapshot| snapshot.need_bucket(&request.input.bucket)).await?;
    Err(Error::NotImplemented(
        "the allowed origins are set by the store's configuration, for all buckets".to_owned(),
    ))
}
