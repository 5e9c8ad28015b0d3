//! Options that say how an object is stored, and what requests to its bucket say.
//!
//! It owns their names, which are S3's, and what is wrong with a value. It never knows which command they are of.

use std::collections::BTreeMap;
use std::time::SystemTime;

use clap::Args;
use jiff::Timestamp;
use partway_s3::attributes::{Attributes, Encryption, check_metadata, check_tags, check_value};
use partway_s3::terms::RequestTerms;
use partway_shared::part::ETag;
use partway_shared::wire::CreateCopy;

/// How objects are stored. What is not said is the bucket's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct ObjectArgs {
    /// Media type; a file's own by its name and its first bytes, unless said
    #[arg(long, visible_alias = "type", value_name = "TYPE", help_heading = "Stored objects")]
    pub(crate) content_type: Option<String>,

    /// Cache-Control of the object, such as `max-age=3600`
    #[arg(long, value_name = "VALUE", help_heading = "Stored objects")]
    pub(crate) cache_control: Option<String>,

    /// Content-Disposition of the object, such as `attachment; filename="a.txt"`
    #[arg(long, value_name = "VALUE", help_heading = "Stored objects")]
    pub(crate) content_disposition: Option<String>,

    /// Content-Encoding of the object, such as `gzip`; nothing is encoded for it
    #[arg(long, value_name = "VALUE", help_heading = "Stored objects")]
    pub(crate) content_encoding: Option<String>,

    /// Content-Language of the object, such as `de`
    #[arg(long, value_name = "VALUE", help_heading = "Stored objects")]
    pub(crate) content_language: Option<String>,

    /// Expires of the object: a time such as 2027-01-31T12:00:00Z, or an HTTP date. It removes nothing
    #[arg(long, value_name = "TIME", help_heading = "Stored objects")]
    pub(crate) expires_at: Option<String>,

    /// Metadata (x-amz-meta-NAME); may be given several times
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Stored objects")]
    pub(crate) metadata: Vec<String>,

    /// Tag; may be given up to ten times
    #[arg(long = "tag", value_name = "NAME=VALUE", help_heading = "Stored objects")]
    pub(crate) tags: Vec<String>,

    /// Storage class, such as STANDARD_IA, GLACIER or INTELLIGENT_TIERING
    #[arg(long, value_name = "CLASS", help_heading = "Stored objects")]
    pub(crate) storage_class: Option<String>,

    /// Where a website redirects requests for the object: /other, or a URL
    #[arg(long, value_name = "PLACE", help_heading = "Stored objects")]
    pub(crate) website_redirect: Option<String>,

    /// Never replace an object: fail where one has the key (If-None-Match: *)
    #[arg(long, help_heading = "Stored objects")]
    pub(crate) if_none_match: bool,

    /// Canned ACL, such as bucket-owner-full-control or public-read; most buckets accept none
    #[arg(long, value_name = "ACL", help_heading = "Access to stored objects")]
    pub(crate) acl: Option<String>,

    /// Who may read the object: id=…, uri=… or emailAddress=…, several with a comma between
    #[arg(long, value_name = "GRANTEE", help_heading = "Access to stored objects", conflicts_with = "acl")]
    pub(crate) grant_read: Option<String>,

    /// Who may read the object's ACL
    #[arg(long, value_name = "GRANTEE", help_heading = "Access to stored objects", conflicts_with = "acl")]
    pub(crate) grant_read_acp: Option<String>,

    /// Who may change the object's ACL
    #[arg(long, value_name = "GRANTEE", help_heading = "Access to stored objects", conflicts_with = "acl")]
    pub(crate) grant_write_acp: Option<String>,

    /// Who may do all three
    #[arg(long, value_name = "GRANTEE", help_heading = "Access to stored objects", conflicts_with = "acl")]
    pub(crate) grant_full_control: Option<String>,

    /// How the store encrypts objects: AES256, aws:kms or aws:kms:dsse
    #[arg(long, value_name = "KIND", help_heading = "Encryption", num_args = 0..=1, default_missing_value = "AES256",
        value_parser = ["AES256", "aws:kms", "aws:kms:dsse"])]
    pub(crate) sse: Option<String>,

    /// KMS key, with --sse aws:kms
    #[arg(long, value_name = "ID", help_heading = "Encryption", requires = "sse")]
    pub(crate) sse_kms_key_id: Option<String>,

    /// Context of the encryption with a KMS key; may be given several times
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Encryption", requires = "sse")]
    pub(crate) sse_kms_context: Vec<String>,

    /// Whether the bucket's own key stands between, which saves calls to KMS
    #[arg(long, value_name = "BOOL", help_heading = "Encryption", num_args = 0..=1, default_missing_value = "true", requires = "sse")]
    pub(crate) sse_bucket_key: Option<bool>,

    /// Until when nobody may delete the object's version: GOVERNANCE or COMPLIANCE
    #[arg(long, value_name = "MODE", help_heading = "Object lock", requires = "object_lock_until",
        value_parser = ["GOVERNANCE", "COMPLIANCE"])]
    pub(crate) object_lock_mode: Option<String>,

    /// The time until which it is locked, such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", help_heading = "Object lock", requires = "object_lock_mode")]
    pub(crate) object_lock_until: Option<Timestamp>,

    /// Whether a legal hold keeps the object's version
    #[arg(long, value_name = "ON|OFF", help_heading = "Object lock", ignore_case = true, value_parser = ["ON", "OFF"])]
    pub(crate) object_lock_legal_hold: Option<String>,
}

impl ObjectArgs {
    /// Returns the options that are given, by name. Who stores through a server has its operator decide what they say.
    pub(crate) fn owners_options(&self) -> Vec<&'static str> {
        let given = [
            ("--cache-control", self.cache_control.is_some()),
            ("--content-disposition", self.content_disposition.is_some()),
            ("--content-encoding", self.content_encoding.is_some()),
            ("--content-language", self.content_language.is_some()),
            ("--expires-at", self.expires_at.is_some()),
            ("--metadata", !self.metadata.is_empty()),
            ("--tag", !self.tags.is_empty()),
            ("--storage-class", self.storage_class.is_some()),
            ("--website-redirect", self.website_redirect.is_some()),
            ("--if-none-match", self.if_none_match),
            ("--acl", self.acl.is_some()),
            ("--grant-read", self.grant_read.is_some()),
            ("--grant-read-acp", self.grant_read_acp.is_some()),
            ("--grant-write-acp", self.grant_write_acp.is_some()),
            ("--grant-full-control", self.grant_full_control.is_some()),
            ("--sse", self.sse.is_some()),
            ("--object-lock-mode", self.object_lock_mode.is_some()),
            ("--object-lock-legal-hold", self.object_lock_legal_hold.is_some()),
        ];
        given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect()
    }

    /// Returns the attributes that objects get.
    ///
    /// # Errors
    /// Names the option whose value S3 would not take, and the rule.
    pub(crate) fn attributes(&self) -> Result<Attributes, String> {
        let metadata = pairs("--metadata", &self.metadata)?;
        // S3 keeps names in lower case.
        let metadata: BTreeMap<_, _> =
            metadata.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        check_metadata(&metadata).map_err(|why| format!("--metadata: {why}"))?;
        let tags = pairs("--tag", &self.tags)?;
        check_tags(&tags).map_err(|why| format!("--tag: {why}"))?;
        let encryption = self.sse.as_deref().map(|kind| match kind {
            "aws:kms" => Encryption::Kms,
            "aws:kms:dsse" => Encryption::KmsTwice,
            _ => Encryption::Aes256,
        });
        if encryption == Some(Encryption::Aes256) && self.sse_kms_key_id.is_some() {
            return Err("--sse-kms-key-id needs --sse aws:kms".to_owned());
        }
        Ok(Attributes {
            cache_control: value("--cache-control", self.cache_control.as_deref())?,
            content_disposition: value("--content-disposition", self.content_disposition.as_deref())?,
            content_encoding: value("--content-encoding", self.content_encoding.as_deref())?,
            content_language: value("--content-language", self.content_language.as_deref())?,
            expires: self.expires_at.as_deref().map(http_date).transpose()?,
            metadata,
            tags,
            storage_class: value("--storage-class", self.storage_class.as_deref())?,
            encryption,
            kms_key_id: value("--sse-kms-key-id", self.sse_kms_key_id.as_deref())?,
            acl: value("--acl", self.acl.as_deref())?,
            more: self.more()?,
            keeps_existing: self.if_none_match,
        })
    }

    fn more(&self) -> Result<BTreeMap<&'static str, String>, String> {
        let context = pairs("--sse-kms-context", &self.sse_kms_context)?;
        let context = (!context.is_empty()).then(|| serde_json::to_vec(&context)).transpose();
        let context = context.map_err(|error| format!("--sse-kms-context: {error}"))?;
        let context =
            context.map(|json| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, json));
        let of = |name: &'static str, option: &str, text: &Option<String>| {
            Ok::<_, String>(value(option, text.as_deref())?.map(|value| (name, value)))
        };
        let headers = [
            of("x-amz-website-redirect-location", "--website-redirect", &self.website_redirect)?,
            of("x-amz-grant-read", "--grant-read", &self.grant_read)?,
            of("x-amz-grant-read-acp", "--grant-read-acp", &self.grant_read_acp)?,
            of("x-amz-grant-write-acp", "--grant-write-acp", &self.grant_write_acp)?,
            of("x-amz-grant-full-control", "--grant-full-control", &self.grant_full_control)?,
            of("x-amz-object-lock-mode", "--object-lock-mode", &self.object_lock_mode)?,
            context.map(|context| ("x-amz-server-side-encryption-context", context)),
            (self.sse_bucket_key)
                .map(|used| ("x-amz-server-side-encryption-bucket-key-enabled", used.to_string())),
            (self.object_lock_until).map(|until| ("x-amz-object-lock-retain-until-date", until.to_string())),
            (self.object_lock_legal_hold.as_deref())
                .map(|hold| ("x-amz-object-lock-legal-hold", hold.to_ascii_uppercase())),
        ];
        Ok(headers.into_iter().flatten().collect())
    }
}

/// What a copy has of its object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct CopyArgs {
    /// Of a copy: whether it keeps the object's metadata and headers (COPY), to which what is given here is added, or has only what is given (REPLACE)
    #[arg(long, value_name = "HOW", help_heading = "Copies", ignore_case = true, value_parser = ["COPY", "REPLACE"])]
    pub(crate) metadata_directive: Option<String>,

    /// Of a copy: the same for its tags
    #[arg(long, value_name = "HOW", help_heading = "Copies", ignore_case = true, value_parser = ["COPY", "REPLACE"])]
    pub(crate) tagging_directive: Option<String>,

    /// Copy the object only if it has this ETag still
    #[arg(long, value_name = "ETAG", help_heading = "Copies")]
    pub(crate) copy_source_if_match: Option<String>,
}

impl CopyArgs {
    /// Says in a request to copy an object what is given here. The attributes of its destination are added to the copy's anyway.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the command that copies between buckets comes with its driver")
    )]
    pub(crate) fn apply(&self, request: &mut CreateCopy) {
        let replaces =
            |how: &Option<String>| how.as_deref().is_some_and(|how| how.eq_ignore_ascii_case("REPLACE"));
        if replaces(&self.metadata_directive) {
            request.metadata = Some(BTreeMap::new());
        }
        if replaces(&self.tagging_directive) {
            request.tags = Some(BTreeMap::new());
        }
        if let Some(etag) = &self.copy_source_if_match {
            request.from.etag = Some(ETag::new(etag));
        }
    }
}

/// What requests to a bucket say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct RequestArgs {
    /// Pay for the requests, as a bucket with requester pays demands
    #[arg(long, value_name = "WHO", help_heading = "S3", num_args = 0..=1, default_missing_value = "requester",
        value_parser = ["requester"])]
    pub(crate) request_payer: Option<String>,

    /// The id of the account that the bucket must belong to
    #[arg(long, value_name = "ID", help_heading = "S3")]
    pub(crate) expected_bucket_owner: Option<String>,
}

impl RequestArgs {
    /// Returns what requests say.
    ///
    /// # Errors
    /// Where the owner is no account's id.
    pub(crate) fn terms(&self) -> Result<RequestTerms, String> {
        let owner = self.expected_bucket_owner.clone();
        if owner.as_ref().is_some_and(|id| id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit())) {
            return Err(
                "--expected-bucket-owner: the id of an account has digits alone, such as 123456789012"
                    .to_owned(),
            );
        }
        Ok(RequestTerms { requester_pays: self.request_payer.is_some(), expected_owner: owner })
    }
}

fn pairs(option: &str, given: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    for text in given {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("{option} {text}: it is written NAME=VALUE"))?;
        if pairs.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("{option} {name} is given twice"));
        }
    }
    Ok(pairs)
}

fn value(option: &str, text: Option<&str>) -> Result<Option<String>, String> {
    let Some(text) = text else { return Ok(None) };
    check_value(text).map_err(|why| format!("{option}: {why}"))?;
    Ok(Some(text.to_owned()))
}

/// Returns an HTTP date.
fn http_date(text: &str) -> Result<String, String> {
    let at = match text.parse::<Timestamp>() {
        Ok(at) => SystemTime::from(at),
        Err(_) => httpdate::parse_http_date(text).map_err(|_| {
            format!("--expires-at {text}: it is no time such as 2027-01-31T12:00:00Z, nor an HTTP date")
        })?,
    };
    Ok(httpdate::fmt_http_date(at))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        object: ObjectArgs,
        #[command(flatten)]
        request: RequestArgs,
    }

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("x").chain(args.iter().copied()))
    }

    fn attributes(args: &[&str]) -> Result<Attributes, String> {
        parse(args).map_err(|error| error.to_string())?.object.attributes()
    }

    #[test]
    fn each_option_is_a_header() {
        let given = attributes(&[
            "--cache-control=no-store",
            "--content-disposition=inline",
            "--content-encoding=gzip",
            "--content-language=de",
            "--expires-at=2027-01-31T12:00:00Z",
            "--metadata=App=a b",
            "--tag=a=b=c",
            "--storage-class=STANDARD_IA",
            "--website-redirect=/x",
            "--if-none-match",
            "--grant-read=id=1",
            "--grant-full-control=id=2",
            "--sse=aws:kms",
            "--sse-kms-key-id=k",
            "--sse-kms-context=a=b",
            "--sse-bucket-key",
            "--object-lock-mode=GOVERNANCE",
            "--object-lock-until=2027-01-31T12:00:00Z",
            "--object-lock-legal-hold=on",
        ]);
        let headers: Vec<_> = given.unwrap().headers().into_iter().collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            headers,
            [
                ("cache-control", "no-store"),
                ("content-disposition", "inline"),
                ("content-encoding", "gzip"),
                ("content-language", "de"),
                ("expires", "Sun, 31 Jan 2027 12:00:00 GMT"),
                ("if-none-match", "*"),
                ("x-amz-grant-full-control", "id=2"),
                ("x-amz-grant-read", "id=1"),
                ("x-amz-meta-app", "a b"),
                ("x-amz-object-lock-legal-hold", "ON"),
                ("x-amz-object-lock-mode", "GOVERNANCE"),
                ("x-amz-object-lock-retain-until-date", "2027-01-31T12:00:00Z"),
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", "k"),
                ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
                ("x-amz-server-side-encryption-context", "eyJhIjoiYiJ9"),
                ("x-amz-storage-class", "STANDARD_IA"),
                ("x-amz-tagging", "a=b%3Dc"),
                ("x-amz-website-redirect-location", "/x"),
            ]
        );
    }

    #[test]
    fn what_s3_would_not_take_is_said() {
        for (args, said) in [
            (&["--metadata=a"][..], "NAME=VALUE"),
            (&["--metadata=a=ü"], "ASCII"),
            (&["--metadata=a=1", "--metadata=a=2"], "given twice"),
            (&["--tag=a=1|"], "characters"),
            (&["--expires-at=soon"], "no time"),
            (&["--cache-control="], "1 to 1,024"),
            (&["--sse=AES256", "--sse-kms-key-id=k"], "aws:kms"),
            (&["--sse-kms-key-id=k"], "--sse"),
            (&["--acl=private", "--grant-read=id=1"], "cannot be used"),
            (&["--object-lock-mode=GOVERNANCE"], "--object-lock-until"),
        ] {
            let error = attributes(args).unwrap_err();
            assert!(error.contains(said), "{args:?}: {error}");
        }
    }

    #[test]
    fn what_requests_say() {
        let terms = |args: &[&str]| parse(args).unwrap().request.terms();
        assert_eq!(terms(&[]).unwrap(), RequestTerms::default());
        let said = terms(&["--request-payer", "--expected-bucket-owner=123456789012"]).unwrap();
        assert!(said.requester_pays && said.expected_owner.as_deref() == Some("123456789012"));
        assert!(terms(&["--expected-bucket-owner=me"]).is_err());
    }

    #[test]
    fn what_the_owner_decides_is_named() {
        let given = parse(&["--type=text/plain", "--acl=private", "--metadata=a=b"]).unwrap();
        assert_eq!(given.object.owners_options(), ["--metadata", "--acl"]);
    }
}
