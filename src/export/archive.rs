//! ZIP archives in memory and read back, entry by entry.

use std::io::{Cursor, Read, Seek, Write as _};

use zip::result::{ZipError, ZipResult};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// One file of an archive: its name, with `/` between folders, and its bytes.
pub type Entry = (String, Vec<u8>);

/// A ZIP of these files, in this order. What is packed already (pictures) is stored as it is.
///
/// # Errors
/// ZIP's, for names that it does not take.
pub fn zip(entries: impl IntoIterator<Item = ZipResult<Entry>>) -> ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let (name, bytes) = entry?;
        let method = if name.ends_with(".png") {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .large_file(bytes.len() > u32::MAX as usize / 2);
        writer.start_file(name, options)?;
        writer.write_all(&bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// One file of an archive, whose checksum is checked; none where there is no file of that name.
///
/// # Errors
/// ZIP's where it is damaged, or larger than `limit` bytes.
pub fn read_entry(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &str,
    limit: u64,
) -> ZipResult<Option<Vec<u8>>> {
    let entry = match archive.by_name(name) {
        Err(ZipError::FileNotFound) => return Ok(None),
        entry => entry?,
    };
    let mut bytes = Vec::new();
    // What an archive says of its sizes is not to be trusted.
    entry.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(std::io::Error::other(format!("{name} is too large")).into());
    }
    Ok(Some(bytes))
}
