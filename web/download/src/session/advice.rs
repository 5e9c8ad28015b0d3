//! Why a file cannot be written, and what to do about it, by the name of what the browser has thrown.

/// Returns what to tell of an error with this name and message.
pub(crate) fn advice(name: &str, message: &str) -> String {
    let known = match name {
        "QuotaExceededError" => "there is no room left for it: free some space on the disk, then try again",
        "NotAllowedError" | "SecurityError" => {
            "writing to it is not permitted any more: allow it in the browser, or choose a file again"
        }
        "NotFoundError" => "it was moved or deleted meanwhile: choose a file again",
        "NoModificationAllowedError" => {
            "another tab or another download is writing to it: let that finish or close it, then try again"
        }
        _ => return format!("the browser says: {message}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_has_advice_and_the_rest_its_own_words() {
        for name in ["QuotaExceededError", "NotAllowedError", "NotFoundError", "NoModificationAllowedError"] {
            let text = advice(name, "x");
            assert!(text.contains(": ") && !text.contains("browser says"), "{text}");
        }
        assert_eq!(advice("AbortError", "scanned"), "the browser says: scanned");
    }
}
