//! WAV files whose writer could not seek back to state their length.
//!
//! `ffmpeg -f wav -`, `sox ... -t wav -` and recorders that were killed leave 0xFFFF_FFFF, or a
//! number just under 2 GiB or 4 GiB, where the number of data bytes belongs. The demuxer would
//! lose the last packet of such a file; stating the true length first loses nothing.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// From here on a stated length means "unknown": sox writes 0x7FFF_F000 less its header.
const UNKNOWN: u32 = 0x7FFF_0000;

/// A source with four of its bytes replaced.
pub(super) struct Patched<S> {
    inner: S,
    position: u64,
    at: u64,
    bytes: [u8; 4],
}

/// Rewinds `source` of `length` bytes, with the true length of the data chunk stated where it is
/// a WAV file that does not know it.
///
/// # Errors
/// What reading and seeking gives.
pub(super) fn with_true_length<S: MediaSource>(
    mut source: S,
    length: u64,
) -> io::Result<Patched<S>> {
    let patch = unknown_length(&mut source, length)?;
    source.seek(SeekFrom::Start(0))?;
    let (at, bytes) = patch.unwrap_or((u64::MAX, [0; 4]));
    Ok(Patched { inner: source, position: 0, at, bytes })
}

/// Where the data chunk states an unknown length, and what belongs there.
fn unknown_length<S: Read + Seek>(
    source: &mut S,
    length: u64,
) -> io::Result<Option<(u64, [u8; 4])>> {
    let mut head = [0; 12];
    if length < 20 {
        return Ok(None);
    }
    source.read_exact(&mut head)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
        return Ok(None);
    }
    let mut at = 12_u64;
    while at + 8 <= length {
        source.seek(SeekFrom::Start(at))?;
        let mut chunk = [0; 8];
        source.read_exact(&mut chunk)?;
        let size = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let body = at + 8;
        if &chunk[..4] == b"data" {
            let rest = length - body;
            let unknown = size >= UNKNOWN && u64::from(size) > rest;
            let stated = u32::try_from(rest).unwrap_or(u32::MAX);
            return Ok(unknown.then(|| (at + 4, stated.to_le_bytes())));
        }
        at = body + u64::from(size) + u64::from(size & 1);
    }
    Ok(None)
}

impl<S: Read> Read for Patched<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for (offset, byte) in self.bytes.iter().enumerate() {
            let target = self.at.saturating_add(offset as u64);
            if let Some(index) = target.checked_sub(self.position)
                && index < count as u64
            {
                buffer[index as usize] = *byte;
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl<S: Seek> Seek for Patched<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

impl<S: MediaSource> MediaSource for Patched<S> {
    fn is_seekable(&self) -> bool {
        self.inner.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.inner.byte_len()
    }
}
