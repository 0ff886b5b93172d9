//! Help and the manual pages: whole, and what the programs do.

use plexy_shared::command::VERBS;
use plexy_shared::spec::{ATTRIBUTES, OPTIONS};
use plexy_tests::tool::Tool;

use crate::process::{PLEXYCTL, PLEXYD, run};

/// The page of a program, as roff.
async fn page(program: &str) -> String {
    let argument = if program == PLEXYD { "--man" } else { "man" };
    run(program, &[argument]).await.success()
}

/// What `man` shows of it, in one line.
async fn shown(program: &str) -> Option<String> {
    let mandoc = Tool::find("mandoc", "mandoc")?;
    let shown = mandoc.run(["-Tutf8", "-Owidth=100"]).input(page(program).await).output().await;
    let plain: String = shown.success().chars().collect();
    // Bold and underlined letters are overstruck.
    let mut text = String::new();
    for character in plain.chars() {
        match character {
            '\u{8}' => drop(text.pop()),
            other => text.push(other),
        }
    }
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checker_of_manual_pages_has_nothing_to_say() {
    let Some(mandoc) = Tool::find("mandoc", "mandoc") else { return };
    for program in [PLEXYCTL, PLEXYD] {
        let checked = mandoc.run(["-Tlint", "-Wwarning"]).input(page(program).await).output().await;
        let said = format!("{}{}", checked.text(), checked.errors());
        assert_eq!((said.as_str(), checked.status.code()), ("", Some(0)), "{program}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_every_section_in_its_order() {
    let sections = |page: &str| -> Vec<String> {
        let titles = page.lines().filter_map(|line| line.strip_prefix(".SH "));
        titles.map(|title| title.trim_matches('"').to_owned()).collect()
    };
    let begin = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "COMMANDS"];
    let plexyctl = ["OPTIONS", "FILES", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO"];
    assert_eq!(sections(&page(PLEXYCTL).await), [&begin[..], &plexyctl].concat());
    let plexyd = ["TUNNELS", "OPTIONS", "FILES", "ENVIRONMENT", "SIGNALS", "PRIVILEGES"];
    let all = [&begin[..], &plexyd, &["EXIT STATUS", "SEE ALSO"]].concat();
    assert_eq!(sections(&page(PLEXYD).await), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_every_option_and_every_command() {
    for program in [PLEXYCTL, PLEXYD] {
        let Some(shown) = shown(program).await else { return };
        let help = run(program, &["--help"]).await.success();
        let (_, options) = help.split_once("\nOptions:\n").unwrap();
        let words = options.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let mut count = 0;
        // The two that every program has are no news.
        for option in words.filter(|word| word.starts_with("--") && word.len() > 2) {
            let is_known = ["--help", "--version"].contains(&option);
            assert!(is_known || shown.contains(option), "{option}: {shown}");
            count += 1;
        }
        assert!(count > 10, "{help}");
        for verb in VERBS.iter().filter(|verb| program == PLEXYD || !verb.methods.is_empty()) {
            let usage = format!("{} {}", verb.name, verb.usage);
            assert!(shown.contains(usage.trim_end()), "{usage}: {shown}");
            assert!(shown.contains(verb.examples[0].split(' ').next().unwrap()), "{usage}");
        }
    }
    let Some(of_client) = shown(PLEXYCTL).await else { return };
    let list = run(PLEXYCTL, &["help"]).await.success();
    let (_, own) = list.split_once("Of plexyctl alone:\n").unwrap();
    // What goes on from the line before stands further to the right.
    let is_row = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    for name in own.lines().filter(is_row).map(|row| row.split_whitespace().next().unwrap()) {
        let help = run(PLEXYCTL, &["help", name]).await.success();
        let inner = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
        let inner = inner
            .split("\n\n")
            .next()
            .unwrap()
            .lines()
            .filter(is_row)
            .filter_map(|row| row.split_whitespace().next());
        for command in inner.map(|inner| format!("{name} {inner}")).chain([name.to_owned()]) {
            assert!(of_client.contains(&command), "{command}: {of_client}");
        }
    }
    let Some(shown) = shown(PLEXYD).await else { return };
    let keys = OPTIONS.iter().map(|row| row.key).chain(ATTRIBUTES.iter().map(|row| row.key));
    for key in keys {
        assert!(shown.contains(key), "{key}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_lists_the_commands_and_explains_each() {
    let list = run(PLEXYCTL, &["help"]).await.success();
    assert!(run(PLEXYCTL, &["--help"]).await.success().contains(&list[..list.len() / 2]));
    for verb in VERBS.iter().filter(|verb| !verb.methods.is_empty()) {
        assert!(list.contains(&format!("\n  {} ", verb.name)), "{}: {list}", verb.name);
        let page = run(PLEXYCTL, &["help", verb.name]).await.success();
        let usage = format!("plexyctl [OPTIONS] {} {}", verb.name, verb.usage);
        assert!(page.starts_with(usage.trim_end()), "{page}");
        for part in ["\nExamples:\n  plexyctl ", "\nSee also: ", "\nIn JSON-RPC: "] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for alias in verb.aliases {
            assert_eq!(run(PLEXYCTL, &["help", alias]).await.success(), page);
        }
    }
    let grammar = run(PLEXYD, &["--help-tunnel"]).await.success();
    assert_eq!(run(PLEXYCTL, &["help", "tunnel"]).await.success(), grammar);
    let examples = run(PLEXYCTL, &["help", "examples"]).await.success();
    assert!(examples.lines().all(|line| line.starts_with("plexyctl ")), "{examples}");
    assert!(run(PLEXYCTL, &["help", "man"]).await.success().contains("Usage: plexyctl man"));

    let refused = run(PLEXYCTL, &["help", "opne"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.errors().contains("did you mean `open`?"), "{}", refused.errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_as_wide_as_a_narrow_terminal() {
    let program = plexy_tests::terminal::Program::new(PLEXYCTL, &["help", "drain"]);
    let mut terminal = program.size(40, 60).start();
    plexy_tests::eventually!(terminal.ended().is_some());
    plexy_tests::eventually!(terminal.shows("In JSON-RPC: drain"), "{}", terminal.screen());
    // Not a word is cut by the end of the line.
    let screen = terminal.screen().split_whitespace().collect::<Vec<_>>().join(" ");
    let drain = VERBS.iter().find(|verb| verb.name == "drain").unwrap();
    assert!(screen.contains(drain.help), "{screen}");
}
