//! The arrows between modules go one way: of any two that stand side by side, one at most knows the other, by whatever way.
//!
//! Whatever is for tests alone may look around. What a module has of its parent and what a parent has of its modules is their own
//! affair: one is a part of the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn, ItemMod, ItemUse, UseTree};

/// The crates, by their folders.
const CRATES: [&str; 11] = [
    "server/cli",
    "server/client",
    "server/embedded",
    "server/http",
    "server/s3",
    "server/widget",
    "shared",
    "shared/crc",
    "web",
    "web/download",
    "web/io",
];

/// A module's path within its crate.
type Module = Vec<String>;
/// Who knows whom.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_circle_is_in_any_crate() -> Result<()> {
    let mut circles = String::new();
    for name in CRATES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
        for circle in circles_in(&files_below(&source)?)? {
            writeln!(circles, "{name}: {}", circle.join(" → "))?;
        }
    }
    ensure!(circles.is_empty(), "these modules know each other:\n{circles}");
    Ok(())
}

#[test]
fn circles_are_found() -> Result<()> {
    let files = |texts: &[(&str, &str)]| -> BTreeMap<Module, String> {
        let module =
            |path: &str| path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        texts.iter().map(|&(path, text)| (module(path), text.to_owned())).collect()
    };
    for (files, expected) in [
        (files(&[("", "mod a; mod b;"), ("a", "use crate::b::B;"), ("b", "")]), 0),
        (files(&[("", "mod a; mod b;"), ("a", "use crate::{b::B, c};"), ("b", "use super::a;")]), 1),
        (files(&[("", ""), ("a", "fn f() { crate::b::g() }"), ("b", "fn g() { super::a::f() }")]), 1),
        (files(&[("", ""), ("a", "use crate::b;"), ("b", "#[cfg(test)] mod tests { use crate::a; }")]), 0),
        (files(&[("", ""), ("a", "use crate::b;"), ("b", "use crate::c;"), ("c", "use crate::a;")]), 1),
        (
            files(&[
                ("", ""),
                ("a", "mod x;"),
                ("a::x", "use super::T; use crate::b;"),
                ("b", "use crate::a::T;"),
            ]),
            1,
        ),
        (
            files(&[
                ("", ""),
                ("a", "use self::x::X;"),
                ("a::x", "use super::y;"),
                ("a::y", "use super::x;"),
            ]),
            1,
        ),
    ] {
        let found = circles_in(&files)?;
        ensure!(found.len() == expected, "{files:?} has {found:?}");
    }
    Ok(())
}

/// Returns the text of each module below a crate's `src`.
fn files_below(source: &Path) -> Result<BTreeMap<Module, String>> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(source)?.with_extension("");
                let names = relative.iter().map(|name| name.to_string_lossy().into_owned());
                let mut module: Module = names.collect();
                if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                    module.pop();
                }
                found.insert(module, fs::read_to_string(&path)?);
            }
        }
    }
    Ok(found)
}

/// Returns each circle, as modules that stand side by side.
fn circles_in(files: &BTreeMap<Module, String>) -> Result<Vec<Vec<String>>> {
    let mut arrows = Arrows::new();
    for (module, text) in files {
        let parsed = syn::parse_file(text).with_context(|| format!("parsing {}", module.join("::")))?;
        if parsed.attrs.iter().any(is_for_tests) {
            continue;
        }
        let mut seen = Paths { here: module.clone(), found: Vec::new() };
        seen.visit_file(&parsed);
        for path in seen.found {
            // A path ends in something of a module.
            let known =
                (1..=path.len()).rev().map(|len| &path[..len]).find(|module| files.contains_key(*module));
            let Some(known) = known else { continue };
            let common = module.iter().zip(known).take_while(|(one, other)| one == other).count();
            if common < module.len() && common < known.len() {
                let from = module[..=common].to_vec();
                arrows.entry(from).or_default().insert(known[..=common].to_vec());
            }
        }
    }
    let mut circles = BTreeSet::new();
    for start in arrows.keys() {
        if let Some(circle) = way_back(&arrows, start) {
            // The same circle whoever it is found from.
            let least =
                circle.iter().enumerate().min_by_key(|(_, module)| *module).map_or(0, |(index, _)| index);
            let mut circle: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
            circle.rotate_left(least);
            circles.insert(circle);
        }
    }
    Ok(circles.into_iter().collect())
}

/// Returns the shortest way from a module to itself.
fn way_back(arrows: &Arrows, start: &Module) -> Option<Vec<Module>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in arrows.get(way.last()?).into_iter().flatten() {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push(way.iter().cloned().chain([next.clone()]).collect());
                }
            }
        }
        ways = longer;
    }
    None
}

/// The paths in a module, from its crate's root.
struct Paths {
    here: Module,
    found: Vec<Module>,
}

impl Paths {
    fn note(&mut self, path: &[String]) {
        let (mut at, mut rest) = (self.here.clone(), path);
        match path.first().map(String::as_str) {
            Some("crate") => {
                at.clear();
                rest = &path[1..];
            }
            Some("self") => rest = &path[1..],
            Some("super") => {
                while rest.first().is_some_and(|name| name == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            _ => return,
        }
        at.extend_from_slice(rest);
        self.found.push(at);
    }

    fn note_tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.note_tree(&path.tree, &with(&path.ident)),
            UseTree::Name(name) => self.note(&with(&name.ident)),
            UseTree::Rename(name) => self.note(&with(&name.ident)),
            UseTree::Glob(_) => self.note(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_tree(tree, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_some() && !item.attrs.iter().any(is_for_tests) {
            self.here.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.here.pop();
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !item.attrs.iter().any(is_for_tests) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !item.attrs.iter().any(is_for_tests) {
            self.note_tree(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&names);
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string() == "test"
}
