//! What requests to a bucket say besides what they ask for: who pays, whose the bucket must be.
//!
//! It owns the names of these headers. It never knows what a request asks for.

/// Says who pays for a request.
const REQUEST_PAYER: &str = "x-amz-request-payer";
/// Says whose the bucket must be.
const EXPECTED_OWNER: &str = "x-amz-expected-bucket-owner";

/// What every request to a bucket says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestTerms {
    /// Whether the one who asks pays, as a bucket with requester pays demands.
    pub requester_pays: bool,
    /// The id of the account that the bucket must belong to; the store refuses a request to anybody else's.
    pub expected_owner: Option<String>,
}

impl RequestTerms {
    /// Returns them as headers, in the order of their names.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let owner = self.expected_owner.as_deref().map(|owner| (EXPECTED_OWNER, owner));
        owner.into_iter().chain(self.requester_pays.then_some((REQUEST_PAYER, "requester")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_said_in_order() {
        assert_eq!(RequestTerms::default().headers().next(), None);
        let terms = RequestTerms { requester_pays: true, expected_owner: Some("123456789012".to_owned()) };
        let headers: Vec<_> = terms.headers().collect();
        assert_eq!(headers, [(EXPECTED_OWNER, "123456789012"), (REQUEST_PAYER, "requester")]);
    }
}
