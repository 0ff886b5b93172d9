//! Answers for people: what changed, and what may come next.

use plexy_shared::connection::{ConnectionsReply, KillReply};
use plexy_shared::event::{Event, EventsReply};
use plexy_shared::info::{
    AppliedInfo, AppliesTo, BackendReply, Change, CloseReply, LiveCounts, OpenReply, StatusReply,
};
use plexy_shared::spec::{TunnelRef, TunnelSpec};
use plexy_shared::word::Word;

use super::Written;
use super::difference;
use super::export;
use super::health;
use super::layout::Layout;
use super::safe::safe;
use super::screen::Screen;
use super::table;
use super::trial;
use super::units::{age, some};
use crate::answer::{Answer, BackendChange, ContextChange, Daemon, TunnelChange};
use crate::invocation::{CLIENT, look_at};

pub(super) fn write(answer: &Answer, layout: &Layout<'_>) -> Written {
    if let Some(written) = trial::write(answer, layout.screen) {
        return written;
    }
    match answer {
        Answer::Opened { spec, reply } => opened(spec, reply, layout.screen),
        Answer::Closed { tunnel, reply } => Written::line(closed(tunnel, reply)),
        Answer::Status(reply) => status(reply, layout),
        Answer::Detail(info) => Written::new(table::detail(info, layout)),
        Answer::Added(change) => backend(change, "to"),
        Answer::Removed(change) => backend(change, "from"),
        Answer::Changed(change) => changed(change),
        // Told on the way, by `progress`.
        Answer::Waiting(_) => Written::default(),
        Answer::Conns(reply) => conns(reply, layout),
        Answer::Killed(reply) => killed(reply),
        Answer::Explained(reply) => Written::new(table::explained(reply, layout)),
        Answer::Events(reply) => events(reply, layout),
        Answer::News(reply) => news(reply, layout.screen),
        Answer::History(reply) if reply.changes.is_empty() => {
            Written::default().with_note("nothing was changed yet")
        }
        Answer::History(reply) => Written::new(layout.table(table::history(reply))),
        Answer::Undone(reply) => {
            Written::line(reply.to_string()).with_note("next: plexyctl undo takes that back")
        }
        Answer::Loaded(reply) | Answer::Reloaded(reply) => Written::line(reply.to_string()),
        Answer::Saved(reply) => {
            let file = safe(&reply.file);
            Written::line(format!("saved in {file}: revision {}", reply.revision))
        }
        Answer::Exported(reply) => Written::new(export::toml(reply)),
        Answer::Planned(reply) => difference::planned(reply, layout.screen),
        Answer::Applied(reply) => difference::applied(reply, layout.screen),
        Answer::LogLevel(reply) => Written::line(safe(&reply.to_string())),
        Answer::Pong(reply) => Written::line(safe(reply)),
        Answer::Contexts(contexts) if contexts.is_empty() => {
            Written::default().with_note("there are no contexts; `plexyctl context add` makes one")
        }
        Answer::Contexts(_) => Written::new(list(answer, layout)),
        Answer::Context(change) => Written::line(context(change)),
        Answer::Settings { .. } => Written::new(settings(answer, layout)),
        Answer::Health(health) => Written::line(health::line(health)),
        Answer::Overview(look) => {
            Written::new(table::overview_lines(look, layout)).noted(note(answer))
        }
        Answer::Version(None) => Written::line(CLIENT),
        Answer::Version(Some(daemon)) => version(daemon),
    }
}

/// What there is to know of a list beside its rows.
pub(super) fn note(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Status(reply) => paused(reply),
        Answer::Conns(reply) => part_of(reply),
        Answer::Events(reply) | Answer::News(reply) => missed(reply),
        Answer::Overview(look) => table::overview_note(look),
        _ => None,
    }
}

fn list(answer: &Answer, layout: &Layout<'_>) -> String {
    table::listing(answer).map(|listing| layout.table(listing)).unwrap_or_default()
}

/// Where they come from is told to those who ask.
fn settings(answer: &Answer, layout: &Layout<'_>) -> String {
    let asks =
        layout.view.is_wide() || matches!(answer, Answer::Settings { has_origins: true, .. });
    let listing = table::listing(answer);
    let listing = listing.map(|it| if asks { it } else { it.without(&["origin"]) });
    listing.map(|listing| layout.table(listing)).unwrap_or_default()
}

fn context(change: &ContextChange) -> String {
    let ContextChange { result, name, file } = change;
    let which = match name.as_str() {
        "" => "no context".to_owned(),
        name => format!("context {}", safe(name)),
    };
    format!("{}{which}, in {}", verb(result), safe(file))
}

fn opened(spec: &TunnelSpec, reply: &OpenReply, screen: Screen) -> Written {
    let listen = safe(&reply.listen);
    let name = spec.options.name.as_ref().map(ToString::to_string);
    let which = name.as_ref().map_or_else(|| listen.clone(), |name| format!("{name}: {listen}"));
    let backends = some(spec.backends.len() as u64, "backend", "backends");
    let next = look_at(name.as_ref().unwrap_or(&listen));
    Written::line(format!("{}{which} {} {backends}", verb(reply.result.as_str()), screen.arrow()))
        .with_note(format!("next: {next}"))
}

/// The word for a change, as the begin of a sentence; one that is not known is
/// shown as it is.
fn verb(result: &str) -> String {
    if result == Change::Unchanged.as_str() {
        format!("{result}: ")
    } else {
        format!("{} ", safe(result))
    }
}

fn closed(tunnel: &TunnelRef, reply: &CloseReply) -> String {
    let listen = safe(&reply.listen);
    let which = match tunnel {
        TunnelRef::Name(name) => format!("{name} on {listen}"),
        TunnelRef::Listen(_) => listen,
    };
    format!("closed {which}: {}", reply.live)
}

fn backend(change: &BackendChange, preposition: &str) -> Written {
    let BackendChange { tunnel, reply: BackendReply { result, backend, live, .. } } = change;
    let (tunnel, backend) = (safe(tunnel), safe(backend));
    let sentence = match result.known() {
        Some(Change::Unchanged) => format!("unchanged: {tunnel} has {backend} already"),
        _ => format!("{}{backend} {preposition} {tunnel}{}", verb(result.as_str()), left(*live)),
    };
    Written::line(sentence).with_note(format!("next: {}", look_at(tunnel)))
}

/// What has changed, a line for each key that was set, and what became of connections.
fn changed(change: &TunnelChange) -> Written {
    let TunnelChange { tunnel, reply, .. } = change;
    let tunnel = safe(tunnel);
    let which = match &reply.backend {
        Some(backend) => format!("{} of {tunnel}", safe(backend)),
        None => tunnel.clone(),
    };
    let mut text = format!("{}{which}{}\n", verb(reply.result.as_str()), left(reply.live));
    if reply.result != Change::Unchanged {
        for AppliedInfo { key, to } in &reply.applied {
            text.push_str(&format!("  {} for {} connections\n", safe(key), whom(to)));
        }
    }
    Written::new(text).with_note(format!("next: {}", look_at(tunnel)))
}

fn whom(to: &Word<AppliesTo>) -> String {
    match to.known() {
        Some(AppliesTo::Live) => "new and live".to_owned(),
        Some(AppliesTo::New) => "new".to_owned(),
        None => safe(to.as_str()),
    }
}

/// What became of connections, if there were any.
fn left(live: LiveCounts) -> String {
    if live == LiveCounts::default() { String::new() } else { format!(": {live}") }
}

fn conns(reply: &ConnectionsReply, layout: &Layout<'_>) -> Written {
    if reply.connections.is_empty() {
        return Written::default().with_note("there is no such connection");
    }
    let listing = match layout.view.is_wide() {
        true => table::conns(&reply.connections),
        false => table::briefly(&reply.connections),
    };
    Written::new(layout.table(listing)).noted(part_of(reply))
}

/// That there are more.
fn part_of(reply: &ConnectionsReply) -> Option<String> {
    let (matched, shown) = (reply.matched, reply.connections.len());
    let is_part = matched > shown as u64;
    is_part.then(|| format!("shown {shown} of {matched}; `limit` shows up to 10000"))
}

fn killed(reply: &KillReply) -> Written {
    let written =
        Written::line(format!("killed {}", some(reply.killed, "connection", "connections")));
    match reply.gone.as_slice() {
        [] => written,
        gone => {
            let ids = gone.iter().map(|id| safe(id)).collect::<Vec<_>>().join(" ");
            written.with_note(format!("gone before: {ids}"))
        }
    }
}

fn events(reply: &EventsReply, layout: &Layout<'_>) -> Written {
    let data = match reply.events.as_slice() {
        [] => String::new(),
        events => layout.table(table::events(events)),
    };
    Written::new(data).noted(missed(reply))
}

/// A line for each: there may be no end of it, so nothing can be put in line.
fn news(reply: &EventsReply, screen: Screen) -> Written {
    let data = reply.events.iter().map(|event| table::event_line(event, screen)).collect();
    Written::new(data).noted(missed(reply))
}

/// That some are gone.
fn missed(reply: &EventsReply) -> Option<String> {
    let missed = reply.missed;
    (missed > 0).then(|| format!("{missed} events before these are gone"))
}

/// An event, told in passing: its time of the day, and the rest without its number.
pub(crate) fn notice(event: &Event) -> String {
    let time = event.time.split('T').nth(1).and_then(|time| time.get(..8)).unwrap_or(&event.time);
    format!("{} {} {}", safe(time), safe(event.severity.as_str()), safe(&event.to_string()))
}

fn status(reply: &StatusReply, layout: &Layout<'_>) -> Written {
    let written = match &reply.tunnel_list {
        None => Written::line(some(reply.tunnels as u64, "tunnel", "tunnels")),
        Some(tunnels) if tunnels.is_empty() => {
            Written::default().with_note("no tunnels are open; `plexyctl help open` shows how")
        }
        Some(tunnels) => Written::new(layout.table(table::tunnels(tunnels))),
    };
    match paused(reply) {
        None => written,
        note => written.noted(note),
    }
}

/// That some tunnels stand still.
fn paused(reply: &StatusReply) -> Option<String> {
    let paused = some(reply.tunnels_paused as u64, "tunnel", "tunnels");
    let note = || format!("{paused} accepting no clients: plexyd has no file descriptors left");
    (reply.tunnels_paused > 0).then(note)
}

fn version(daemon: &Daemon) -> Written {
    let version = &daemon.hello.version;
    let (program, number) = (safe(&version.program), safe(&version.version));
    let mut text = format!(
        "{CLIENT}\n{program} {number} at {}, pid {}, up {}",
        safe(&daemon.endpoint.to_string()),
        version.pid,
        age(version.uptime_seconds)
    );
    if !daemon.hello.features.is_empty() {
        text.push_str(&format!("\nfeatures {}", safe(&daemon.hello.features.join(", "))));
    }
    Written::line(text)
}

#[cfg(test)]
mod tests {
    use plexy_shared::plan::Rehearsal;

    use super::*;

    fn open(result: Word<Change>, spec: &str) -> Written {
        let listen = "127.0.0.1:8080".to_owned();
        opened(
            &spec.parse().unwrap(),
            &OpenReply { result, listen, revision: 1, rehearsal: Rehearsal::default() },
            Screen::PIPE,
        )
    }

    fn removed(result: Word<Change>, kept: u64) -> String {
        let (listen, backend) = ("127.0.0.1:8080".to_owned(), "10.0.0.2:80".to_owned());
        let live = LiveCounts { kept, ..LiveCounts::default() };
        let reply = BackendReply {
            result,
            listen,
            backend,
            live,
            revision: 1,
            rehearsal: Rehearsal::default(),
        };
        let change = BackendChange { tunnel: "web".to_owned(), reply };
        super::backend(&change, "from").data
    }

    fn close(tunnel: &str, ended: u64, draining: u64) -> String {
        let listen = "127.0.0.1:3000".to_owned();
        let live = LiveCounts { ended, draining, kept: 0 };
        let reply = CloseReply { listen, live, revision: 1, rehearsal: Rehearsal::default() };
        closed(&tunnel.parse().unwrap(), &reply)
    }

    #[test]
    fn open_says_where_and_what_comes_next() {
        let written = open(Change::Opened.into(), "8080=1,2,3[name=web]");
        assert_eq!(written.data, "opened web: 127.0.0.1:8080 → 3 backends\n");
        assert_eq!(written.notes, ["next: plexyctl detail web"]);
        let written = open(Change::Unchanged.into(), "8080=1");
        assert_eq!(written.data, "unchanged: 127.0.0.1:8080 → 1 backend\n");
        assert_eq!(written.notes, ["next: plexyctl detail 127.0.0.1:8080"]);
    }

    #[test]
    fn a_word_of_a_newer_daemon_is_shown_as_it_is() {
        let written = open(Word::Unknown("queued\x1b[5m".into()), "8080=1[name=web]");
        assert_eq!(written.data, "queued\\u{1b}[5m web: 127.0.0.1:8080 → 1 backend\n");
    }

    #[test]
    fn close_says_what_became_of_the_connections() {
        assert_eq!(close("3000", 12, 0), "closed 127.0.0.1:3000: 12 connections reset");
        assert_eq!(close("3000", 0, 12), "closed 127.0.0.1:3000: 12 connections go on");
        assert_eq!(close("db", 0, 1), "closed db on 127.0.0.1:3000: 1 connection goes on");
        assert_eq!(close("db", 0, 0), "closed db on 127.0.0.1:3000: 0 connections");
    }

    #[test]
    fn remove_says_what_goes_on() {
        let removed_word = || Change::Removed.into();
        assert_eq!(
            removed(removed_word(), 3),
            "removed 10.0.0.2:80 from web: 3 connections go on\n"
        );
        assert_eq!(removed(removed_word(), 0), "removed 10.0.0.2:80 from web\n");
        assert_eq!(
            removed(Change::Unchanged.into(), 0),
            "unchanged: web has 10.0.0.2:80 already\n"
        );
    }
}
