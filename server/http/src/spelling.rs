//! Suggests the name that was probably meant.

/// Returns the known name that is closest to a misspelt one, if any is close.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase().replace('-', "_");
    let known: Vec<_> = known.into_iter().collect();
    let similar = known.iter().map(|name| (strsim::jaro_winkler(&given, name), *name));
    let similar = similar.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|best| best.0 >= 0.8);
    // Short names: one letter too many, too few, another, or two in each other's place.
    let typed = || known.iter().copied().find(|name| strsim::osa_distance(&given, name) == 1);
    similar.map(|best| best.1).or_else(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognised() {
        assert_eq!(nearest("kye", ["store", "key", "acl"]), Some("key"));
        assert_eq!(nearest("max-size", ["key_prefix", "max_file_size"]), Some("max_file_size"));
    }
}
