//! Which objects an argument names: one, what a glob matches, and what is below a prefix.

use std::path::{Component, Path};

use partway_client::Control;
use partway_shared::transfer::Failure;
use partway_shared::wire::ListObjects;

use super::connection::sentence;
use super::files::{compile, is_glob};

/// An object to download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteObject {
    pub(crate) key: String,
    /// Its path below what was named, if that was more than itself.
    pub(crate) below: Option<String>,
    /// Its size in bytes, if a listing told it.
    pub(crate) size: Option<u64>,
}

/// Finds the objects that a key, a pattern or, with `recursive`, a prefix names.
pub(crate) async fn find(
    control: &dyn Control,
    destination: Option<&str>,
    key: &str,
    recursive: bool,
) -> Result<Vec<RemoteObject>, String> {
    if is_glob(Path::new(key)) {
        let matcher = compile(key)?;
        let fixed = key.find(['*', '?', '[', '{']).and_then(|at| key.get(..at)).unwrap_or_default();
        let objects = list(control, destination, fixed).await?;
        let folder = fixed.rfind('/').map_or(0, |slash| slash + 1);
        let objects = objects.into_iter().filter(|(key, _)| matcher.is_match(key));
        let objects = objects.map(|(key, size)| RemoteObject {
            below: key.get(folder..).map(str::to_owned),
            key,
            size: Some(size),
        });
        return Ok(objects.collect());
    }
    if !recursive {
        if key.is_empty() || key.ends_with('/') {
            return Err("it names no object; -r copies all that is below a prefix".to_owned());
        }
        return Ok(vec![RemoteObject { key: key.to_owned(), below: None, size: None }]);
    }
    let prefix = if key.is_empty() || key.ends_with('/') { key.to_owned() } else { format!("{key}/") };
    // What is below `photos/` is in a folder `photos`, as with folders of files.
    let above = prefix.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
    let objects = list(control, destination, &prefix).await?;
    let objects = objects.into_iter().filter(|(key, _)| !key.ends_with('/'));
    let objects = objects.map(|(key, size)| RemoteObject {
        below: key.get(above..).map(str::to_owned),
        key,
        size: Some(size),
    });
    Ok(objects.collect())
}

/// Lists all objects whose keys begin with a prefix.
async fn list(
    control: &dyn Control,
    destination: Option<&str>,
    prefix: &str,
) -> Result<Vec<(String, u64)>, String> {
    let mut objects = Vec::new();
    let mut after = None;
    loop {
        let request = ListObjects {
            destination: destination.map(str::to_owned),
            prefix: Some(prefix.to_owned()),
            after,
            ..ListObjects::default()
        };
        let page = control.list(request).await.map_err(|failure: Failure| sentence(&failure))?;
        objects.extend(page.objects.into_iter().map(|object| (object.key, object.size)));
        after = page.next;
        if after.is_none() {
            return Ok(objects);
        }
    }
}

/// Returns a key's path as one below a folder; `None` if it would lead out of it, or is none.
pub(crate) fn safe_path(below: &str) -> Option<&Path> {
    let path = Path::new(below);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    // `a//b` and `a/./b` would be the file of another key.
    let is_itself = below.split('/').all(|name| !matches!(name, "" | "." | "..")) && !below.contains('\0');
    (is_plain && is_itself).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_leads_out_of_a_folder() {
        assert_eq!(safe_path("a/b c.txt"), Some(Path::new("a/b c.txt")));
        for key in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a/./b", "a/", "a\0b", ".."] {
            assert_eq!(safe_path(key), None, "{key:?}");
        }
    }
}
