//! Dependencies inside plexyd and plexyctl point one way: the orders below are the orders of
//! the houses, and a module uses only what stands before it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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
        "file",
    ],
    &["descriptors", "ledger", "queue", "refusal", "watch"],
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

/// Those of plexyctl.
const LAYERS_OF_CLIENT: &[&[&str]] = &[
    &["exit", "client", "safe", "invocation"],
    &["failure", "consequence"],
    &["complete", "tier", "declared"],
    &["args"],
    &["config", "manual"],
    &["answer"],
    &["link", "output"],
    &["commands"],
    &["dashboard", "own", "shell"],
    &["script"],
];

/// Those of plexyctl that are entered from each other, as somebody goes from the shell to the dashboard
/// and back: only they may.
const ROOMS_OF_CLIENT: &[&str] = &["dashboard", "own", "shell"];

#[test]
fn a_module_uses_only_what_stands_below_it() {
    for (program, layers, rooms) in
        [("plexyd", LAYERS, &[][..]), ("plexyctl", LAYERS_OF_CLIENT, ROOMS_OF_CLIENT)]
    {
        let source = source_of(program);
        let mut wrong = Vec::new();
        for (level, module) in modules(layers) {
            for used in used_by(&source, module) {
                let is_below = modules(layers).any(|(other, name)| name == used && other < level);
                let is_room = rooms.contains(&module) && rooms.contains(&used.as_str());
                if !is_below && !is_room {
                    wrong.push(format!("`{module}` uses `{used}`"));
                }
            }
        }
        assert!(wrong.is_empty(), "{program}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn every_module_has_its_layer() {
    for (program, layers) in [("plexyd", LAYERS), ("plexyctl", LAYERS_OF_CLIENT)] {
        let library = fs::read_to_string(source_of(program).join("lib.rs")).unwrap();
        let declared = library.lines().filter_map(|line| line.trim().strip_prefix("mod "));
        let declared: BTreeSet<_> = declared.map(|name| name.trim_end_matches(';')).collect();
        let known: BTreeSet<_> = modules(layers).map(|(_, name)| name).collect();
        assert_eq!(declared, known, "{program}");
    }
}

#[test]
fn the_dashboard_decides_without_doing_and_is_drawn_without_changing() {
    let dashboard = source_of("plexyctl").join("dashboard");
    let forbidden_in = |room: &str, forbidden: &[&str]| {
        let room = dashboard.join(room);
        let all = files(&room).into_iter().chain([room.with_extension("rs")]);
        for file in all.filter(|file| !is_test(file)) {
            let text = fs::read_to_string(&file).unwrap();
            let code = without_tests(&text);
            let found = forbidden.iter().find(|word| code.contains(**word));
            assert_eq!(found, None, "{}", file.display());
        }
    };
    let outside = ["tokio", "std::io", "std::fs", "std::env", "Instant", "SystemTime"];
    forbidden_in("update", &outside);
    forbidden_in("state", &outside);
    forbidden_in("view", &[&outside[..], &["&mut State"]].concat());
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

fn source_of(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(program).join("src")
}

fn modules(
    layers: &'static [&'static [&'static str]],
) -> impl Iterator<Item = (usize, &'static str)> {
    layers
        .iter()
        .enumerate()
        .flat_map(|(level, names)| names.iter().map(move |name| (level, *name)))
}

/// The modules that a module's files name as `crate::…`, itself left out.
fn used_by(source: &Path, module: &str) -> BTreeSet<String> {
    let mut all = files(&source.join(module));
    all.push(source.join(format!("{module}.rs")));
    let mut used = BTreeSet::new();
    for file in all.iter().filter(|file| !is_test(file)) {
        let text = fs::read_to_string(file).unwrap();
        let code = without_tests(&text);
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

/// Whether all of a file is only for tests.
fn is_test(file: &Path) -> bool {
    let is_named = |name: &str| file.components().any(|it| it.as_os_str() == name);
    ["tests", "tests.rs", "fixture", "fixture.rs", "scene", "scene.rs", "screens.rs"]
        .into_iter()
        .any(is_named)
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
