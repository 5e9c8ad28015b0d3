//! Bytes of files between disk and network: so many and no more, in buffers that are used again.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Bytes that are read, hashed and sent at once: some four milliseconds of a disk, and few enough to stay in the processor's cache.
pub(super) const CHUNK: usize = 256 * 1024;

/// All memory for bytes of files.
#[derive(Debug)]
pub(super) struct Memory {
    most: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are promised.
    used: u64,
    /// Buffers that nobody uses.
    free: Vec<Box<[u8]>>,
}

/// Bytes of a part that wait to be sent, and to be sent again.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) chunks: Vec<Bytes>,
    _room: Option<Room>,
}

/// Room for so many bytes. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Room {
    memory: Arc<Memory>,
    bytes: u64,
}

/// A buffer. Dropping it lets another use it.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Arc<Memory>,
    bytes: Box<[u8]>,
    len: usize,
}

impl Memory {
    pub(super) fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default() })
    }

    /// Takes room for so many bytes, if there is any.
    pub(super) fn room(self: &Arc<Self>, bytes: u64) -> Option<Room> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let used = state.used.checked_add(bytes).filter(|&used| used <= self.most)?;
        state.used = used;
        Some(Room { memory: Arc::clone(self), bytes })
    }

    /// Returns a buffer of [`CHUNK`] bytes, of which the first `len` count.
    pub(super) fn buffer(self: &Arc<Self>, len: usize) -> Buffer {
        let free = self.state.lock().unwrap_or_else(PoisonError::into_inner).free.pop();
        let bytes = free.unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice());
        Buffer { memory: Arc::clone(self), bytes, len: len.min(CHUNK) }
    }
}

impl Room {
    /// Holds what was read.
    pub(super) fn hold(self, chunks: Vec<Bytes>) -> Held {
        Held { chunks, _room: Some(self) }
    }
}

impl Held {
    /// Holds what is kept elsewhere.
    pub(super) fn elsewhere(chunks: Vec<Bytes>) -> Self {
        Self { chunks, _room: None }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.memory.state.lock().unwrap_or_else(PoisonError::into_inner).used -= self.bytes;
    }
}

impl Buffer {
    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }

    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.memory.state.lock().unwrap_or_else(PoisonError::into_inner).free.push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_so_much_room_and_no_more() {
        let memory = Memory::new(10);
        let six = memory.room(6).unwrap();
        assert!(memory.room(5).is_none());
        let held = six.hold(vec![memory.buffer(3).into_bytes()]);
        assert!(memory.room(5).is_none());
        drop(held);
        assert!(memory.room(10).is_some() && memory.room(u64::MAX).is_none());
    }

    #[test]
    fn buffers_are_used_again() {
        let memory = Memory::new(0);
        let mut buffer = memory.buffer(2);
        buffer.as_mut().copy_from_slice(b"ab");
        let at = buffer.bytes.as_ptr();
        let bytes = buffer.into_bytes();
        let tail = bytes.slice(1..);
        drop(bytes);
        assert_eq!(tail.as_ref(), b"b");
        drop(tail);
        assert_eq!(memory.buffer(1).bytes.as_ptr(), at);
    }
}
