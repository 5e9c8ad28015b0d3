//! The documents: each link within the project leads to something that is there, and the book is built, with all of its chapters.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use mdbook_driver::MDBook;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Those outside the book, from the top of the project.
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "web/npm/README.md"];
/// The book's chapters.
const BOOK: &str = "docs/src";

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    let root = root()?;
    let mut paths: Vec<_> = DOCUMENTS.iter().map(|name| root.join(name)).collect();
    paths.extend(chapters(&root.join(BOOK))?);
    let mut documents = Documents::default();
    let mut broken = Vec::new();
    for path in &paths {
        broken.extend(documents.broken(&root, path)?);
    }
    ensure!(broken.is_empty(), "{} links are broken:\n{}", broken.len(), broken.join("\n"));
    Ok(())
}

#[test]
fn the_summary_names_every_chapter() -> Result<()> {
    let book = root()?.join(BOOK);
    let summary = book.join("SUMMARY.md");
    let chapters: BTreeSet<_> = chapters(&book)?.into_iter().filter(|path| *path != summary).collect();
    let text = fs::read_to_string(&summary).with_context(|| format!("reading {}", summary.display()))?;
    let named: BTreeSet<_> = Document::of(&text).links.iter().map(|link| book.join(&link.target)).collect();
    let [nowhere, unnamed] = [named.difference(&chapters), chapters.difference(&named)].map(Vec::from_iter);
    ensure!(nowhere.is_empty(), "SUMMARY.md names what is no chapter: {nowhere:?}");
    ensure!(unnamed.is_empty(), "SUMMARY.md does not name {unnamed:?}");
    Ok(())
}

/// Into `target/book`, where `./just book` says it is.
#[test]
fn the_book_is_built() -> Result<()> {
    let root = root()?;
    let book = MDBook::load(root.join("docs"))?;
    book.build()?;
    let built = root.join("docs").join(&book.config.build.build_dir);
    for chapter in chapters(&root.join(BOOK))? {
        let name = chapter.file_stem().context("a chapter has no name")?;
        let page = built.join(name).with_extension("html");
        ensure!(name == "SUMMARY" || page.is_file(), "{} is not there", page.display());
    }
    Ok(())
}

#[test]
fn all_that_is_broken_is_told_at_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    fs::create_dir_all(root.join(BOOK))?;
    fs::write(root.join("code.rs"), "")?;
    fs::write(root.join("other.md"), "# The `[other]` one: _why_, not *how*?\n\n## Again\n\n## Again\n")?;
    let text = "# Here\n\
                [good](code.rs#L1), [good](other.md), [good](#here), [good](docs), [good](https://example.com/no)\n\
                [good](other.md#the-other-one-why-not-how), [good](other.md#again-1)\n\
                `[no link](at-all)` <img src=\"gone.png\">\n\
                \n\
                [gone] and ![picture](gone.png)\n\
                [gone heading](other.md#how), [gone heading](#there)\n\
                [outside](../other.md), [empty]()\n\
                \n\
                [gone]: gone.rs\n";
    fs::write(root.join("README.md"), text)?;
    let broken = Documents::default().broken(root, &root.join("README.md"))?;
    let expected = [
        "README.md:4: gone.png is not there",
        "README.md:6: gone.rs is not there",
        "README.md:6: gone.png is not there",
        "README.md:7: other.md#how: no heading there makes this anchor",
        "README.md:7: #there: no heading there makes this anchor",
        "README.md:8: ../other.md leads out of the project",
        "README.md:8: the link is empty",
    ];
    assert_eq!(broken, expected);

    let chapter = root.join(BOOK).join("chapter.md");
    fs::write(&chapter, "[page](chapter.md), [code](../../code.rs)\n[page](../../other.md)\n")?;
    let broken = Documents::default().broken(root, &chapter)?;
    let expected =
        "docs/src/chapter.md:2: ../../other.md is not of the book, where mdBook makes it other.html";
    assert_eq!(broken, [expected]);
    Ok(())
}

/// The top of the project.
fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?)
}

/// All Markdown in a folder and those below it.
fn chapters(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(chapters(&path)?);
        } else if is_markdown(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// The headings of all documents that links have led to.
#[derive(Default)]
struct Documents {
    anchors: HashMap<PathBuf, HashSet<String>>,
}

impl Documents {
    /// The links of a document that lead nowhere: each with file and line, and why.
    fn broken(&mut self, root: &Path, path: &Path) -> Result<Vec<String>> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let shown = path.strip_prefix(root)?.display();
        let mut broken = Vec::new();
        for Link { line, target } in Document::of(&text).links {
            if let Some(why) = self.fault(root, path, &target)? {
                broken.push(format!("{shown}:{line}: {why}"));
            }
        }
        Ok(broken)
    }

    /// What is wrong with a link.
    fn fault(&mut self, root: &Path, document: &Path, target: &str) -> Result<Option<String>> {
        if target.is_empty() {
            return Ok(Some("the link is empty".to_owned()));
        }
        let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
        let led_to = match path {
            "" => document.to_owned(),
            path => normalised(&document.with_file_name(path)),
        };
        if !led_to.starts_with(root) {
            return Ok(Some(format!("{target} leads out of the project")));
        }
        if !led_to.exists() {
            return Ok(Some(format!("{path} is not there")));
        }
        if !is_markdown(&led_to) {
            return Ok(None);
        }
        let book = root.join(BOOK);
        if document.starts_with(&book) && !led_to.starts_with(&book) {
            let page = led_to.with_extension("html");
            let page = page.file_name().unwrap_or_default().display();
            return Ok(Some(format!("{path} is not of the book, where mdBook makes it {page}")));
        }
        if fragment.is_empty() || self.anchors(&led_to)?.contains(fragment) {
            return Ok(None);
        }
        Ok(Some(format!("{target}: no heading there makes this anchor")))
    }

    fn anchors(&mut self, path: &Path) -> Result<&HashSet<String>> {
        if !self.anchors.contains_key(path) {
            let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            self.anchors.insert(path.to_owned(), Document::of(&text).anchors);
        }
        self.anchors.get(path).context("it has just been read")
    }
}

/// The path without `..`, which need not be there.
fn normalised(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => _ = normalized.pop(),
            Component::CurDir => {}
            other => normalized.push(other),
        }
    }
    normalized
}

/// A link or an image of the project's own.
struct Link {
    line: usize,
    target: String,
}

/// What a document leads to, and can be led to.
#[derive(Default)]
struct Document {
    links: Vec<Link>,
    anchors: HashSet<String>,
}

impl Document {
    fn of(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading: Option<String> = None;
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.link(text, range.start, &dest_url);
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    for attribute in ["src=\"", "href=\""] {
                        for (at, _) in html.match_indices(attribute) {
                            let value = &html[at + attribute.len()..];
                            let value = value.split_once('"').map_or(value, |(value, _)| value);
                            document.link(text, range.start + at, value);
                        }
                    }
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(part) | Event::Code(part) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                Event::End(TagEnd::Heading(_)) => document.anchor(&slug(&heading.take().unwrap_or_default())),
                _ => {}
            }
        }
        document
    }

    fn link(&mut self, text: &str, at: usize, target: &str) {
        let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
        let is_elsewhere =
            !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !is_elsewhere {
            let line = text[..at].matches('\n').count() + 1;
            self.links.push(Link { line, target: target.to_owned() });
        }
    }

    /// A heading that is there already gets a number.
    fn anchor(&mut self, slug: &str) {
        let numbered = (1..).map(|number| format!("{slug}-{number}"));
        let free =
            std::iter::once(slug.to_owned()).chain(numbered).find(|anchor| !self.anchors.contains(anchor));
        self.anchors.extend(free);
    }
}

/// What mdBook and GitHub make of a heading.
fn slug(heading: &str) -> String {
    let kept =
        heading.trim().chars().filter(|c| c.is_alphanumeric() || c.is_whitespace() || "-_".contains(*c));
    kept.map(|c| if c.is_whitespace() { '-' } else { c }).collect::<String>().to_lowercase()
}
