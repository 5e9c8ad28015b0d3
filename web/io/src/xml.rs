//! What S3 says in a body.

/// Returns the text of an element of S3's documents, which have no attributes and no nesting here, and in which nothing but an
/// ETag's quotes is escaped.
#[must_use]
pub fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    Some(text.replace("&quot;", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_names() {
        let xml = "<Error><Code>SlowDown</Code><ETag>&quot;a&quot;</ETag></Error>";
        assert_eq!(element(xml, "Code").as_deref(), Some("SlowDown"));
        assert_eq!(element(xml, "ETag").as_deref(), Some("\"a\""));
        assert_eq!(element(xml, "Message"), None);
    }
}
