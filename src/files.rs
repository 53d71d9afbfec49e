//! Replacing a file as a whole, and where files of the program's own go.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The folder for what the program keeps for the user; none where the system names none.
pub fn data_folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "Mondegreen")
        .map(|folders| folders.data_dir().to_path_buf())
}

/// A path that means the same wherever the next process is started.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// How names of files that are not whole yet begin.
const TEMPORARY: &str = ".mondegreen-";

/// How they end.
const TEMPORARY_END: &str = ".part";

/// Writes `bytes` beside `path` and then renames them over it, so that nobody finds half a file.
///
/// # Errors
/// The system's; then `path` is as it was and nothing is left beside it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_beside(path);
    let written = write_through(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is what matters; there may be nothing to remove.
        fs::remove_file(&temporary).ok();
    }
    written
}

/// A name that no other file has: two programs, and two threads of one, may write to one folder.
fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{TEMPORARY}{}-{count}{TEMPORARY_END}", std::process::id()))
}

/// Removes what processes that were killed while they replaced a file left in a folder. Only where
/// nobody else writes at the time.
pub fn clear_temporary(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY) && name.ends_with(TEMPORARY_END) {
            // One that can't be removed harms nobody.
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// Checks that `path`'s folder is there and lets a file be made, and that no folder has its name.
///
/// # Errors
/// As writing there would give them.
pub fn check_place(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    match folder.map(fs::metadata).transpose()? {
        Some(folder) if !folder.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        _ => {
            let temporary = temporary_beside(path);
            File::create(&temporary).and_then(|_| fs::remove_file(&temporary))
        }
    }
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
