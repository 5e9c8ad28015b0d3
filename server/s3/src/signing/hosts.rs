//! The host names at which browsers reach the bucket, used in turn.
//!
//! A browser opens six connections to a host name over HTTP/1.1, so a store with two names receives twelve parts at a
//! time.

use std::sync::atomic::{AtomicUsize, Ordering};

use partway_shared::part::PartNumber;

use super::address::{Address, AddressError};

/// One or more items, used in turn.
#[derive(Clone, Debug)]
pub(super) struct Turns<T> {
    first: T,
    others: Vec<T>,
}

impl<T> Turns<T> {
    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// Returns the item for this index, which may exceed the number of items.
    pub(super) fn at(&self, index: usize) -> &T {
        let turn = index % self.len();
        turn.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.first)
    }

    pub(super) fn of_part(&self, part: PartNumber) -> &T {
        self.at(part.index())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(super) fn map<U>(&self, change: impl Fn(&T) -> U) -> Turns<U> {
        Turns { first: change(&self.first), others: self.others.iter().map(change).collect() }
    }
}

/// The addresses of one bucket, which all lead to the same store.
#[derive(Debug)]
pub struct Hosts {
    addresses: Turns<Address>,
    /// The number of single PUTs that were signed.
    taken: AtomicUsize,
}

/// Why endpoints cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HostsError {
    /// The list is empty.
    #[error("there must be at least one")]
    None,
    /// One endpoint is not valid.
    #[error("number {}: {error}", index + 1)]
    Address {
        /// The index of the endpoint.
        index: usize,
        /// What is wrong with it.
        error: AddressError,
    },
    /// The endpoint at this index was given before.
    #[error("number {} is given twice", _0 + 1)]
    Twice(usize),
}

impl Hosts {
    /// Creates the addresses of a bucket at these endpoints: in their paths, or before their host names.
    ///
    /// # Errors
    /// When the list is empty, an endpoint is not `http(s)://host[:port][/path]`, or two are the same.
    pub fn new(endpoints: &[String], bucket: &str, path_style: bool) -> Result<Self, HostsError> {
        let mut addresses: Vec<Address> = Vec::with_capacity(endpoints.len());
        for (index, endpoint) in endpoints.iter().enumerate() {
            let address = Address::new(endpoint, bucket, path_style)
                .map_err(|error| HostsError::Address { index, error })?;
            if addresses.contains(&address) {
                return Err(HostsError::Twice(index));
            }
            addresses.push(address);
        }
        let mut addresses = addresses.into_iter();
        let first = addresses.next().ok_or(HostsError::None)?;
        Ok(Self { addresses: Turns { first, others: addresses.collect() }, taken: AtomicUsize::new(0) })
    }

    /// Returns the number of addresses.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.addresses.len()).unwrap_or(u32::MAX)
    }

    /// Returns the first address, which is the one that is shown and stored.
    #[must_use]
    pub fn first(&self) -> &Address {
        &self.addresses.first
    }

    /// Returns `https://host:port` of each address.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.addresses.iter().map(Address::origin)
    }

    /// Returns all addresses, for the parts of an upload: part `n` goes to the address at its index.
    pub(super) const fn all(&self) -> &Turns<Address> {
        &self.addresses
    }

    /// Returns the next address in turn, for a single PUT. A file that is signed again, because its host failed, goes
    /// to another one.
    pub(super) fn next(&self) -> &Address {
        self.addresses.at(self.taken.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(endpoints: &[&str]) -> Result<Hosts, HostsError> {
        let endpoints: Vec<_> = endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect();
        Hosts::new(&endpoints, "photos", true)
    }

    #[test]
    fn turns_come_round() {
        let three = hosts(&["http://a.test", "http://b.test:9000", "http://c.test"]).unwrap();
        assert_eq!(three.count(), 3);
        let taken: Vec<_> = (0..4).map(|_| three.next().host()).collect();
        assert_eq!(taken, ["a.test", "b.test:9000", "c.test", "a.test"]);
        let part = |number| three.all().of_part(PartNumber::new(number).unwrap()).host();
        assert_eq!([part(1), part(2), part(3), part(4)], ["a.test", "b.test:9000", "c.test", "a.test"]);
        let one = hosts(&["http://a.test"]).unwrap();
        assert_eq!((one.next(), one.next()), (one.first(), one.first()));
    }

    #[test]
    fn each_once_and_each_usable() {
        assert_eq!(hosts(&[]).unwrap_err(), HostsError::None);
        for twice in ["http://a.test", "http://A.test:80", "http://a.test/"] {
            assert_eq!(hosts(&["http://a.test", twice]).unwrap_err(), HostsError::Twice(1));
        }
        assert!(matches!(hosts(&["http://a.test", "b.test"]), Err(HostsError::Address { .. })));
        assert!(hosts(&["http://a.test", "https://a.test", "http://a.test:81"]).is_ok());
    }
}
