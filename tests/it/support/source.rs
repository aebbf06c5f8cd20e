//! The project's own files as text.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// The folder of Cargo.toml.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `folder` (relative to the root) whose name ends in `suffix`, sorted.
pub(crate) fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut |path| {
        if path.to_string_lossy().ends_with(suffix) {
            found.push(path.to_path_buf());
        }
    });
    found.sort();
    found
}

/// The path as people write it: from the root on.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

/// Calls `f` on every file under `folder`; a folder that does not exist has none.
pub(crate) fn walk(folder: &Path, f: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, f) } else { f(&path) }
    }
}
