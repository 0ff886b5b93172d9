//! How much a command asks of whoever gives it, before it is done. This module decides; it asks nobody,
//! and knows nothing of terminals.
//!
//! There are three tiers: what another command takes back asks nothing; what is felt by others, and can
//! be ended or done again, wants a yes; what resets live connections wants a word to be typed. In a
//! protected context every change is of the last tier.

use plexy_shared::command::Request;
use plexy_shared::connection::KillOrder;

use crate::consequence::{Known, verb_of_admin};
use crate::failure::Failure;

/// The word that ends many connections of many tunnels.
const KILL: &str = "kill";

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Nothing.
    Free,
    /// A yes.
    Yes,
    /// That this is typed: the name of what is about to lose connections, or of the context that is
    /// protected.
    Word(String),
}

impl Tier {
    /// That of a request, by what is known of what it is about: where nobody has looked, there may be
    /// connections. `protected` is the name of the context, where that is a protected one.
    pub(crate) fn of(request: &Request, known: &Known, protected: Option<&str>) -> Self {
        match (Self::by_itself(request, known), protected) {
            (Self::Word(word), _) => Self::Word(word),
            (_, Some(context)) if is_change(request) => Self::Word(context.to_owned()),
            (tier, _) => tier,
        }
    }

    fn by_itself(request: &Request, known: &Known) -> Self {
        let resets = known.resets(request);
        match request {
            Request::Kill(KillOrder::Where { tunnel, .. }) if known.live != Some(0) => {
                Self::Word(tunnel.as_ref().map_or_else(|| KILL.to_owned(), ToString::to_string))
            }
            Request::Close { tunnel, .. }
            | Request::Remove { tunnel, .. }
            | Request::Switch { tunnel, .. }
            | Request::Disable { tunnel, .. }
                if resets =>
            {
                Self::Word(tunnel.to_string())
            }
            Request::SetBackend { tunnel, .. } if resets => Self::Word(tunnel.to_string()),
            Request::Close { .. }
            | Request::Remove { .. }
            | Request::Switch { .. }
            | Request::Drain { .. }
            | Request::Disable { .. }
            | Request::Kill(_)
            | Request::Undo(_)
            | Request::Reload => Self::Yes,
            _ if verb_of_admin(request).is_some() => Self::Yes,
            _ => Self::Free,
        }
    }
}

/// Whether a request may go to a daemon without anybody being asked: in a protected context that nobody
/// has said yes to, only what changes nothing.
pub(crate) fn permitted(request: &Request, protected: Option<&str>) -> Result<(), Failure> {
    match protected.filter(|_| is_change(request)) {
        None => Ok(()),
        Some(context) => Err(unagreed(context)),
    }
}

/// A change in a protected context that nobody has said yes to.
pub(crate) fn unagreed(context: &str) -> Failure {
    let message = format!("the context `{context}` is protected: nothing was changed");
    Failure::usage(message).with_hint("`--yes` does it")
}

/// Whether a request may go to a daemon where nothing is to be changed, if that is said of the context.
pub(crate) fn writable(request: &Request, read_only: Option<&str>) -> Result<(), Failure> {
    match read_only.filter(|_| is_change(request)) {
        None => Ok(()),
        Some(context) => Err(unwritable(context)),
    }
}

/// A change in a context where there is to be none.
pub(crate) fn unwritable(context: &str) -> Failure {
    let message = format!("the context `{context}` is read-only: nothing was changed");
    Failure::usage(message).with_hint("a context that is not read-only can change something")
}

/// Whether it changes anything; `save` only waits for the disk. Without a wildcard, so that whoever adds
/// a verb decides.
pub(crate) fn is_change(request: &Request) -> bool {
    match request {
        Request::Open(_)
        | Request::Close { .. }
        | Request::Add { .. }
        | Request::Remove { .. }
        | Request::Drain { .. }
        | Request::Enable { .. }
        | Request::Disable { .. }
        | Request::Set { .. }
        | Request::SetBackend { .. }
        | Request::Switch { .. }
        | Request::Kill(_)
        | Request::Undo(_)
        | Request::Load(_)
        | Request::Reload
        | Request::Log(Some(_)) => true,
        Request::Status(_)
        | Request::Detail(_)
        | Request::Conns(_)
        | Request::Explain { .. }
        | Request::Events { .. }
        | Request::History(_)
        | Request::Save
        | Request::Export
        | Request::Log(None)
        | Request::Ping
        | Request::Version
        | Request::Help(_)
        | Request::Mode(_)
        | Request::Auth(_)
        | Request::Exit => false,
    }
}

#[cfg(test)]
mod tests {
    use plexy_shared::command::VERBS;
    use plexy_shared::rpc::MethodRow;
    use plexy_shared::spec::LiveAction;

    use super::*;

    fn request(line: &str) -> Request {
        Request::parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).expect(line)
    }

    #[track_caller]
    fn check(line: &str, live: Option<u64>, protected: Option<&str>, tier: &Tier) {
        let tier_of = Tier::of(&request(line), &Known::of(live), protected);
        assert_eq!(tier_of, *tier, "{line}, {live:?}");
    }

    fn word(text: &str) -> Tier {
        Tier::Word(text.to_owned())
    }

    #[test]
    fn what_can_be_taken_back_asks_nothing() {
        for line in ["open 1=2", "add web 3", "enable web", "set web retries=1", "log debug"] {
            check(line, None, None, &Tier::Free);
        }
        for line in ["set web admin=ready", "set web 3 admin=", "set web 3 weight=2"] {
            check(line, None, None, &Tier::Free);
        }
        for line in ["list", "conns", "export", "ping", "save"] {
            check(line, None, Some("prod"), &Tier::Free);
        }
    }

    #[test]
    fn what_others_feel_wants_a_yes() {
        for line in [
            "drain web",
            "disable web 3",
            "remove web 3",
            "switch web to 4",
            "close web drain",
            "kill 7355149516800000001",
            "undo",
            "reload",
            "set web admin=drain",
            "set web retries=1 admin=drain",
            "set web 3 admin=drain",
            "set web 3 weight=2 admin=disabled",
        ] {
            check(line, None, None, &Tier::Yes);
        }
    }

    #[test]
    fn what_resets_live_connections_wants_the_name() {
        for line in
            ["close web", "remove web 3 kill", "switch web to 4 kill", "kill web where idle>1s"]
        {
            for live in [None, Some(1), Some(1_108)] {
                check(line, live, None, &word("web"));
            }
            check(line, Some(0), None, &Tier::Yes);
        }
        check("close 3000", None, None, &word("127.0.0.1:3000"));
        check("kill where idle>1s", None, None, &word("kill"));
    }

    #[test]
    fn what_resets_them_because_the_options_say_so_wants_the_name_too() {
        let kill = Some(LiveAction::Kill);
        let known = Known { on_remove: kill, on_down: kill, ..Known::of(Some(3)) };
        let keeps = Known { on_remove: Some(LiveAction::Keep), on_down: None, ..known.clone() };
        for line in ["remove web 3", "switch web to 4", "disable web 3", "set web 3 admin=disabled"]
        {
            assert_eq!(Tier::of(&request(line), &known, None), word("web"), "{line}");
            assert_eq!(Tier::of(&request(line), &keeps, None), Tier::Yes, "{line}");
            let nobody = Known { live: Some(0), ..known.clone() };
            assert_eq!(Tier::of(&request(line), &nobody, None), Tier::Yes, "{line}");
        }
        for line in ["remove web 3 keep", "drain web", "close web drain"] {
            assert_eq!(Tier::of(&request(line), &known, None), Tier::Yes, "{line}");
        }
    }

    #[test]
    fn in_a_protected_context_every_change_wants_a_word() {
        for verb in VERBS {
            for example in verb.examples {
                let Ok(Some(request)) = Request::parse(example) else { continue };
                let tier = Tier::of(&request, &Known::of(Some(0)), Some("prod"));
                let expected = if is_change(&request) { word("prod") } else { Tier::Free };
                assert_eq!(tier, expected, "{example}");
            }
        }
        check("close web", Some(1), Some("prod"), &word("web"));
    }

    #[test]
    fn in_a_protected_context_a_change_wants_a_yes_that_was_given_before() {
        let refused = permitted(&request("add web 3"), Some("prod")).unwrap_err();
        assert!(refused.message.contains("`prod` is protected"), "{refused:?}");
        assert_eq!(refused.code, "usage");
        assert!(permitted(&request("add web 3"), None).is_ok());
        assert!(permitted(&request("list"), Some("prod")).is_ok());
    }

    #[test]
    fn where_nothing_is_changed_no_yes_helps() {
        let refused = writable(&request("add web 3"), Some("look")).unwrap_err();
        assert!(refused.message.contains("`look` is read-only"), "{refused:?}");
        // Whether there is another one is not known here.
        let hint = "a context that is not read-only can change something";
        assert_eq!(refused.hint.as_deref(), Some(hint));
        assert!(writable(&request("list"), Some("look")).is_ok());
        assert!(writable(&request("add web 3"), None).is_ok());
    }

    #[test]
    fn what_is_a_change_is_what_the_table_of_methods_calls_one() {
        let is_change_by_method = |method: &&str| MethodRow::named(method).unwrap().is_change;
        for verb in VERBS.iter().filter(|verb| !["save", "log"].contains(&verb.name)) {
            let of_table = verb.methods.iter().any(is_change_by_method);
            for example in verb.examples {
                assert_eq!(is_change(&request(example)), of_table, "{example}");
            }
        }
    }
}
