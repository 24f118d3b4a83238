//! The shape of the house: modules name only lower floors, and the top level holds what it should.

use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. Modules of one floor may name each other.
const FLOORS: &[&[&str]] = &[
    &["time", "memory", "limits", "counter", "event"],
    &["capture"],
    &["decode"],
    &["flow", "reassembly"],
    &["app_layer"],
    &["detect"],
    &["worker", "collect", "sink"],
    &["runtime", "config", "cli", "dev", "allocator"],
];

/// What the top level may hold besides hidden files.
const TOP_LEVEL: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "fixtures",
    "rules",
    "rust-toolchain.toml",
    "sensor",
    "tests",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn rust_files_under(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    rust_files(&root().join(folder), &mut found);
    found.sort();
    assert!(!found.is_empty(), "no source under {folder}");
    found
}

/// The module of the crate's root that a file of `sensor/src` belongs to.
fn module_of(file: &Path) -> String {
    let source = root().join("sensor/src");
    let inside = file.strip_prefix(&source).expect("the file lies under sensor/src");
    let first = inside.components().next().expect("a file has a name").as_os_str();
    Path::new(first).file_stem().expect("a file has a name").to_string_lossy().into_owned()
}

/// Code without comments; a `//` within a string cuts too much, which hides no path in practice.
fn code_of(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The modules named directly behind each `crate::`, lists in braces included.
fn modules_named(code: &str) -> Vec<String> {
    code.match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$'))
        .flat_map(|(at, prefix)| names_at(&code[at + prefix.len()..]))
        .collect()
}

fn names_at(rest: &str) -> Vec<String> {
    let Some(list) = rest.strip_prefix('{') else {
        return vec![identifier(rest)];
    };
    let mut depth = 0;
    let mut names = vec![identifier(list.trim_start())];
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(identifier(list[at + 1..].trim_start())),
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect()
}

#[test]
fn no_floor_imports_one_above_it() {
    let mut upward = Vec::new();
    for file in rust_files_under("sensor/src") {
        let module = module_of(&file);
        if module == "lib" || module == "main" {
            continue;
        }
        let own = floor(&module).unwrap_or_else(|| panic!("`{module}` stands on no floor"));
        let code = code_of(&fs::read_to_string(&file).unwrap());
        let above =
            modules_named(&code).into_iter().filter(|name| floor(name).is_some_and(|other| other > own));
        upward.extend(above.map(|name| format!("{}: names `{name}`", file.display())));
    }
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

#[test]
fn an_upward_import_would_be_found() {
    let code = code_of(
        "use crate::{time::Timestamp, cli::{A, B}, flow};\n// crate::sink\nlet x = crate::worker::y;",
    );
    assert_eq!(modules_named(&code), ["time", "cli", "flow", "worker"]);
    assert!(floor("cli") > floor("flow") && floor("flow") > floor("time"));
}

#[test]
fn the_rule_language_knows_nothing_of_the_sensor() {
    for file in rust_files_under("rules/src") {
        let code = code_of(&fs::read_to_string(&file).unwrap());
        assert!(!code.contains("sensor::"), "{} names the sensor", file.display());
    }
    let manifest = fs::read_to_string(root().join("rules/Cargo.toml")).unwrap();
    assert!(!manifest.lines().any(|line| line.starts_with("sensor")), "rules depends on sensor");
}

#[test]
fn nothing_is_left_to_do() {
    let markers = [["todo", "!("].concat(), ["unimplemented", "!("].concat()];
    for folder in ["rules", "sensor", "fixtures", "tests", "benches"] {
        let mut files = Vec::new();
        rust_files(&root().join(folder), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for marker in &markers {
                assert!(!text.contains(marker), "{} holds {marker}", file.display());
            }
        }
    }
}

#[test]
fn the_top_level_holds_only_what_it_should() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        // Cargo's own output is ignored by git.
        let known = name.starts_with('.') || name == "target" || TOP_LEVEL.contains(&name.as_str());
        assert!(known, "`{name}` does not belong to the top level");
    }
}
