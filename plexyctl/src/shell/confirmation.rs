//! What is asked before something is done that cannot be taken back: with numbers, and with the command
//! that does the same without a shell.

use plexy_shared::command::Request;

use crate::consequence::{Known, consequence};
use crate::tier::Tier;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confirmation {
    /// What is about to happen, a line each.
    pub(super) lines: Vec<String>,
    /// What to answer.
    pub(super) question: String,
    tier: Tier,
}

impl Confirmation {
    /// That of a request, with the command that does the same; none where nothing is asked.
    pub(super) fn of(
        request: &Request,
        same_as: &str,
        known: &Known,
        protected: Option<&str>,
    ) -> Option<Self> {
        let tier = Tier::of(request, known, protected);
        let question = match &tier {
            Tier::Free => return None,
            Tier::Yes => "go on? (y/N) ".to_owned(),
            Tier::Word(word) => format!("type `{word}` to go on: "),
        };
        let mut lines = vec![consequence(request, known)];
        lines.extend(protected.map(|context| format!("the context `{context}` is protected")));
        lines.push(format!("same as: {same_as}"));
        Some(Self { lines, question, tier })
    }

    /// Whether that answer means that it should be done.
    pub(super) fn is_given(&self, answer: &str) -> bool {
        match &self.tier {
            Tier::Free => true,
            Tier::Yes => ["y", "yes"].iter().any(|yes| answer.eq_ignore_ascii_case(yes)),
            Tier::Word(word) => answer == word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str, live: Option<u64>, protected: Option<&str>) -> Option<Confirmation> {
        let same_as = format!("plexyctl {line}");
        let request = Request::parse(line).unwrap().unwrap();
        Confirmation::of(&request, &same_as, &Known::of(live), protected)
    }

    #[test]
    fn what_can_be_taken_back_is_not_asked() {
        assert_eq!(asked("add web 3", None, None), None);
        assert_eq!(asked("enable web", Some(7), None), None);
    }

    #[test]
    fn a_yes_is_enough_for_what_ends_by_itself() {
        let drain = asked("drain web deadline=1m", Some(1108), None).unwrap();
        assert_eq!(
            drain.lines,
            [
                "web stops accepting. 1108 open connections keep running until they end, at most 1m; then they are reset.",
                "same as: plexyctl drain web deadline=1m",
            ]
        );
        assert!(drain.is_given("y") && drain.is_given("YES"));
        assert!(!drain.is_given("") && !drain.is_given("web"));
    }

    #[test]
    fn the_name_is_wanted_for_what_resets() {
        let close = asked("close web", Some(2), None).unwrap();
        assert_eq!(close.question, "type `web` to go on: ");
        assert!(close.lines[0].contains("2 open connections are reset at once"), "{close:?}");
        assert!(close.is_given("web") && !close.is_given("y") && !close.is_given(""));
        let add = asked("add web 3", None, Some("prod")).unwrap();
        assert!(add.is_given("prod") && !add.is_given("y"));
    }
}
