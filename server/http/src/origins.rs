//! The origins of pages that may call the server, as configured.

use url::Url;

/// The allowed origins, besides the server's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<Allowed>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    /// Exactly this origin; `null` is that of files and sandboxed frames.
    Exactly(String),
    /// All origins with this scheme and domain, with one or more labels before it.
    Below { scheme: String, domain: String },
}

impl AllowedOrigins {
    /// Parses origins such as `https://app.example.com`, `https://*.example.com` or `null`.
    ///
    /// # Errors
    /// The index of the first that is not valid, and why.
    pub fn parse(origins: &[String]) -> Result<Self, (usize, String)> {
        let origins = origins.iter().enumerate();
        let allowed =
            origins.map(|(index, origin)| Allowed::parse(origin).map_err(|why| (index, why.to_owned())));
        allowed.collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether pages of this origin, as a browser sends it, may call the server.
    #[must_use]
    pub fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed.allows(origin))
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "null" {
            return Ok(Self::Exactly(text.to_owned()));
        }
        if text == "*" {
            return Err(
                "with a star alone any page could upload in the name of its visitor; list the origins",
            );
        }
        // Read with a label in the place of the star, which has to be a whole one, and the first.
        let (sample, wild) = match text.split_once("://*.") {
            Some((scheme, domain)) => (format!("{scheme}://x.{domain}"), Some((scheme, domain))),
            None => (text.to_owned(), None),
        };
        let is_origin = Url::parse(&sample).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == sample
        });
        // A star before a top-level domain would stand for nearly everybody.
        let is_too_wide =
            wild.is_some_and(|(_, domain)| !domain.contains('.') && !domain.starts_with("localhost"));
        if !is_origin || is_too_wide || sample.contains('*') {
            return Err(
                "it is not an origin such as https://app.example.com (no path, no final slash, no port that is \
                        the scheme's own), https://*.example.com (a star for the first labels alone), or null",
            );
        }
        Ok(match wild {
            Some((scheme, domain)) => {
                Self::Below { scheme: format!("{scheme}://"), domain: format!(".{domain}") }
            }
            None => Self::Exactly(sample),
        })
    }

    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Exactly(allowed) => origin == allowed,
            Self::Below { scheme, domain } => {
                let labels =
                    origin.strip_prefix(scheme.as_str()).and_then(|rest| rest.strip_suffix(domain.as_str()));
                labels.is_some_and(|labels| labels.split('.').all(is_label))
            }
        }
    }
}

/// Returns whether this is a label of a host name (RFC 1123, section 2.1); underscores, which browsers accept, are
/// allowed.
fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(origin: &str) -> Result<AllowedOrigins, (usize, String)> {
        AllowedOrigins::parse(&[origin.to_owned()])
    }

    #[test]
    fn origins_are_allowed_to_the_letter() {
        let allowed = parse("https://app.example.com").unwrap();
        assert!(allowed.allow("https://app.example.com"));
        for other in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.test",
            "null",
            "",
        ] {
            assert!(!allowed.allow(other), "{other}");
        }
        assert!(parse("null").unwrap().allow("null") && !parse("null").unwrap().allow("https://null"));
    }

    #[test]
    fn a_star_stands_for_labels() {
        let allowed = parse("https://*.example.com:8443").unwrap();
        for origin in ["https://a.example.com:8443", "https://a.b-c.example.com:8443"] {
            assert!(allowed.allow(origin), "{origin}");
        }
        assert!(allowed.allow("https://partway-doctor.example.com:8443"));
        assert!(parse("http://*.localhost:3000").unwrap().allow("http://app.localhost:3000"));
        for origin in [
            "https://example.com:8443",
            "https://.example.com:8443",
            "https://evil.test/.example.com:8443",
            "https://evil.test#.example.com:8443",
            "https://a@b.example.com:8443",
            "https://evilexample.com:8443",
            "http://a.example.com:8443",
            "https://a.example.com",
        ] {
            assert!(!allowed.allow(origin), "{origin}");
        }
    }

    #[test]
    fn what_is_no_origin_says_so() {
        for bad in [
            "*",
            "https://*",
            "https://*.com",
            "https://a.*.com",
            "https://*.*.com",
            "https://*a.example.com",
            "*.example.com",
            "https://a.test/",
            "https://a.test/page",
            "https://a.test:443",
            "a.test",
            "file:///x",
            "ftp://a.test",
            "NULL",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
