//! What a change does to live connections, in sentences for whoever is about to be asked, and the command
//! that does the same elsewhere. This module asks nobody, and knows nothing of terminals.

use std::time::Duration;

use plexy_shared::command::{LiveChoice, Request, word_spans};
use plexy_shared::connection::KillOrder;
use plexy_shared::rpc::ConnectionsParams;
use plexy_shared::spec::{
    AdminState, BackendOptions, LiveAction, SettingRow, Settings, TunnelOptions,
};
use plexy_shared::units::{counted, show_duration};

use crate::invocation::shell_command;

/// What is known of what a request is about. Where nothing is, the sentences tell less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// How many live connections it is about.
    pub(crate) live: Option<u64>,
    /// Where its tunnel listens.
    pub(crate) listen: Option<String>,
    /// Whether it is known what its options say: the three below.
    pub(crate) has_options: bool,
    /// When those that drain are reset, where the request does not say.
    pub(crate) deadline: Option<Duration>,
    /// What those of a backend get that is removed, where the request does not say.
    pub(crate) on_remove: Option<LiveAction>,
    /// What those of a backend get that goes out of service.
    pub(crate) on_down: Option<LiveAction>,
}

impl Known {
    /// Where only connections were counted.
    pub(crate) fn of(live: Option<u64>) -> Self {
        Self { live, ..Self::default() }
    }

    /// With what the options of its tunnel say.
    pub(crate) fn with(self, options: &TunnelOptions) -> Self {
        Self {
            has_options: true,
            deadline: options.drain_deadline,
            on_remove: Some(options.on_remove),
            on_down: Some(options.on_down),
            ..self
        }
    }

    /// Whether the options say something else than they said here.
    pub(crate) fn is_otherwise(&self, now: &Self) -> bool {
        let without_live = |known: &Self| Self { live: None, ..known.clone() };
        self.has_options && now.has_options && without_live(self) != without_live(now)
    }

    /// Whether live connections are reset by that at once, as far as that is known.
    pub(crate) fn resets(&self, request: &Request) -> bool {
        let chosen = |live: &Option<LiveChoice>| live.as_ref().map(|live| live.action);
        let verb = verb_of_admin(request);
        let action = match verb.as_ref().unwrap_or(request) {
            Request::Close { live, .. } => Some(live.action),
            Request::Remove { live, .. } | Request::Switch { live, .. } => {
                chosen(live).or(self.on_remove)
            }
            Request::Disable { .. } => self.on_down,
            _ => None,
        };
        self.live != Some(0) && action == Some(LiveAction::Kill)
    }

    fn connections(&self) -> String {
        self.live.map_or_else(|| "its connections".to_owned(), |it| counted(it, "open connection"))
    }

    fn is(&self, one: &'static str, several: &'static str) -> &'static str {
        if self.live == Some(1) { one } else { several }
    }

    /// What becomes of them.
    fn fate(&self, action: Option<LiveAction>, deadline: Option<Duration>, option: &str) -> String {
        if self.live == Some(0) {
            return "It has no connections.".to_owned();
        }
        let connections = capital(&self.connections());
        match action {
            None => format!("{connections} {} what {option} says.", self.is("gets", "get")),
            Some(LiveAction::Keep) => format!("{connections} {} on.", self.is("goes", "go")),
            Some(LiveAction::Kill) => {
                format!("{connections} {} reset at once. There is no undo.", self.is("is", "are"))
            }
            Some(LiveAction::Drain) => {
                let (keep, end, are) = (
                    self.is("keeps", "keep"),
                    self.is("it ends", "they end"),
                    self.is("it is", "they are"),
                );
                let bound = match deadline.or(self.deadline).map(show_duration) {
                    Some(bound) => format!(", at most {bound}; then {are} reset"),
                    None if self.has_options => String::new(),
                    None => ", or as long as drain-deadline says".to_owned(),
                };
                format!("{connections} {keep} running until {end}{bound}.")
            }
        }
    }

    fn chosen(&self, live: &LiveChoice) -> String {
        self.fate(Some(live.action), live.deadline, "")
    }

    fn on_remove(&self, live: Option<&LiveChoice>) -> String {
        live.map_or_else(|| self.fate(self.on_remove, None, "on-remove"), |live| self.chosen(live))
    }
}

/// The verb that does what a `set` does that lets no clients come any more: it is no less for being
/// called an option.
pub(crate) fn verb_of_admin(request: &Request) -> Option<Request> {
    let (tunnel, backend, admin, deadline) = match request {
        Request::Set { tunnel, settings } => {
            let options = applied::<_, TunnelOptions>(settings);
            // What it sets holds for those that drain by it.
            (tunnel, None, options.admin, options.drain_deadline)
        }
        Request::SetBackend { tunnel, backend, settings } => {
            (tunnel, Some(backend), applied::<_, BackendOptions>(settings).admin, None)
        }
        _ => return None,
    };
    let tunnel = tunnel.clone();
    match (admin, backend.cloned()) {
        (AdminState::Ready, _) => None,
        (AdminState::Disabled, Some(backend)) => Some(Request::Disable { tunnel, backend }),
        (AdminState::Drain | AdminState::Disabled, backend) => {
            Some(Request::Drain { tunnel, backend, deadline })
        }
    }
}

/// What settings make of options that say nothing else.
fn applied<R: SettingRow<Of = O>, O: Default>(settings: &Settings<R>) -> O {
    let mut options = O::default();
    settings.apply(&mut options);
    options
}

/// The connections that a request is about, whether it ends them or not; none where it is about none.
pub(crate) fn concerned(request: &Request) -> Option<ConnectionsParams> {
    let verb = verb_of_admin(request);
    let (tunnel, filter) = match verb.as_ref().unwrap_or(request) {
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

/// What is about to happen, in sentences.
pub(crate) fn consequence(request: &Request, known: &Known) -> String {
    let at = |tunnel: &dyn ToString| known.listen.clone().unwrap_or_else(|| tunnel.to_string());
    // Where other options change too, that is what is felt.
    let verb = verb_of_admin(request);
    match verb.as_ref().unwrap_or(request) {
        Request::Close { tunnel, live } => {
            format!("{} stops listening. {}", at(tunnel), known.chosen(live))
        }
        Request::Remove { tunnel, backend, live } => {
            format!("{} leaves {tunnel}. {}", backend.addr, known.on_remove(live.as_ref()))
        }
        Request::Switch { tunnel, live, .. } => {
            let fate = known.on_remove(live.as_ref());
            format!("{tunnel} gets other backends. Those that go: {}", small(&fate))
        }
        Request::Drain { tunnel, backend, deadline } => {
            let fate = known.fate(Some(LiveAction::Drain), *deadline, "");
            match backend {
                Some(backend) => format!("{backend} of {tunnel} gets no new clients. {fate}"),
                None => format!("{} stops accepting. {fate}", at(tunnel)),
            }
        }
        Request::Disable { tunnel, backend } => {
            let fate = known.fate(known.on_down, None, "on-down");
            format!("{backend} of {tunnel} goes out of service. {fate}")
        }
        Request::Kill(KillOrder::Ids(ids)) if ids.len() == 1 => {
            "The client sees a reset. There is no undo.".to_owned()
        }
        Request::Kill(KillOrder::Ids(ids)) => {
            format!("{} clients see a reset. There is no undo.", ids.len())
        }
        Request::Kill(KillOrder::Where { .. }) => {
            let (match_it, are) = (known.is("matches is", "match are"), known.connections());
            format!("{} that {match_it} reset at once. There is no undo.", capital(&are))
        }
        Request::Undo(1) => "The tunnels become what they were before the last change.".to_owned(),
        Request::Undo(last) => {
            format!("The tunnels become what they were before the last {last} changes.")
        }
        Request::Open(spec) => format!("{} is opened.", spec.listen),
        Request::Add { tunnel, backend } => format!("{tunnel} gets {} too.", backend.addr),
        Request::Set { tunnel, .. } => format!("Options of {tunnel} change."),
        Request::SetBackend { tunnel, backend, .. } => {
            format!("Attributes of {backend} of {tunnel} change.")
        }
        Request::Enable { tunnel, backend: None } => {
            format!("Clients may come to {tunnel} again.")
        }
        Request::Enable { tunnel, backend: Some(backend) } => {
            format!("Clients may come to {backend} of {tunnel} again.")
        }
        Request::Reload => "The configuration file and all certificates are read again.".to_owned(),
        _ => "Something changes.".to_owned(),
    }
}

/// The command that does the same as a line in any shell.
pub(crate) fn same_as(line: &str, way: &[String], is_protected: bool) -> String {
    let words = word_spans(line).into_iter().filter_map(|span| line.get(span)).map(str::to_owned);
    let yes = is_protected.then(|| "--yes".to_owned());
    shell_command(way.iter().cloned().chain(words).chain(yes))
}

fn capital(text: &str) -> String {
    cased(text, char::to_uppercase)
}

fn small(text: &str) -> String {
    cased(text, char::to_lowercase)
}

fn cased<I: Iterator<Item = char>>(text: &str, first: fn(char) -> I) -> String {
    let mut letters = text.chars();
    let begin: String = letters.next().into_iter().flat_map(first).collect();
    begin + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, known: &Known, expected: &str) {
        let request = Request::parse(line).unwrap().unwrap();
        assert_eq!(consequence(&request, known), expected, "{line}");
    }

    #[test]
    fn a_sentence_tells_what_becomes_of_how_many() {
        let some = Known::of(Some(1_108));
        check(
            "close web",
            &some,
            "web stops listening. 1108 open connections are reset at once. There is no undo.",
        );
        check(
            "close web drain deadline=30s",
            &Known::of(Some(1)),
            "web stops listening. 1 open connection keeps running until it ends, at most 30s; then it is reset.",
        );
        check(
            "remove web 1",
            &some,
            "127.0.0.1:1 leaves web. 1108 open connections get what on-remove says.",
        );
        check("enable web", &some, "Clients may come to web again.");
        check("enable web 1", &some, "Clients may come to 127.0.0.1:1 of web again.");
        check("close web", &Known::of(Some(0)), "web stops listening. It has no connections.");
        check(
            "kill where idle>1h",
            &some,
            "1108 open connections that match are reset at once. There is no undo.",
        );
    }

    #[test]
    fn a_setting_that_lets_no_clients_come_is_told_like_its_verb() {
        let some = Known::of(Some(2));
        for (setting, verb) in [
            ("set web admin=drain", "drain web"),
            ("set web 1 weight=2 admin=drain", "drain web 1"),
            ("set web 1 admin=disabled", "disable web 1"),
        ] {
            let [setting, verb] = [setting, verb].map(|it| Request::parse(it).unwrap().unwrap());
            assert_eq!(consequence(&setting, &some), consequence(&verb, &some), "{setting:?}");
            assert_eq!(concerned(&setting), concerned(&verb), "{setting:?}");
        }
        check("set web admin=ready", &some, "Options of web change.");
    }

    #[test]
    fn what_the_tunnel_says_stands_where_the_command_says_nothing() {
        let known = Known {
            live: Some(2),
            listen: Some("0.0.0.0:80".to_owned()),
            has_options: true,
            deadline: Some(Duration::from_secs(45)),
            on_remove: Some(LiveAction::Kill),
            on_down: Some(LiveAction::Keep),
        };
        check(
            "drain web",
            &known,
            "0.0.0.0:80 stops accepting. 2 open connections keep running until they end, at most 45s; then they are reset.",
        );
        check(
            "remove web 1",
            &known,
            "127.0.0.1:1 leaves web. 2 open connections are reset at once. There is no undo.",
        );
        check(
            "disable web 1",
            &known,
            "127.0.0.1:1 of web goes out of service. 2 open connections go on.",
        );
    }

    #[test]
    fn the_same_command_goes_the_same_way() {
        let way = ["--context".to_owned(), "prod".to_owned()];
        assert_eq!(same_as("close *:80", &way, true), "plexyctl --context prod close '*:80' --yes");
    }
}
