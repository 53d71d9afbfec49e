//! A first look at a file that no demuxer could open: is it a container at all, and is all of it
//! there?

use std::io::{self, Read, Seek, SeekFrom};

/// What the outermost structure of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing that is known.
    Unknown,
    /// A container that states no length, or all of whose stated length is there.
    Whole,
    /// A container that states to be longer than the file.
    Overruns,
    /// A WAV file whose writer could not seek back to state its length (`sox ... -t wav -`,
    /// `ffmpeg -f wav -`, a recorder that was killed): what it states means nothing.
    Open,
}

/// From here on a WAV file's length means "unknown": sox writes just under 2 GiB, others 4 GiB.
const OPEN: u64 = 0x7FFF_0000;

/// Looks at `source` of `length` bytes, and rewinds it.
///
/// # Errors
/// What reading and seeking gives.
pub(super) fn shape<S: Read + Seek>(source: &mut S, length: u64) -> io::Result<Shape> {
    let mut head = Vec::new();
    source.by_ref().take(64).read_to_end(&mut head)?;
    let four = |at: usize| -> Option<[u8; 4]> { head.get(at..at + 4)?.try_into().ok() };
    let stated = match four(0).unwrap_or_default() {
        _ if four(4) == Some(*b"ftyp") => Some(boxes_end(source, length)?),
        [b'R', b'I', b'F', b'F'] => four(4).map(u32::from_le_bytes).map(riff_end),
        [b'F', b'O', b'R', b'M'] => four(4).map(u32::from_be_bytes).map(riff_end),
        [0x1A, 0x45, 0xDF, 0xA3] => segment_end(&head),
        [b'f', b'L', b'a', b'C'] | [b'O', b'g', b'g', b'S'] | [b'c', b'a', b'f', b'f'] => None,
        _ => {
            source.rewind()?;
            return Ok(Shape::Unknown);
        }
    };
    source.rewind()?;
    let overruns = stated.is_some_and(|end| end > length);
    let open = head.starts_with(b"RIFF") && stated.is_some_and(|end| end >= OPEN);
    Ok(match (overruns, open) {
        (true, true) => Shape::Open,
        (true, false) => Shape::Overruns,
        (false, _) => Shape::Whole,
    })
}

fn riff_end(size: u32) -> u64 {
    8 + u64::from(size)
}

/// Where the last top-level box of an MP4 file ends.
fn boxes_end<S: Read + Seek>(source: &mut S, length: u64) -> io::Result<u64> {
    let mut at = 0;
    while at + 8 <= length {
        let mut head = [0; 16];
        source.seek(SeekFrom::Start(at))?;
        let wide = at + 16 <= length;
        source.read_exact(&mut head[..if wide { 16 } else { 8 }])?;
        let (size, large) = head.split_at(8);
        let size = match size {
            // To the end of the file.
            [0, 0, 0, 0, ..] => return Ok(length),
            // In 64 bits.
            [0, 0, 0, 1, ..] => large.iter().fold(0, |size, byte| size << 8 | u64::from(*byte)),
            size => size[..4].iter().fold(0, |size, byte| size << 8 | u64::from(*byte)),
        };
        at = at.saturating_add(size.max(8));
    }
    Ok(at)
}

/// Where the segment of a Matroska file ends, from the file's first bytes; `None` if it is open.
fn segment_end(head: &[u8]) -> Option<u64> {
    let (size, width) = ebml_size(head.get(4..)?)?;
    let segment = 4 + width + usize::try_from(size).ok()?;
    if head.get(segment..segment + 4)? != [0x18, 0x53, 0x80, 0x67] {
        return None;
    }
    let (size, width) = ebml_size(head.get(segment + 4..)?)?;
    let open = size == (1_u64 << (7 * width)) - 1;
    let begin = (segment + 4 + width) as u64;
    (!open).then(|| begin.saturating_add(size))
}

/// A size in EBML's variable width, and its width in bytes.
fn ebml_size(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() as usize + 1;
    if width > 8 {
        return None;
    }
    let rest = bytes.get(1..width)?;
    let first = u64::from(first) & ((1 << (8 - width)) - 1);
    Some((rest.iter().fold(first, |size, byte| size << 8 | u64::from(*byte)), width))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn shape_of(bytes: &[u8]) -> Shape {
        shape(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    #[test]
    fn lengths_are_compared_with_the_file() {
        assert_eq!(shape_of(b"hello, world"), Shape::Unknown);
        assert_eq!(shape_of(b""), Shape::Unknown);
        assert_eq!(shape_of(b"RIFF\x04\0\0\0WAVE"), Shape::Whole);
        assert_eq!(shape_of(b"RIFF\x05\0\0\0WAVE"), Shape::Overruns);
        assert_eq!(shape_of(b"RIFF\xFF\xFF\xFF\xFFWAVE"), Shape::Open);
        assert_eq!(shape_of(b"FORM\0\0\0\x05AIFF"), Shape::Overruns);
        assert_eq!(shape_of(b"\0\0\0\x0Cftypisom\0\0\0\x08free"), Shape::Whole);
        assert_eq!(shape_of(b"\0\0\0\x0Cftypisom\0\0\0\x09free"), Shape::Overruns);
        assert_eq!(shape_of(b"\0\0\0\x0Cftypisom\0\0\0\0mdat12345"), Shape::Whole);
        let segment = b"\x1A\x45\xDF\xA3\x82ab\x18\x53\x80\x67";
        assert_eq!(shape_of(&[&segment[..], b"\x83abc"].concat()), Shape::Whole);
        assert_eq!(shape_of(&[&segment[..], b"\x40\x04abc"].concat()), Shape::Overruns);
        assert_eq!(shape_of(&[&segment[..], b"\xFF"].concat()), Shape::Whole);
        assert_eq!(
            shape_of(&[&segment[..], b"\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF"].concat()),
            Shape::Whole
        );
    }
}
