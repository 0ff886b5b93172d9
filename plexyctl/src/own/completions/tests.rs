//! What the shells are told, without any.

use super::*;

fn told(shell: Shell, words: &[&str]) -> String {
    let words = words.iter().map(ToString::to_string).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(answer(&ToComplete { shell, words }))
}

#[test]
fn bash_gets_the_end_of_the_word_that_it_replaces() {
    let told = |line, replaced| told(Shell::Bash, &[line, replaced]);
    assert_eq!(told("plexyctl det", "det"), "detail \n");
    assert_eq!(told("plexyctl --output=j", "j"), "json \n");
    assert_eq!(told("plexyctl -o t", "t"), "table \n");
    let strategies = told("plexyctl open 3000=1[strategy=le", "le");
    assert_eq!(strategies, "least-conn\nleast-time\n");
    assert_eq!(told("plexyctl open 3000=1[strat", "1[strat"), "1\\[strategy=\n");
    assert_eq!(told("plexyctl open '3000=1[strat", "3000=1[strat"), "3000=1[strategy=\n");
    assert_eq!(told("plexyctl completions z", "z"), "zsh \n");
    assert_eq!(told("plexyctl nonsense ", ""), "");
}

#[test]
fn the_others_get_whole_words_with_what_they_are() {
    assert_eq!(told(Shell::Fish, &["completions", "z"]), "zsh\t\n");
    assert_eq!(told(Shell::Zsh, &["set", "db", "retr"]).split('\t').next(), Some("part"));
    let verbs = told(Shell::Zsh, &["pin"]);
    assert_eq!(verbs, "whole\tping\tanswers `pong`\n");
    assert_eq!(told(Shell::Fish, &[]), "");
}

#[test]
fn where_a_file_is_wanted_the_shell_is_told_so() {
    for words in [&["--ca", ""][..], &["load", "/etc/"], &["-f", ""], &["--token-file=x"]] {
        assert_eq!(told(Shell::Fish, words), format!("{FILES}\n"), "{words:?}");
    }
    assert_eq!(told(Shell::Fish, &["detail", ""]), "");
}
