use super::*;
use crate::args::Args;

const FOLDER: &str = "/home/ops/.config/plexy";

fn parse(text: &str) -> Result<Config, Failure> {
    Config::parse(text, &Path::new(FOLDER).join("plexyctl.toml"))
}

fn target(file: &str, args: &str) -> Result<Target, Failure> {
    let args = std::iter::once("plexyctl").chain(args.split_whitespace()).map(Into::into);
    parse(file)?.target(&Args::read(args).unwrap().options)
}

fn credentials([ca, cert, key, name]: [&str; 4]) -> Credentials {
    let path = |text: &str| Some(PathBuf::from(text)).filter(|it| !it.as_os_str().is_empty());
    let server_name = Some(name.to_owned()).filter(|name| !name.is_empty());
    Credentials { ca: path(ca), cert: path(cert), key: path(key), server_name }
}

#[track_caller]
fn refused(text: &str, sentence: &str) {
    let failure = parse(text).expect_err(text);
    assert!(failure.message.contains(sentence), "{text}: {failure:?}");
    assert_eq!(failure.code, "usage");
}

const FILE_OF_ALL: &str = "endpoint = \"wss://a.example:9998\"\nca = \"ca.pem\"\n\
        cert = \"/etc/ops.pem\"\nkey = \"ops.key\"\nserver-name = \"b.example\"\n";

#[test]
fn the_file_of_the_user_counts_more_than_that_of_the_system() {
    let files = |variables: &[(&str, &str)]| {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name);
        let files = files(|name| found(name).map(|(_, value)| OsString::from(value)));
        files.map(|file| file.display().to_string()).collect::<Vec<_>>()
    };
    let system = "/etc/plexy/plexyctl.toml";
    assert_eq!(files(&[]), [system]);
    assert_eq!(files(&[("HOME", "/h")]), ["/h/.config/plexy/plexyctl.toml", system]);
    let both = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")];
    assert_eq!(files(&both), ["/x/plexy/plexyctl.toml", system]);
    // What is empty or relative says nothing, as the specification has it.
    let odd = [("HOME", ""), ("XDG_CONFIG_HOME", "x")];
    assert_eq!(files(&odd), [system]);
}

#[test]
fn all_of_it_is_read_and_paths_begin_in_its_folder() {
    let found = target(FILE_OF_ALL, "ping").unwrap();
    assert_eq!(found.endpoint.unwrap().to_string(), "wss://a.example:9998");
    let (ca, key) = (format!("{FOLDER}/ca.pem"), format!("{FOLDER}/ops.key"));
    let all = credentials([&ca, "/etc/ops.pem", &key, "b.example"]);
    assert_eq!(found.credentials, all);
    assert_eq!(parse("# nothing\n").unwrap(), Config::default());
}

#[test]
fn options_count_more_and_a_pair_comes_from_one_place() {
    let found = target(FILE_OF_ALL, "ping --cert /tmp/me.pem --ca /tmp/ca.pem").unwrap();
    let expected = credentials(["/tmp/ca.pem", "/tmp/me.pem", "", "b.example"]);
    assert_eq!(found.credentials, expected);
}

#[test]
fn what_the_file_says_of_one_daemon_holds_for_no_other() {
    let found = target(FILE_OF_ALL, "ping --endpoint wss://c.example:9998").unwrap();
    assert_eq!(found.credentials, Credentials::default());
    let same = target(FILE_OF_ALL, "ping --endpoint https://a.example:9998").unwrap();
    assert!(same.credentials.ca.is_some());
    let any = target("ca = \"/ca.pem\"", "ping --endpoint wss://c.example:9998").unwrap();
    assert_eq!(any.credentials, credentials(["/ca.pem", "", "", ""]));
}

#[test]
fn an_option_of_tls_without_tls_is_refused() {
    for (args, sentence) in [
        ("ping --ca a.pem", "`--ca` is for endpoints of TLS"),
        ("ping --endpoint ws://localhost:1 --key a.pem", "ws://localhost:1 is not"),
        ("--cert a.pem --endpoint unix:/run/rpc.sock ping", "`--cert` is for"),
    ] {
        let failure = target("", args).expect_err(args);
        assert!(failure.message.contains(sentence), "{args}: {failure:?}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    refused("endpiont = \"ws://a:1\"", "plexyctl.toml:1:1: unknown key `endpiont`");
    refused("ca = \"x\"\n  endpoint = \"a:1\"", "plexyctl.toml:2:14: `a:1` does not say how");
    refused("ca = 5", "plexyctl.toml:1:6: `ca` is a text in quotes");
    refused("ca = \"\"", "`ca` is a text in quotes");
    refused("ca = \"x", "plexyctl.toml:1:");
    refused("context = 5", "plexyctl.toml:1:11: `context` is a table");
    refused("context.a = 5", "`a` is a table");
    refused("[context.\"a b\"]", "`a b` is no name of a context");
    refused("[context.a]\nprotected = \"yes\"", "plexyctl.toml:2:13: `protected` is true or");
    refused("[context.a]\ncurrent-context = \"b\"", "unknown key `current-context`");
    let failure = parse("endpiont = \"ws://a:1\"").unwrap_err();
    assert_eq!(failure.suggestion.as_deref(), Some("endpoint"));
    assert_eq!(failure.place.unwrap().span, 0..8);
}

const CONTEXTS: &str = "current-context = \"lab\"\nendpoint = \"ws://top.example:1\"\n\
        [context.lab]\nendpoint = \"ws://lab.example:1\"\ntoken-file = \"lab.token\"\n\
        [context.prod]\nendpoint = \"wss://prod.example:1\"\nca = \"/ca.pem\"\nprotected = true\n";

#[track_caller]
fn goes_to(args: &str, endpoint: &str, protected: Option<&str>) {
    let found = target(CONTEXTS, args).unwrap_or_else(|failure| panic!("{args}: {failure:?}"));
    assert_eq!(found.endpoint.unwrap().to_string(), endpoint, "{args}");
    assert_eq!(found.protected.as_deref(), protected, "{args}");
}

#[test]
fn what_is_said_for_this_command_counts_more_than_the_current_context() {
    goes_to("ping", "ws://lab.example:1", None);
    goes_to("ping --context prod", "wss://prod.example:1", Some("prod"));
    goes_to("ping --endpoint ws://c.example:1", "ws://c.example:1", None);
    // By another way it is the same daemon.
    goes_to("ping --endpoint wss://prod.example:1", "wss://prod.example:1", Some("prod"));
    let lab = target(CONTEXTS, "ping").unwrap();
    assert_eq!(lab.token_file, Some(Path::new(FOLDER).join("lab.token")));
    assert_eq!(lab.context.as_deref(), Some("lab"));
    let other = target(CONTEXTS, "ping --endpoint ws://c.example:1").unwrap();
    assert_eq!((other.token_file, other.context), (None, None), "a token goes to its daemon");
}

#[test]
fn a_way_is_told_whole_to_whoever_goes_it_from_elsewhere() {
    #[track_caller]
    fn check(file: &str, args: &str, words: &str) {
        let args = format!("plexyctl ping {args}");
        let options = Args::read(args.split_whitespace().map(Into::into)).unwrap().options;
        let target = parse(file).unwrap().target(&options).unwrap();
        assert_eq!(target.words(&options).join(" "), words, "{args}");
    }
    check("", "", "");
    check("", "--token-file /a", "--token-file /a");
    // What the file says today, it may not say tomorrow.
    check(CONTEXTS, "", "--context lab");
    check(CONTEXTS, "--context prod --ca /b.pem", "--context prod --ca /b.pem");
    check(
        "endpoint = \"ws://a:1\"\ntoken-file = \"/a\"",
        "",
        "--endpoint ws://a:1 --token-file /a",
    );
    let tls = "endpoint = \"wss://a:1\"\nca = \"/ca.pem\"\ncert = \"/c.pem\"\nkey = \"/k.pem\"";
    let words = "--endpoint wss://a:1 --ca /ca.pem --cert /c.pem --key /k.pem";
    check(tls, "", words);
    check(tls, "--server-name b", &format!("{words} --server-name b"));
    check(tls, "--endpoint unix:/b.sock", "--endpoint unix:/b.sock");
    let here = std::env::current_dir().unwrap();
    let relative = format!("--endpoint ws://a:1 --token-file {}/t", here.display());
    check("", "--endpoint ws://a:1 --token-file t", &relative);
}

#[test]
fn where_nothing_is_changed_it_is_so_by_every_way() {
    let file = "[context.look]\nendpoint = \"ws://a.example:1\"\nread-only = true";
    for args in ["ping --context look", "ping --endpoint ws://a.example:1"] {
        assert_eq!(target(file, args).unwrap().read_only.as_deref(), Some("look"), "{args}");
    }
    assert_eq!(target(file, "ping").unwrap().read_only, None);
    refused("[context.a]\nread-only = 1", "plexyctl.toml:2:13: `read-only` is true or false");
}

#[test]
fn two_ways_at_once_are_none() {
    let both = "ping --context prod --endpoint ws://c.example:1";
    let failure = target(CONTEXTS, both).unwrap_err();
    assert_eq!(failure.message, "`--endpoint` and `--context` do not go together");
    let failure = target(CONTEXTS, "ping --context prdo").unwrap_err();
    assert_eq!(failure.suggestion.as_deref(), Some("prod"));
    let failure = target("current-context = \"gone\"", "ping").unwrap_err();
    assert!(failure.details[0].contains("plexyctl.toml"), "{failure:?}");
}

#[test]
fn the_users_contexts_stand_over_those_of_the_system() {
    let user = parse("[context.a]\nendpoint = \"ws://user.example:1\"").unwrap();
    let system = "current-context = \"b\"\nendpoint = \"ws://top.example:1\"\n[context.a]\n\
                      endpoint = \"ws://system.example:1\"\n[context.b]\n";
    let both = user.over(Config::parse(system, Path::new("/etc/plexy/plexyctl.toml")).unwrap());
    let endpoint = |way: &Way| way.endpoint.as_ref().unwrap().to_string();
    assert_eq!(endpoint(&both.context("a").unwrap().way), "ws://user.example:1");
    assert_eq!(endpoint(&both.way), "ws://top.example:1");
    assert_eq!(both.current(), Some("b"));
}

#[test]
fn each_value_is_told_with_where_it_comes_from() {
    let args = "plexyctl ping --context prod --server-name b.example";
    let args = Args::read(args.split_whitespace().map(Into::into)).unwrap();
    let settings = parse(CONTEXTS).unwrap().settings(&args.options).unwrap();
    let told: Vec<_> = settings
        .iter()
        .map(|it| (it.key, it.value.as_deref().unwrap_or("-"), it.origin.to_string()))
        .collect();
    let file = format!("context `prod` in {FOLDER}/plexyctl.toml");
    let by = |text: &str| text.to_owned();
    let expected = [
        ("context", "prod", by("`--context`")),
        ("endpoint", "wss://prod.example:1", file.clone()),
        ("ca", "/ca.pem", file.clone()),
        ("cert", "-", by("default")),
        ("key", "-", by("default")),
        ("server-name", "b.example", by("`--server-name`")),
        ("token-file", "-", by("default")),
        ("protected", "true", file),
        ("read-only", "false", by("default")),
    ];
    assert_eq!(told, expected);
}
