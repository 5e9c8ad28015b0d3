//! What is kept of a download beside its file, and whether the file still has what it tells of.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use partway_shared::checksum::PartHasher;
use partway_shared::download::{Partial, StoredRange};
use partway_shared::wire::ObjectName;
use serde::{Deserialize, Serialize};

/// The form of a record. One of another form is not read.
const FORM: u32 = 1;
/// Bytes that are read and compared at once.
const CHUNK: usize = 1 << 20;

/// A record, as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    form: u32,
    /// Who was asked for the object.
    scope: String,
    partial: Partial,
}

impl Record {
    pub(super) fn new(scope: &str, partial: Partial) -> Self {
        Self { form: FORM, scope: scope.to_owned(), partial }
    }

    /// Reads what is there of an object; `None` if that is nothing, or of another object.
    pub(super) fn read(path: &Path, scope: &str, object: &ObjectName) -> Option<Partial> {
        let record: Self = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        let is_of_it = record.form == FORM && record.scope == scope && record.partial.object == *object;
        is_of_it.then_some(record.partial)
    }

    /// Writes the record by renaming a draft, so that none is ever half written.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("draft");
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_data()
        });
        written.and_then(|()| std::fs::rename(&draft, path)).inspect_err(|_| {
            let _ = std::fs::remove_file(&draft);
        })
    }
}

/// Returns the ranges whose bytes are in the file: anybody may have written there.
pub(super) fn compare(file: &File, ranges: &[StoredRange]) -> Vec<StoredRange> {
    let mut buffer = vec![0; CHUNK];
    ranges.iter().copied().filter(|range| is_there(file, range, &mut buffer)).collect()
}

fn is_there(file: &File, range: &StoredRange, buffer: &mut [u8]) -> bool {
    let Some(mut hasher) = PartHasher::new(range.checksum.kind()) else { return false };
    let mut at = range.start;
    while at < range.end {
        let len = usize::try_from(range.end - at).map_or(CHUNK, |left| left.min(CHUNK));
        let Some(chunk) = buffer.get_mut(..len) else { return false };
        if file.read_exact_at(chunk, at).is_err() {
            return false;
        }
        hasher.update(chunk);
        at += len as u64;
    }
    hasher.finish() == range.checksum
}

#[cfg(test)]
mod tests {
    use partway_shared::checksum::Crc64Nvme;
    use partway_shared::part::ETag;

    use super::*;

    fn range(start: u64, bytes: &[u8]) -> StoredRange {
        StoredRange { start, end: start + bytes.len() as u64, checksum: Crc64Nvme::of(bytes).into() }
    }

    #[test]
    fn a_record_is_of_one_object() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".a.1.partway");
        let object = ObjectName { key: "a".to_owned(), ..ObjectName::default() };
        let partial =
            Partial { object: object.clone(), etag: ETag::new("e"), size: 9, ranges: vec![range(0, b"123")] };
        Record::new("here", partial.clone()).write(&path).unwrap();
        assert_eq!(Record::read(&path, "here", &object), Some(partial));
        assert_eq!(Record::read(&path, "there", &object), None);
        let other = ObjectName { key: "b".to_owned(), ..ObjectName::default() };
        assert_eq!(Record::read(&path, "here", &other), None);
        std::fs::write(&path, "{\"form\":1").unwrap();
        assert_eq!(Record::read(&path, "here", &object), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn ranges_that_differ_are_dropped() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"123456789").unwrap();
        let (same, other, beyond) = (range(0, b"1234"), range(4, b"5x"), range(8, b"90"));
        assert_eq!(compare(&file, &[same, other, beyond]), [same]);
    }
}
