//! Owns HTML form uploads (POST policies). The protocol layer has checked the policy, its conditions and its
//! signature; what is left is a put, and two fields that it ignores: `acl` and `tagging`.

use http::{HeaderName, HeaderValue, header};
use s3s::dto::{PostObjectInput, PostObjectOutput, PutObjectInput};
use s3s::{S3Request, S3Response};

use super::{Service, acl, puts, tagging};
use crate::errors::Error;
use crate::keys;
use crate::seen::FormHead;

pub(super) async fn post_object(
    service: &Service,
    request: S3Request<PostObjectInput>,
) -> Result<S3Response<PostObjectOutput>, Error> {
    if request.input.key.is_empty() {
        return Err(Error::InvalidArgument("the form's key is empty".to_owned()));
    }
    let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let head = request.extensions.get::<FormHead>().cloned().unwrap_or_default();
    acl::check(head.field("acl", &content_type).as_deref(), false)?;
    let mut request = request;
    if let Some(tags) = head.field("tagging", &content_type) {
        request.input.tagging = tagging::from_xml(&tags)?;
    }
    let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let location = format!("http://{host}/{}/{}", request.input.bucket, keys::url_encode(&request.input.key));
    let redirects = request.input.success_action_redirect.is_some();
    let mut answer = puts::put_object(service, request.map_input(as_put)).await?;
    let etag = answer.output.e_tag.as_ref().and_then(|etag| etag.to_http_header().ok());
    answer.headers.extend(etag.map(|etag| (header::ETAG, etag)));
    let encryption =
        answer.output.server_side_encryption.as_ref().map(s3s::dto::ServerSideEncryption::as_str);
    let encryption = encryption.and_then(|name| HeaderValue::from_str(name).ok());
    answer
        .headers
        .extend(encryption.map(|name| (HeaderName::from_static("x-amz-server-side-encryption"), name)));
    if !redirects {
        answer
            .headers
            .extend(HeaderValue::from_str(&location).ok().map(|location| (header::LOCATION, location)));
    }
    Ok(answer.map_output(|put| PostObjectOutput { e_tag: put.e_tag, ..Default::default() }))
}

/// Converts a form's fields to those of a PutObject.
fn as_put(form: PostObjectInput) -> PutObjectInput {
    macro_rules! same {
        ($($field:ident)*) => { PutObjectInput { $($field: form.$field,)* ..Default::default() } };
    }
    same! {
        body bucket key acl
        server_side_encryption ssekms_key_id sse_customer_algorithm sse_customer_key
        object_lock_mode object_lock_legal_hold_status object_lock_retain_until_date
        grant_full_control grant_read grant_read_acp grant_write_acp
        cache_control content_disposition content_encoding content_language content_length content_md5 content_type
        checksum_algorithm checksum_crc32 checksum_crc32c checksum_crc64nvme checksum_sha1 checksum_sha256
        checksum_sha512 checksum_md5 checksum_xxhash64 checksum_xxhash3 checksum_xxhash128
        expires if_match if_none_match metadata storage_class tagging website_redirect_location
    }
}
