//! Takes out of the scripts what is for people alone: comments that have lines of their own,
//! empty lines and indentation. That is a sixth of what a page loads of them, compressed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::files::below;

/// Strips each script of the folder.
pub(crate) fn strip_all(folder: &Path) -> Result<()> {
    for path in below(folder)? {
        if path.extension().is_some_and(|extension| extension == "js") {
            let script = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let stripped = strip(&script).with_context(|| format!("stripping {}", path.display()))?;
            fs::write(&path, stripped).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Line by line, which is right as long as no text goes over several lines.
fn strip(script: &str) -> Result<String> {
    let mut stripped = String::with_capacity(script.len());
    let mut in_comment = false;
    for line in script.lines().map(str::trim) {
        if in_comment || line.starts_with("/*") {
            let (comment, rest) = line.split_once("*/").map_or((line, None), |(a, b)| (a, Some(b)));
            ensure!(rest.is_none_or(str::is_empty), "code follows in the line of the comment: {comment}");
            in_comment = rest.is_none();
        } else if !line.is_empty() && !line.starts_with("//") {
            ensure!(
                line.matches('`').count() % 2 == 0,
                "a template literal goes over several lines, whose indentation could be text: {line}"
            );
            stripped.push_str(line);
            stripped.push('\n');
        }
    }
    ensure!(!in_comment, "a comment does not end");
    Ok(stripped)
}
