//! The structure of the code: imports point one way, no files import each other in a circle, and references in comments
//! exist. These tests read the sources as text and rely on the layout of rustfmt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The rooms from the ground up: each imports only rooms before it.
const ROOMS: [&str; 26] = [
    "path_style",
    "system",
    "closest",
    "moment",
    "wording",
    "clock",
    "person",
    "prompts",
    "hook",
    "roster",
    "plan",
    "board",
    "index",
    "decide",
    "fault",
    "hosts",
    "planner",
    "format",
    "words",
    "document",
    "store",
    "transact",
    "app",
    "mcp",
    "cli",
    "fuzzing",
];

/// Returns the files below a folder of the repository that end in one of these, with their texts.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if root.join(&path).is_dir() {
            let names = std::fs::read_dir(root.join(&path)).unwrap();
            open.extend(names.map(|entry| format!("{path}/{}", entry.unwrap().file_name().to_str().unwrap())));
        } else if endings.iter().any(|ending| path.ends_with(ending)) {
            let text = std::fs::read_to_string(root.join(&path)).unwrap();
            files.push((path, text));
        }
    }
    files.sort();
    files
}

/// Returns the modules of the program, such as `decide::gates`, each with the lines that it is built of. Tests may
/// import what they like.
fn modules() -> BTreeMap<String, Vec<String>> {
    let is_test = |path: &str| path.contains("tests") || path.ends_with("/for_tests.rs") || path.ends_with("/made.rs");
    let sources = files("src", &[".rs"]).into_iter().filter(|(path, _)| !is_test(path));
    sources
        .map(|(path, text)| {
            let name = path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
            let name = name.strip_suffix("/mod").unwrap_or(name).replace('/', "::");
            (name, without_tests(&text))
        })
        .collect()
}

/// Returns the lines of a source without comments, and without items and modules that are only built for tests.
fn without_tests(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut source = text.lines();
    while let Some(line) = source.next() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if !line.trim_start().starts_with("#[cfg(") || !line.contains("test") {
            lines.push(line.to_owned());
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        // Other attributes, then one line, or a block that ends as deep as it begins.
        let mut item = source.next().unwrap_or_default();
        while item.trim_start().starts_with("#[") {
            item = source.next().unwrap_or_default();
        }
        if !item.ends_with(';') && !item.ends_with(',') && !item.ends_with('}') {
            let is_end =
                |line: &&str| line.len() - line.trim_start().len() == indent && line.trim_start().starts_with('}');
            source.by_ref().find(is_end);
        }
    }
    lines
}

/// Returns the modules that a module names by `crate::` and `super::` paths, as far as they are modules.
fn imports(name: &str, lines: &[String], all: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let above: Vec<&str> = name.split("::").collect();
    for line in lines {
        for (at, _) in
            line.match_indices("crate::").chain(line.match_indices("super::")).chain(line.match_indices("self::"))
        {
            if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let path: String =
                line[at..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
            let mut parts: Vec<&str> = Vec::new();
            let mut depth = above.len();
            for part in path.split("::") {
                match part {
                    "crate" => depth = 0,
                    "super" => depth = depth.saturating_sub(1),
                    "self" => {}
                    other => parts.push(other),
                }
            }
            let mut module: Vec<&str> = above[..depth].to_vec();
            module.extend(parts);
            // The longest part of the path that is a module.
            while !module.is_empty() && !all.contains_key(&module.join("::")) {
                module.pop();
            }
            let module = module.join("::");
            if !module.is_empty() && module != name {
                found.insert(module);
            }
        }
    }
    found
}

#[test]
fn imports_between_rooms_point_down() {
    let all = modules();
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let floor = |room: &str| ROOMS.iter().position(|known| *known == room);
    // It does find imports, of both kinds.
    assert!(imports("transact::group", &all["transact::group"], &all).contains("store"));
    assert!(imports("decide::gates", &all["decide::gates"], &all).contains("decide::scene"));
    let mut up = Vec::new();
    for (name, lines) in all.iter().filter(|(name, _)| !["lib", "main"].contains(&name.as_str())) {
        let own = floor(&room(name)).unwrap_or_else(|| panic!("{name} is in no room of ROOMS"));
        for other in imports(name, lines, &all) {
            match floor(&room(&other)) {
                Some(floor) if floor <= own => {}
                _ => up.push(format!("{name} imports {other}")),
            }
        }
    }
    assert_eq!(up, Vec::<String>::new(), "a room imports one above it");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let all = modules();
    // A `mod.rs` hands out the names of its files, which take from each other directly.
    let is_face = |name: &str| all.keys().any(|other| other.starts_with(&format!("{name}::")));
    let edges: BTreeMap<&String, BTreeSet<String>> = all
        .iter()
        .map(|(name, lines)| (name, imports(name, lines, &all).into_iter().filter(|other| !is_face(other)).collect()))
        .collect();
    let mut circles = Vec::new();
    for start in edges.keys() {
        let (mut open, mut seen): (Vec<&String>, BTreeSet<&String>) = (edges[start].iter().collect(), BTreeSet::new());
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(edges[next].iter());
            }
        }
        if seen.contains(start) {
            circles.push((*start).clone());
        }
    }
    assert_eq!(circles, Vec::<String>::new(), "each reaches itself");
}

#[test]
fn every_reference_to_the_design_exists() {
    let design = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/design.md")).unwrap();
    let is_there = |reference: &str| {
        design.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ', '*']);
            line.strip_prefix(reference)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '.'))
        })
    };
    let mut missing = Vec::new();
    let mut number = 0;
    let texts = ["src", "tests", "fuzz/fuzz_targets", "benches", "examples", "docs"];
    let others = |(path, _): &(String, String)| !path.ends_with("structure.rs");
    for (path, text) in texts.iter().flat_map(|folder| files(folder, &[".rs", ".md", ".sql"])).filter(others) {
        for (at, _) in text.match_indices("DESIGN §") {
            number += 1;
            let reference: String = text[at + "DESIGN ".len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '§' | '.'))
                .collect();
            let reference = reference.trim_end_matches('.');
            if !is_there(reference) {
                missing.push(format!("{path}: {reference}"));
            }
        }
    }
    assert!(number > 50, "only {number} references were found");
    assert_eq!(missing, Vec::<String>::new(), "docs/design.md does not have it");
    for (path, text) in texts.iter().flat_map(|folder| files(folder, &[".rs"])).filter(others) {
        for document in ["MCP.md", "OPENCODE.md", "USER-CONTRACT", "STYLE.md"] {
            assert!(!text.contains(document), "{path} points to {document}");
        }
    }
}
