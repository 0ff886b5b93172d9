use super::snapshot::KnownTunnel;
use super::*;
use crate::args;

fn tunnel(listen: &str, name: Option<&str>, backends: &[&str]) -> KnownTunnel {
    KnownTunnel {
        listen: listen.to_owned(),
        name: name.map(str::to_owned),
        summary: "1/2 up".to_owned(),
        is_down: false,
        backends: backends.iter().map(ToString::to_string).collect(),
    }
}

fn snapshot() -> Snapshot {
    let connection = |id: &str| KnownConnection { id: id.to_owned(), summary: String::new() };
    Snapshot {
        tunnels: vec![
            tunnel("0.0.0.0:8080", Some("web"), &["10.0.0.1:80", "10.0.0.2:80"]),
            tunnel("127.0.0.1:5432", None, &["db.example:5432"]),
            tunnel("127.0.0.1:5433", Some("db-ro"), &["10.0.0.1:80"]),
        ],
        connections: vec![connection("7355149516800000001"), connection("7355149516800000002")],
    }
}

/// The lines that completing could make of one, each up to where it ends.
fn lines(line: &str) -> Vec<String> {
    let completion = complete(line, line.len(), &snapshot(), &args::command());
    let with = |it: Candidate| {
        assert_eq!(it.span.end, line.len());
        format!("{}{}{}", &line[..it.span.start], it.text, if it.is_whole { " " } else { "" })
    };
    completion.candidates.into_iter().map(with).collect()
}

#[track_caller]
fn check(line: &str, expected: &[&str]) {
    assert_eq!(lines(line), expected, "{line}");
}

#[test]
fn verbs_and_commands_of_the_client_are_offered() {
    check("dr", &["drain "]);
    check("she", &["shell "]);
    check("DRA", &["drain "]);
    assert!(lines("").contains(&"open ".to_owned()));
    check("nothing ", &[]);
}

#[test]
fn tunnels_are_offered_by_name_and_by_a_typed_address() {
    check("detail ", &["detail web ", "detail 127.0.0.1:5432 ", "detail db-ro "]);
    check("detail 127.0.0.1:5", &["detail 127.0.0.1:5432 ", "detail 127.0.0.1:5433 "]);
    check("detail W", &["detail web "]);
    check("detail web ", &[]);
}

#[test]
fn backends_are_those_of_the_tunnel() {
    check("remove web ", &["remove web 10.0.0.1:80 ", "remove web 10.0.0.2:80 "]);
    check("disable 5432 ", &["disable 5432 db.example:5432 "]);
    check("remove web 10.0.0.1:80 dr", &["remove web 10.0.0.1:80 drain "]);
    check("remove web 10.0.0.1:80 drain ", &["remove web 10.0.0.1:80 drain deadline="]);
    check("remove none ", &[]);
}

#[test]
fn options_and_their_values_are_offered_within_a_specification() {
    check("open 3000=10.0.0.1:80[strat", &["open 3000=10.0.0.1:80[strategy="]);
    check(
        "open 3000=10.0.0.1:80[strategy=r",
        &["open 3000=10.0.0.1:80[strategy=random", "open 3000=10.0.0.1:80[strategy=round-robin"],
    );
    check("open 1=2[name=a, retr", &["open 1=2[name=a, retries="]);
    check("open 1=2[backend-t", &["open 1=2[backend-tls"]);
    check("open 1=10.0.0.1", &["open 1=10.0.0.1:80"]);
    check("open 1=2+ba", &["open 1=2+backup"]);
    check("open 1=2+admin=dr", &["open 1=2+admin=drain"]);
    check("add web 10.0.0.9:80+we", &["add web 10.0.0.9:80+weight="]);
    check("open ", &[]);
}

#[test]
fn settings_are_offered_for_a_tunnel_and_for_a_backend() {
    check("set web strat", &["set web strategy="]);
    check("set web strategy=le", &["set web strategy=least-conn", "set web strategy=least-time"]);
    check("set web retries=2 strat", &["set web retries=2 strategy="]);
    check("set web 10.0.0.2:80 adm", &["set web 10.0.0.2:80 admin="]);
    assert!(lines("set web ").contains(&"set web 10.0.0.2:80 ".to_owned()));
}

#[test]
fn connections_and_their_tests_are_offered() {
    check("kill 7", &["kill 7355149516800000001 ", "kill 7355149516800000002 "]);
    assert!(complete("kill ", 5, &snapshot(), &args::command()).is_connection);
    check("conns wh", &["conns where "]);
    check("conns where ph", &["conns where phase="]);
    check("conns where phase=re", &["conns where phase=relaying "]);
    check("conns where tunnel!=we", &["conns where tunnel!=web "]);
    check("conns where backend = db", &["conns where backend = db.example:5432 "]);
    check("conns where idle>1m an", &["conns where idle>1m and "]);
    check(
        "conns sort -byt",
        &["conns sort -bytes ", "conns sort -bytes-in ", "conns sort -bytes-out "],
    );
}

#[test]
fn options_of_the_program_are_offered_anywhere() {
    check("list --out", &["list --output "]);
    check("list --output=j", &["list --output=json "]);
    check("list -o j", &["list -o json "]);
    check("-o json deta", &["-o json detail "]);
    check("detail -o json we", &["detail -o json web "]);
    let file = complete("list --ca ", 10, &snapshot(), &args::command());
    assert!(file.is_file && file.candidates.is_empty(), "{file:?}");
    assert!(complete("load ", 5, &snapshot(), &args::command()).is_file);
}

#[test]
fn only_what_stands_before_the_place_counts() {
    let completion = complete("deta web", 4, &snapshot(), &args::command());
    assert_eq!(completion.candidates[0].text, "detail");
    assert_eq!(completion.candidates[0].span, 0..4);
}

#[test]
fn no_line_is_too_strange() {
    for line in
        ["\"", "open \"", "open 3[", "set web =", "conns where =", "kill é", "-", "--=", "é"]
    {
        for position in 0..=line.len() + 1 {
            complete(line, position, &snapshot(), &args::command());
        }
    }
}
