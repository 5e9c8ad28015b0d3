//! POST policies: forms that upload one object and nothing else.
//!
//! A page may POST a form to another origin without a preflight, but not a PUT: for small files that halves the round
//! trips. The policy's conditions cover what a URL's signature covers: each field exactly, and a length range of one
//! value.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html>

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use partway_shared::checksum::Checksum;

use super::CRC64_NVME;
use super::presigner::{Presigner, PutTerms};

/// A signed form: where to POST it, and the fields that come before the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedForm {
    /// The bucket's URL.
    pub url: String,
    /// The fields, which must all be sent unchanged.
    pub fields: BTreeMap<String, String>,
}

impl Presigner<'_> {
    /// Signs a form for a whole object. Returns `None` for a key that S3 would change, or attributes that a form
    /// cannot express.
    ///
    /// S3 replaces `${filename}` in the key by the name of the form's file, and has no escape for it.
    #[must_use]
    pub fn form(&self, key: &str, terms: &PutTerms<'_>) -> Option<SignedForm> {
        if key.contains("${filename}") {
            return None;
        }
        let mut fields = terms.attributes.fields()?;
        let mut field = |name: &str, value: &str| {
            fields.insert(name.to_owned(), value.to_owned());
        };
        field("key", key);
        if let Some(content_type) = terms.content_type {
            field("Content-Type", content_type);
        }
        if let Some(content_disposition) = terms.content_disposition {
            field("Content-Disposition", content_disposition);
        }
        match terms.checksum {
            Some(Checksum::Crc64Nvme(checksum)) => {
                field("x-amz-checksum-algorithm", "CRC64NVME");
                field(CRC64_NVME, &String::from(checksum));
            }
            Some(checksum @ Checksum::Md5(_)) => field("Content-MD5", &String::from(checksum)),
            None => {}
        }
        // The answer has the ETag in its body then, for pages that may not read the header.
        field("success_action_status", "201");
        Some(self.sign_form(fields, &BTreeMap::new(), terms.content_length..=terms.content_length))
    }

    /// Signs a form for any file of this size, in bytes. It has these fields exactly, and those of `prefixes` with whatever begins
    /// like this; one that is among the fields, too, is sent with that value.
    #[must_use]
    pub fn sign_form(
        &self,
        mut fields: BTreeMap<String, String>,
        prefixes: &BTreeMap<String, String>,
        size: RangeInclusive<u64>,
    ) -> SignedForm {
        let mut field = |name: &str, value: &str| {
            fields.insert(name.to_owned(), value.to_owned());
        };
        field("x-amz-algorithm", "AWS4-HMAC-SHA256");
        field("x-amz-credential", &self.credential);
        field("x-amz-date", &self.time.date_time);
        if let Some(token) = &self.session_token {
            field("x-amz-security-token", token);
        }
        let address = self.hosts.next();
        let policy = STANDARD.encode(self.policy(address.bucket(), size, &fields, prefixes));
        let signature = self.key.sign_policy(&policy);
        fields.insert("x-amz-signature".to_owned(), String::from_utf8_lossy(&signature).into_owned());
        fields.insert("policy".to_owned(), policy);
        SignedForm { url: address.bucket_url().to_owned(), fields }
    }

    /// Writes the policy's JSON: the bucket, the length and each field, exactly or by its beginning.
    fn policy(
        &self,
        bucket: &str,
        size: RangeInclusive<u64>,
        fields: &BTreeMap<String, String>,
        prefixes: &BTreeMap<String, String>,
    ) -> String {
        let mut policy = String::with_capacity(1_024);
        // Writing to a string does not fail.
        let _ = write!(policy, r#"{{"expiration":"{}","conditions":[{{"bucket":"#, self.expiration());
        quote(&mut policy, bucket);
        let _ = write!(policy, r#"}},["content-length-range",{},{}]"#, size.start(), size.end());
        for (name, prefix) in prefixes {
            policy.push_str(r#",["starts-with","#);
            // The name of a condition begins with a dollar sign, and is no variable.
            quote(&mut policy, &format!("${name}"));
            policy.push(',');
            quote(&mut policy, prefix);
            policy.push(']');
        }
        for (name, value) in fields.iter().filter(|(name, _)| !prefixes.contains_key(*name)) {
            policy.push_str(",{");
            quote(&mut policy, name);
            policy.push(':');
            quote(&mut policy, value);
            policy.push('}');
        }
        policy.push_str("]}");
        policy
    }
}

/// Writes a JSON string in ASCII. A dollar sign, which begins a variable in a policy, is escaped too.
fn quote(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        if matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '$') {
            json.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(json, "\\u{unit:04x}");
            }
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn any_text_reads_back(text in any::<String>()) {
            let mut json = String::new();
            quote(&mut json, &text);
            prop_assert!(json.is_ascii() && !json.contains('$'), "{}", json);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
