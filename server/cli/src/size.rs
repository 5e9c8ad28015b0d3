//! Sizes, as people read and write them.

use bytesize::ByteSize;

/// Returns a size with a unit of 1,024s.
pub(crate) fn human(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// Parses a size: a number of bytes, or with a unit such as `5MiB` or `1.5 GB`.
///
/// # Errors
/// Says what it should be.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let size = text.parse::<ByteSize>();
    size.map(|size| size.as_u64()).map_err(|_| "it is no size such as 1500, 5MiB or 1.5GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_people_write_them() {
        assert_eq!(parse("1500"), Ok(1_500));
        assert_eq!(parse("5MiB"), Ok(5 << 20));
        assert!(parse("large").is_err());
        assert_eq!(human(1_536), "1.5 KiB");
    }
}
