//! The files that a browser loads, as parts of the program.
//!
//! It owns the widget's scripts, its WebAssembly module and the demo page, each with its compressed forms, and the build script
//! that makes them of `web/`. It never knows requests, nor what the files do.

/// A file of the widget.
#[derive(Debug)]
pub struct File {
    /// The path below the folder that all files are served from, such as `languages/de.js`.
    pub name: &'static str,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The first 16 digits of the content's SHA-256, in hexadecimal.
    pub digest: &'static str,
    /// Whether the name contains a hash of the content, so that a cache may keep the file for good.
    pub is_hashed: bool,
    /// The content.
    pub identity: &'static [u8],
    /// The content in brotli, if that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The content in gzip, if that is smaller.
    pub gzip: Option<&'static [u8]>,
}

/// All files, in the order of their names.
pub static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/widget_files.rs"));

/// Returns the file of this name.
#[must_use]
pub fn file(name: &str) -> Option<&'static File> {
    FILES.binary_search_by_key(&name, |file| file.name).ok().map(|place| &FILES[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one file whose name begins and ends so.
    fn only(start: &str, end: &str) -> &'static File {
        let mut found = FILES.iter().filter(|file| file.name.starts_with(start) && file.name.ends_with(end));
        let first = found.next().unwrap_or_else(|| panic!("no {start}…{end}"));
        assert!(found.next().is_none(), "several {start}…{end}");
        first
    }

    #[test]
    fn every_file_is_found_by_its_name() {
        for each in FILES {
            assert!(file(each.name).is_some_and(|found| found.digest == each.digest), "{}", each.name);
        }
        assert!(file("none.js").is_none());
    }

    #[test]
    fn what_pages_name_keeps_its_name_and_all_else_is_hashed() {
        for file in FILES {
            let named =
                ["index.js", "element.js", "files.js", "download.js", "index.html", "page.css", "page.js"];
            let is_named = named.contains(&file.name) || file.name.contains('/');
            assert_eq!(file.is_hashed, !is_named, "{}", file.name);
        }
        for (start, end) in [
            ("worker", ".js"),
            ("download-worker", ".js"),
            ("partway_web_bg", ".wasm"),
            ("partway_web_download_bg", ".wasm"),
        ] {
            let file = only(start, end);
            assert!(file.name.contains(&format!("-{}.", file.digest)), "{} has {}", file.name, file.digest);
        }
    }

    #[test]
    fn a_module_of_wasm_is_one() {
        for name in ["partway_web_bg", "partway_web_download_bg"] {
            assert!(only(name, ".wasm").identity.starts_with(b"\0asm"), "{name}");
        }
    }

    /// Quoted, and beginning with a dot: imports, and the addresses of the worker and the module.
    #[test]
    fn every_file_that_a_script_names_is_there() {
        let mut count = 0;
        for script in FILES.iter().filter(|file| file.content_type.starts_with("text/javascript")) {
            let text = str::from_utf8(script.identity).unwrap();
            // A name between a module and its glue is no file's.
            let named = text.split('"').filter_map(|quoted| quoted.strip_prefix("./"));
            for named in named.filter(|named| !named.starts_with("partway_web_") || !named.ends_with("bg.js"))
            {
                // The demo page names what any page would.
                let is_there = file(named).is_some_and(|file| file.is_hashed || script.name == "page.js");
                assert!(is_there, "{} names {named}", script.name);
                count += 1;
            }
        }
        assert!(count >= 10, "only {count} names in all scripts");
    }

    #[test]
    fn a_compressed_form_is_smaller() {
        for file in FILES {
            for form in [file.brotli, file.gzip].into_iter().flatten() {
                assert!(form.len() < file.identity.len(), "{}", file.name);
            }
        }
    }
}
