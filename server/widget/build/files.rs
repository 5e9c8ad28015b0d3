//! The files that the crate embeds, their compressed forms, and the table of them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use crate::bundle;

/// One file of the widget, and the forms of it that are worth sending.
pub(crate) struct Built {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) content: Vec<u8>,
    pub(crate) brotli: Variant,
    pub(crate) gzip: Variant,
}

/// A compressed form of a file.
pub(crate) struct Variant {
    path: PathBuf,
    pub(crate) size: usize,
}

/// Copies scripts and all else that a browser loads, with their folders; type declarations are left to the npm package.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for path in below(from)? {
        let name = path.strip_prefix(from).context("a file outside of its folder")?;
        if content_type(&name.to_string_lossy()).is_some() {
            let target = to.join(name);
            fs::create_dir_all(target.parent().unwrap_or(to)).context("making a folder of the widget")?;
            fs::copy(&path, target).with_context(|| format!("copying {}", path.display()))?;
        }
    }
    Ok(())
}

/// All files of a folder and of those in it, in the order of their names.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let reading = || format!("reading {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(reading)? {
            let path = entry.with_context(reading)?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Makes a folder that has nothing in it.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))
}

/// Compresses each file of the folder as far as it goes; the result is in the
/// order of the names.
pub(crate) fn compress_all(folder: &Path) -> Result<Vec<Built>> {
    let mut built = Vec::new();
    for path in below(folder)? {
        let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str) else {
            bail!("{} has no name that a URL could hold", path.display());
        };
        let content = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let variant =
            |suffix: &str, content: &[u8]| write_variant(&folder.with_extension(suffix).join(name), content);
        built.push(Built {
            name: name.replace('\\', "/"),
            brotli: variant("br", &brotli(&content)?)?,
            gzip: variant("gz", &gzip(&content)?)?,
            content,
            path,
        });
    }
    built.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(built)
}

/// Writes the Rust expression that `lib.rs` includes: a slice of its `File`.
pub(crate) fn write_table(built: &[Built], to: &Path) -> Result<()> {
    let mut table = String::from("&[\n");
    for file in built {
        let name = &file.name;
        let Some(content_type) = content_type(name) else {
            bail!("no content type is known for the widget's file {name}");
        };
        let is_hashed = !bundle::is_entry(name);
        ensure!(
            !is_hashed || has_hash(name),
            "{name} is loaded by another file, and has no hash in its name"
        );
        let variant = |variant: &Variant| {
            // A form that saves nothing is not worth its bytes in the binary.
            if variant.size < file.content.len() {
                format!("Some(include_bytes!({:?}))", variant.path)
            } else {
                "None".to_owned()
            }
        };
        writeln!(
            table,
            "    File {{ name: {name:?}, content_type: {content_type:?}, digest: {digest:?}, is_hashed: {is_hashed}, \
             identity: include_bytes!({path:?}), brotli: {brotli}, gzip: {gzip} }},",
            digest = digest(&file.content),
            path = file.path,
            brotli = variant(&file.brotli),
            gzip = variant(&file.gzip),
        )?;
    }
    table.push_str("]\n");
    fs::write(to, table).context("writing the table of the widget's files")
}

fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        _ => return None,
    })
}

/// Whether a name is as those of bundles are: `errors-KQ3HX2NA.js`.
fn has_hash(name: &str) -> bool {
    let hash = name.rsplit_once('.').and_then(|(stem, _)| stem.rsplit_once('-')).map_or("", |(_, hash)| hash);
    hash.len() >= 8 && hash.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Returns the first 16 digits of the content's SHA-256. That is enough to tell one build's file from another's; nobody
/// but the build makes files.
pub(crate) fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters =
        BrotliEncoderParams { quality: 11, size_hint: content.len(), ..BrotliEncoderParams::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut Cursor::new(content), &mut compressed, &parameters)
        .context("compressing with brotli")?;
    Ok(compressed)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    // Neither a name nor a time is written, so that the same content gives the
    // same bytes.
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(content).context("compressing with gzip")?;
    encoder.finish().context("compressing with gzip")
}

/// Beside the folder that is read, not in it: `<out>/widget.br/index.js`.
fn write_variant(path: &Path, content: &[u8]) -> Result<Variant> {
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    File::create(path)
        .and_then(|mut file| file.write_all(content))
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(Variant { path: path.to_owned(), size: content.len() })
}
