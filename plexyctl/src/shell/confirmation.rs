//! What is asked before something is done that cannot be taken back: with numbers, and with the command
//! that does the same without a shell.

use plexy_shared::command::{LiveChoice, Request};
use plexy_shared::connection::KillOrder;
use plexy_shared::rpc::ConnectionsParams;
use plexy_shared::spec::LiveAction;

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
    /// That of a request, with the command that does the same; none where nothing is asked. `live` is how many connections it is about, as
    /// far as that is known.
    pub(super) fn of(
        request: &Request,
        same_as: &str,
        live: Option<u64>,
        protected: Option<&str>,
    ) -> Option<Self> {
        let tier = Tier::of(request, live, protected);
        let question = match &tier {
            Tier::Free => return None,
            Tier::Yes => "go on? (y/N) ".to_owned(),
            Tier::Word(word) => format!("type `{word}` to go on: "),
        };
        let mut lines = vec![consequence(request, live)];
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

/// The connections that a request is about, whether it ends them or not; none where it is about none.
pub(super) fn concerned(request: &Request) -> Option<ConnectionsParams> {
    let (tunnel, filter) = match request {
        Request::Close { tunnel, .. } | Request::Switch { tunnel, .. } => (Some(tunnel), None),
        Request::Drain { tunnel, backend, .. } => {
            (Some(tunnel), backend.as_ref().map(|backend| format!("backend={backend}")))
        }
        Request::Remove { tunnel, backend, .. } => {
            (Some(tunnel), Some(format!("backend={}", backend.addr)))
        }
        Request::Disable { tunnel, backend } => (Some(tunnel), Some(format!("backend={backend}"))),
        Request::Kill(KillOrder::Where { tunnel, filter }) => {
            (tunnel.as_ref(), Some(filter.to_string()))
        }
        _ => return None,
    };
    let tunnel = tunnel.map(ToString::to_string);
    Some(ConnectionsParams { tunnel, filter, limit: Some(1), ..ConnectionsParams::default() })
}

/// What is about to happen, in a sentence.
fn consequence(request: &Request, live: Option<u64>) -> String {
    let connections = match live {
        None => "its connections".to_owned(),
        Some(0) => "no connections".to_owned(),
        Some(1) => "1 connection".to_owned(),
        Some(count) => format!("{count} connections"),
    };
    let is_idle = live == Some(0);
    let fate = |live: &LiveChoice| match live.action {
        LiveAction::Keep => "go on".to_owned(),
        LiveAction::Drain => "go on until they end, or the deadline".to_owned(),
        LiveAction::Kill => "are reset at once; there is no undo".to_owned(),
    };
    match request {
        Request::Close { tunnel, .. } if is_idle => {
            format!("{tunnel} stops listening; it has no connections")
        }
        Request::Close { tunnel, live } => {
            format!("{tunnel} stops listening; {connections}: {}", fate(live))
        }
        Request::Remove { tunnel, backend, live } => {
            let fate = live.as_ref().map_or_else(|| "as on-remove says".to_owned(), fate);
            format!("{} leaves {tunnel}; {connections}: {fate}", backend.addr)
        }
        Request::Switch { tunnel, live, .. } => {
            let fate = live.as_ref().map_or_else(|| "as on-remove says".to_owned(), fate);
            format!(
                "{tunnel} gets other backends; {connections}, those of backends that go: {fate}"
            )
        }
        Request::Drain { tunnel, backend, .. } => match backend {
            Some(backend) => {
                format!(
                    "{backend} of {tunnel} gets no new clients; {connections} may end by themselves"
                )
            }
            None => format!("{tunnel} stops listening; {connections} may end by themselves"),
        },
        Request::Disable { tunnel, backend } => {
            format!("{backend} of {tunnel} goes out of service; {connections}: as on-down says")
        }
        Request::Kill(KillOrder::Ids(ids)) => {
            let count = ids.len();
            format!("{count} connections are reset at once; there is no undo")
        }
        Request::Kill(KillOrder::Where { .. }) => {
            format!("{connections} that match are reset at once; there is no undo")
        }
        Request::Undo(1) => "the tunnels become what they were before the last change".to_owned(),
        Request::Undo(last) => {
            format!("the tunnels become what they were before the last {last} changes")
        }
        Request::Open(spec) => format!("{} is opened", spec.listen),
        Request::Add { tunnel, backend } => format!("{tunnel} gets {} too", backend.addr),
        Request::Set { tunnel, .. } => format!("options of {tunnel} change"),
        Request::SetBackend { tunnel, backend, .. } => {
            format!("attributes of {backend} of {tunnel} change")
        }
        Request::Enable { tunnel, .. } => format!("clients may come to {tunnel} again"),
        Request::Reload => "the configuration file and all certificates are read again".to_owned(),
        _ => "something changes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str, live: Option<u64>, protected: Option<&str>) -> Option<Confirmation> {
        let same_as = format!("plexyctl {line}");
        Confirmation::of(&Request::parse(line).unwrap().unwrap(), &same_as, live, protected)
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
                "web stops listening; 1108 connections may end by themselves",
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
        assert!(close.lines[0].contains("2 connections: are reset at once"), "{close:?}");
        assert!(close.is_given("web") && !close.is_given("y") && !close.is_given(""));
        let add = asked("add web 3", None, Some("prod")).unwrap();
        assert!(add.is_given("prod") && !add.is_given("y"));
    }
}
