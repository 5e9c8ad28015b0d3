//! The address of a bucket: scheme, host and path.

use url::Url;

use super::encode;

/// The address of a bucket, as a browser reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `https://host:port`.
    origin: String,
    /// `host:port`, as it stands in the `Host` header.
    host: String,
    /// The path before the key: `/` or `/bucket/`, after the endpoint's own path.
    base: String,
    bucket: String,
    /// The URL to which forms are sent.
    bucket_url: String,
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// It is not a URL.
    #[error("it is not a URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// Its scheme is neither `http` nor `https`.
    #[error("its scheme must be http or https")]
    Scheme,
    /// It has no host.
    #[error("it has no host")]
    NoHost,
    /// It has a query, a fragment or a user.
    #[error("it must have only scheme, host, port and path")]
    NotPlain,
    /// Its path would not arrive as it was signed.
    #[error("its path must have plain segments: letters, digits and -._~, none of them empty, . or ..")]
    Path,
}

impl Address {
    /// Creates the address of a bucket at this endpoint: in its path, or before its host name. The endpoint's own
    /// path becomes a part of what is signed, for stores and proxies that serve S3 below a path
    /// (`https://example.supabase.co/storage/v1/s3`).
    ///
    /// # Errors
    /// When the endpoint is not `http(s)://host[:port][/path]`.
    pub fn new(endpoint: &str, bucket: &str, path_style: bool) -> Result<Self, AddressError> {
        let url = Url::parse(endpoint)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme);
        }
        let host = url.host_str().ok_or(AddressError::NoHost)?;
        let is_plain = url.query().is_none() && url.fragment().is_none();
        if !is_plain || !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::NotPlain);
        }
        let below = path(endpoint, &url)?;
        let host = if path_style { host.to_owned() } else { format!("{bucket}.{host}") };
        // `port` is none where it is the scheme's own, which clients leave out of `Host` as well.
        let host = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let base =
            if path_style { format!("{below}/{}/", encode::value(bucket)) } else { format!("{below}/") };
        let origin = format!("{}://{host}", url.scheme());
        // With the slash that a path of nothing has, and without one behind a bucket.
        let path = if path_style { base.trim_end_matches('/') } else { base.as_str() };
        let bucket_url = format!("{origin}{path}");
        Ok(Self { origin, host, base, bucket: bucket.to_owned(), bucket_url })
    }

    /// Returns `https://host:port`, without a path.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns `host:port`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns the bucket's URL, to which forms are sent.
    #[must_use]
    pub fn bucket_url(&self) -> &str {
        &self.bucket_url
    }

    /// Returns the path of an object, percent-encoded.
    #[must_use]
    pub fn path(&self, key: &str) -> String {
        format!("{}{}", self.base, encode::path(key))
    }

    /// Returns the unsigned URL of an object.
    #[must_use]
    pub fn location(&self, key: &str) -> String {
        format!("{}{}", self.origin, self.path(key))
    }
}

/// Returns the endpoint's path without a slash at its end. It must be written as it is signed: what parsing a URL
/// corrects would hide the mistake.
fn path<'a>(endpoint: &str, url: &'a Url) -> Result<&'a str, AddressError> {
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    let is_plain = |segment: &str| {
        let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        !matches!(segment, "" | "." | "..") && segment.bytes().all(is_unreserved)
    };
    let (_, behind_scheme) = endpoint.split_once("://").unwrap_or_default();
    let written = behind_scheme.find('/').map_or("", |slash| &behind_scheme[slash..]);
    let is_as_written = written.strip_suffix('/').unwrap_or(written) == path;
    if is_as_written && path.split('/').skip(1).all(is_plain) { Ok(path) } else { Err(AddressError::Path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_style_and_virtual_hosts() {
        let path = Address::new("http://127.0.0.1:9000", "photos", true).unwrap();
        assert_eq!(path.location("a b/ü"), "http://127.0.0.1:9000/photos/a%20b/%C3%BC");
        let host = Address::new("https://s3.eu-west-1.amazonaws.com", "photos", false).unwrap();
        assert_eq!(host.location("x"), "https://photos.s3.eu-west-1.amazonaws.com/x");
        assert_eq!(path.bucket_url(), "http://127.0.0.1:9000/photos");
        assert_eq!(host.bucket_url(), "https://photos.s3.eu-west-1.amazonaws.com/");
        assert_eq!(host.host(), "photos.s3.eu-west-1.amazonaws.com");
        assert_eq!(Address::new("https://s3.test:443/", "b", true).unwrap().host(), "s3.test");
    }

    #[test]
    fn an_endpoint_may_have_a_path() {
        for endpoint in ["https://x.supabase.co/storage/v1/s3", "https://x.supabase.co/storage/v1/s3/"] {
            let path = Address::new(endpoint, "photos", true).unwrap();
            assert_eq!(path.location("a b"), "https://x.supabase.co/storage/v1/s3/photos/a%20b");
            assert_eq!(path.bucket_url(), "https://x.supabase.co/storage/v1/s3/photos");
            assert_eq!(path.origin(), "https://x.supabase.co");
        }
        let host = Address::new("http://s3.test:9000/below", "photos", false).unwrap();
        assert_eq!(host.location("x"), "http://photos.s3.test:9000/below/x");
        assert_eq!(host.bucket_url(), "http://photos.s3.test:9000/below/");
    }

    #[test]
    fn what_cannot_be_signed_for_is_refused() {
        for bad in
            ["", "s3.test", "ftp://s3.test", "http://u:p@s3.test", "http://s3.test?x", "http://s3.test//x"]
        {
            assert!(Address::new(bad, "b", true).is_err(), "{bad}");
        }
        for bad in ["http://s3.test/a/../b", "http://s3.test/a%2fb", "http://s3.test/a b", "http://s3.test/ü"]
        {
            assert_eq!(Address::new(bad, "b", true), Err(AddressError::Path), "{bad}");
        }
    }
}
