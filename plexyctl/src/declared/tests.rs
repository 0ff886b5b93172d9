use std::fs;

use super::*;

/// Reads files of a folder, which are these.
fn read(files: &[(&str, &str)]) -> Result<Declared, Failure> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Declared::read(folder.path())
}

#[track_caller]
fn check(files: &[(&str, &str)], specs: &[&str]) {
    let declared = read(files).unwrap_or_else(|failure| panic!("{failure:?}"));
    let found: Vec<_> = declared.specs.iter().map(ToString::to_string).collect();
    assert_eq!(found, specs, "{files:?}");
    assert_eq!(declared.origins.len(), specs.len());
}

/// Each mistake as `file:line:column: sentence`, the folder left out.
#[track_caller]
fn refused(files: &[(&str, &str)], sentences: &[&str]) {
    let failure = read(files).expect_err(&format!("{files:?}"));
    assert_eq!(failure.code, "usage");
    let at = |origin: &Origin| {
        let file = Path::new(&origin.file).file_name().unwrap().to_str().unwrap().to_owned();
        format!("{file}:{}:{}: ", origin.line, origin.column)
    };
    let found = match &failure.origin {
        Some(origin) => vec![at(origin) + &failure.message],
        None => {
            let told =
                failure.details.iter().map(|it| it.rsplit_once('/').map_or(&**it, |it| it.1));
            told.map(str::to_owned).collect()
        }
    };
    let is_same = |(found, expected): (&String, &&str)| found.starts_with(expected);
    assert!(
        found.len() == sentences.len() && found.iter().zip(sentences).all(is_same),
        "{found:#?} is not {sentences:#?}"
    );
}

#[test]
fn the_same_tunnels_are_read_in_every_format() {
    let specs = ["127.0.0.1:1=127.0.0.1:2[name=a]", "127.0.0.1:3=unix:/a"];
    check(&[("a.toml", "tunnels = [\n  \"1=2[name=a]\", # the first\n  '3=unix:/a',\n]")], &specs);
    check(
        &[("a.json", r#"{"revision": 3, "tunnels": ["1=2[name=a]", "3=\u0075nix:/a"]}"#)],
        &specs,
    );
    check(&[("a.plexy", "# two\n\n\t1=2[name=a]\r\n  3=unix:/a")], &specs);
    check(&[("a.toml", "tunnels = []")], &[]);
    check(&[("a.json", r#"{"tunnels": []}"#)], &[]);
}

#[test]
fn files_of_a_folder_are_one_set_in_the_order_of_their_names() {
    check(
        &[
            ("20.toml", "tunnels = [\"3=4\"]"),
            ("10.plexy", "1=2"),
            ("30.json", r#"{"tunnels":["5=6"]}"#),
            (".10.plexy", "1=9"),
            ("README.md", "7=8"),
        ],
        &["127.0.0.1:1=127.0.0.1:2", "127.0.0.1:3=127.0.0.1:4", "127.0.0.1:5=127.0.0.1:6"],
    );
}

#[test]
fn settings_of_plexyd_are_read_over_and_told() {
    let declared = read(&[("a.toml", "workers = 2\nlog-level = \"info\"\ntunnels = [\"1=2\"]")]);
    let notes = declared.unwrap().notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("`workers` is none of a tunnel's")), "{notes:?}");
}

#[test]
fn every_mistake_is_told_with_its_place() {
    refused(
        &[
            ("a.toml", "tunnels = [\n  \"1=2[stratgy=x]\",\n  7,\n  'ä', \"3=4\"]"),
            ("b.json", "{\"tunnels\": [\n\"5=\", false]}"),
            ("c.plexy", "6=7\n  8=9[retries=x]\n"),
        ],
        &[
            "a.toml:2:8: unknown option `stratgy`; did you mean `strategy`?",
            "a.toml:3:3: a tunnel is a specification in quotes",
            "a.toml:4:",
            "b.json:2:",
            "b.json:2:7: a tunnel is a specification in quotes",
            "c.plexy:2:15: ",
        ],
    );
}

#[test]
fn one_mistake_is_shown_where_it_is() {
    let failure = read(&[("a.toml", "tunnels = [\"1=2[stratgy=x]\"]")]).unwrap_err();
    let place = failure.place.unwrap();
    assert_eq!(place.text.get(place.span), Some("stratgy"));
    assert_eq!(failure.suggestion.as_deref(), Some("strategy"));
}

#[test]
fn two_on_one_address_or_of_one_name_are_a_mistake_in_whichever_file() {
    refused(&[("a.plexy", "1=2\n127.0.0.1:1=3")], &["a.plexy:2:1: the tunnel of "]);
    refused(
        &[("a.plexy", "1=2[name=a]"), ("b.toml", "tunnels = [\"3=4[name=A]\"]")],
        &["b.toml:1:12: the tunnel of "],
    );
    check(&[("a.plexy", "0=2\n0=3")], &["127.0.0.1:0=127.0.0.1:2", "127.0.0.1:0=127.0.0.1:3"]);
}

#[test]
fn what_says_nothing_of_tunnels_is_no_declaration() {
    for text in ["", "# nothing\n"] {
        let failure = read(&[("a.plexy", text)]).unwrap_err();
        assert!(failure.message.contains("declares no tunnels"), "{failure:?}");
    }
    assert!(read(&[("a.toml", "workers = 2")]).unwrap_err().message.contains("declares no"));
    refused(&[("a.toml", "tunnel = [\"1=2\"]")], &["a.toml:1:1: unknown key `tunnel`"]);
    refused(&[("a.json", "{\"tunels\": []}")], &["a.json:1:12: unknown key `tunels`"]);
    refused(&[("a.toml", "tunnels = 3")], &["a.toml:1:11: `tunnels` is a list"]);
    refused(&[("a.json", "{\"tunnels\": {}}")], &["a.json:1:13: `tunnels` is a list"]);
    refused(&[("a.json", "{\"tunnels\": [}")], &["a.json:1:14: expected value"]);
    refused(&[("a.toml", "tunnels = [\"1=2\"")], &["a.toml:1:"]);
    assert!(read(&[("a.txt", "1=2")]).unwrap_err().message.contains("has no files to read"));
}
