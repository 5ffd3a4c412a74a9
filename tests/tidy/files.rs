//! The tracked files of the repository, read once a test.

use std::path::Path;
use std::process::Command;

/// A tracked file that is text. Pictures and the like have nothing to hold here.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// As git records it, so that a checkout elsewhere can run it too.
    pub(crate) is_executable: bool,
}

impl TextFile {
    /// The part of the file name after the last point, or nothing.
    pub(crate) fn extension(&self) -> &str {
        Path::new(&self.path)
            .extension()
            .and_then(|text| text.to_str())
            .unwrap_or("")
    }
}

/// Every tracked text file that exists, in the order of their paths.
pub(crate) fn tracked() -> Vec<TextFile> {
    let root = hopluu_tests::repository();
    let output = Command::new("git")
        // A checkout that belongs to another user (a container's mount) is still ours to read.
        .args(["-c", "safe.directory=*", "ls-files", "--stage", "-z"])
        .current_dir(&root)
        .output()
        .expect("git is installed: scripts/setup sees to it");
    assert!(
        output.status.success(),
        "git: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listing = String::from_utf8(output.stdout).expect("paths here are UTF-8");
    let files: Vec<TextFile> = listing
        .split_terminator('\0')
        .filter_map(|line| {
            let (mode, path) = line.split_once('\t')?;
            // A file that is deleted but not yet committed is no file.
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            let is_executable = mode.starts_with("100755");
            Some(TextFile {
                path: path.to_owned(),
                text,
                is_executable,
            })
        })
        .collect();
    assert!(!files.is_empty(), "no tracked file was found");
    files
}

/// The text of one file that must be there.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(hopluu_tests::repository().join(path)).expect(path)
}
