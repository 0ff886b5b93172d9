//! Dependencies inside plexyd point one way: the order below is the order of
//! the house, and a module uses only what stands before it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The layers of plexyd, the lowest first; modules of one line may not use
/// each other.
const LAYERS: &[&[&str]] = &[
    &[
        "sys",
        "stop",
        "traffic",
        "tally",
        "histogram",
        "fold",
        "admin",
        "sample",
        "hops",
        "introduction",
        "resolver",
        "bind",
        "places",
        "process",
        "state",
        "events",
    ],
    &["descriptors", "queue", "refusal", "watch"],
    &["systemd"],
    &["relay"],
    &["socket", "hello"],
    &["tls"],
    &["backend"],
    &["balance", "dial", "gate"],
    &["tunnel"],
    &["access_log", "trace"],
    &["health", "table"],
    &["worker"],
    &["engine"],
    &["connection"],
    &["listener"],
    &["registry"],
    &["service"],
    &["metrics"],
    &["otlp"],
    &["control"],
    &["config"],
    &["log"],
    &["args"],
    &["daemon"],
];

#[test]
fn a_module_uses_only_what_stands_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plexyd/src");
    let mut wrong = Vec::new();
    for (level, module) in modules() {
        for used in used_by(&source, module) {
            let allowed = modules().any(|(other, name)| name == used && other < level);
            if !allowed {
                wrong.push(format!("`{module}` uses `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_plexyd_has_its_layer() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plexyd/src");
    let library = fs::read_to_string(source.join("lib.rs")).unwrap();
    let declared = library.lines().filter_map(|line| line.trim().strip_prefix("mod "));
    let declared: BTreeSet<_> = declared.map(|name| name.trim_end_matches(';')).collect();
    let known: BTreeSet<_> = modules().map(|(_, name)| name).collect();
    assert_eq!(declared, known);
}

#[test]
fn shared_knows_no_runtime_and_does_no_io() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/src");
    for file in files(&source) {
        let text = fs::read_to_string(&file).unwrap();
        for forbidden in ["tokio", "std::fs", "std::io", "TcpStream", "TcpListener", "std::thread"]
        {
            assert!(!text.contains(forbidden), "{} uses `{forbidden}`", file.display());
        }
    }
}

fn modules() -> impl Iterator<Item = (usize, &'static str)> {
    LAYERS
        .iter()
        .enumerate()
        .flat_map(|(level, names)| names.iter().map(move |name| (level, *name)))
}

/// The modules that a module's files name as `crate::…`, itself left out.
fn used_by(source: &Path, module: &str) -> BTreeSet<String> {
    let mut all = files(&source.join(module));
    all.push(source.join(format!("{module}.rs")));
    let mut used = BTreeSet::new();
    for file in all.iter().filter(|file| !file.ends_with("tests.rs")) {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for path in code.split("crate::").skip(1) {
            let name: String =
                path.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() && name != module {
                used.insert(name);
            }
        }
    }
    used
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
