//! Which files of this machine an argument names: itself, what a glob matches, and what is below a folder.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalFile {
    pub(crate) path: PathBuf,
    /// Its path from the folder that was named, whose name it begins with, with `/` between the names; none for a file that was named
    /// itself.
    pub(crate) below: Option<String>,
    /// Its own name.
    pub(crate) name: String,
}

/// What was found, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<LocalFile>,
    /// One sentence for each thing that is passed over.
    pub(crate) problems: Vec<String>,
}

/// Finds the files that an argument names. Symbolic links are followed.
pub(crate) fn find(argument: &Path, recursive: bool, found: &mut Found) {
    if argument.exists() || !is_glob(argument) {
        take(argument, recursive, found);
        return;
    }
    let matches = match expand(argument) {
        Ok(matches) => matches,
        Err(why) => {
            found.problems.push(format!("{}: {why}", argument.display()));
            return;
        }
    };
    if matches.is_empty() {
        found.problems.push(format!("{}: nothing matches", argument.display()));
    }
    for path in matches {
        // As a shell's, a glob names folders too; without -r they are passed over, and what is named itself is told of.
        if recursive || !path.is_dir() {
            take(&path, recursive, found);
        }
    }
}

fn take(path: &Path, recursive: bool, found: &mut Found) {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            found.problems.push(format!("{}: {}", path.display(), reason(&error)));
            return;
        }
    };
    if metadata.is_dir() {
        if recursive {
            walk(path, found);
        } else {
            found.problems.push(format!("{} is a folder; -r copies folders", path.display()));
        }
        return;
    }
    match name_of(path) {
        Some(name) => found.files.push(LocalFile { path: path.to_owned(), below: None, name }),
        None => found.problems.push(not_utf8(path)),
    }
}

fn walk(folder: &Path, found: &mut Found) {
    // `.` and `..` have no name of their own, so what is below them is named by itself.
    let top = folder.file_name().map(|name| name.to_str().map(str::to_owned));
    let top = match top {
        Some(None) => {
            found.problems.push(not_utf8(folder));
            return;
        }
        Some(Some(name)) => Some(name),
        None => None,
    };
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(folder).display().to_string();
                let why = match (error.loop_ancestor(), error.io_error()) {
                    (Some(above), _) => format!("it leads back to {}, and is passed over", above.display()),
                    (None, Some(error)) => reason(error),
                    (None, None) => error.to_string(),
                };
                found.problems.push(format!("{path}: {why}"));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        if !entry.file_type().is_file() {
            found
                .problems
                .push(format!("{}: it is no regular file, and is passed over", entry.path().display()));
            continue;
        }
        let names = entry.path().strip_prefix(folder).unwrap_or(entry.path()).iter();
        let names: Option<Vec<_>> = names.map(|name| name.to_str()).collect();
        let Some((names, name)) = names.and_then(|names| Some((names.clone(), *names.last()?))) else {
            found.problems.push(not_utf8(entry.path()));
            continue;
        };
        let below = top.as_deref().into_iter().chain(names).collect::<Vec<_>>().join("/");
        found.files.push(LocalFile {
            path: entry.path().to_owned(),
            below: Some(below),
            name: name.to_owned(),
        });
    }
}

fn expand(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let text = pattern.to_str().ok_or("a pattern has to be UTF-8")?;
    let matcher = compile(text)?;
    // What comes before the first name with a wildcard is where to look.
    let root: PathBuf = pattern.iter().take_while(|name| !is_glob(Path::new(name))).collect();
    let depth = pattern.iter().count() - root.iter().count();
    let most = if text.contains("**") { usize::MAX } else { depth };
    let from = if root.as_os_str().is_empty() { Path::new(".") } else { &root };
    let entries = WalkDir::new(from).follow_links(true).sort_by_file_name().min_depth(1).max_depth(most);
    let paths = entries.into_iter().flatten().map(|entry| {
        let path = entry.path();
        if root.as_os_str().is_empty() {
            path.strip_prefix(".").unwrap_or(path).to_owned()
        } else {
            path.to_owned()
        }
    });
    Ok(paths.filter(|path| matcher.is_match(path)).collect())
}

/// Compiles a pattern, in which `*` and `?` stand for parts of one name, and `**` for any folders.
pub(crate) fn compile(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

/// Whether this has a wildcard.
pub(crate) fn is_glob(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[{".contains(byte))
}

fn name_of(path: &Path) -> Option<String> {
    path.file_name()?.to_str().map(str::to_owned)
}

fn not_utf8(path: &Path) -> String {
    format!("{}: its name is not UTF-8, which keys have to be; it is passed over", path.display())
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/b/c.txt", "a/d.txt", "a/e.bin", "f.txt"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        folder
    }

    fn found(path: &Path, recursive: bool) -> (Vec<String>, Vec<String>) {
        let mut found = Found::default();
        find(path, recursive, &mut found);
        let names = found.files.into_iter().map(|file| file.below.unwrap_or(file.name)).collect();
        (names, found.problems)
    }

    #[test]
    fn folders_are_walked_when_told() {
        let folder = folder();
        let (names, problems) = found(&folder.path().join("a"), true);
        assert_eq!(names, ["a/b/c.txt", "a/d.txt", "a/e.bin"]);
        assert!(problems.is_empty());
        let (names, problems) = found(&folder.path().join("a"), false);
        assert!(
            names.is_empty() && problems[0].ends_with("a is a folder; -r copies folders"),
            "{problems:?}"
        );
    }

    #[test]
    fn globs_match_as_a_shells() {
        let folder = folder();
        assert_eq!(found(&folder.path().join("a/*.txt"), false).0, ["d.txt"]);
        assert_eq!(found(&folder.path().join("**/*.txt"), false).0, ["c.txt", "d.txt", "f.txt"]);
        assert_eq!(found(&folder.path().join("a/[de].*"), false).0, ["d.txt", "e.bin"]);
        let (names, problems) = found(&folder.path().join("a/*.jpg"), false);
        assert!(names.is_empty() && problems[0].ends_with("*.jpg: nothing matches"), "{problems:?}");
        // A name that looks like a pattern is a name.
        std::fs::write(folder.path().join("x[1].txt"), "x").unwrap();
        assert_eq!(found(&folder.path().join("x[1].txt"), false).0, ["x[1].txt"]);
    }

    #[test]
    fn what_cannot_be_copied_is_told_once() {
        let folder = folder();
        let at = folder.path().join("a");
        std::os::unix::fs::symlink(&at, at.join("b/loop")).unwrap();
        std::os::unix::fs::symlink(at.join("nowhere"), at.join("gone")).unwrap();
        std::fs::write(at.join(OsStr::from_bytes(b"\xff")), "x").unwrap();
        let (names, problems) = found(&at, true);
        assert_eq!(names, ["a/b/c.txt", "a/d.txt", "a/e.bin"]);
        assert_eq!(problems.len(), 3, "{problems:?}");
        for said in ["it leads back to", "there is no such file", "not UTF-8"] {
            assert_eq!(problems.iter().filter(|problem| problem.contains(said)).count(), 1, "{said}");
        }
    }
}
