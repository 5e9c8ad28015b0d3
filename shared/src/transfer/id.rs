//! What files, pieces of work and the store's hosts are called.

/// A file that a machine was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A piece of work under way. Its outcome is reported under this name, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// A host name of the store: all of a URL before its path, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostId(u32);

impl HostId {
    pub(crate) fn of(url: &str) -> Self {
        let origin = url.splitn(4, '/').take(3).flat_map(str::bytes);
        // FNV-1a. Two hosts taken for one would only share their connections.
        Self(origin.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_comes_before_the_path() {
        let host = HostId::of("https://a.test:9000/bucket/key?partNumber=1");
        assert_eq!(host, HostId::of("https://a.test:9000/other"));
        assert_ne!(host, HostId::of("https://b.test:9000/bucket/key?partNumber=1"));
        assert_ne!(host, HostId::of("https://a.test/bucket/key?partNumber=1"));
    }
}
