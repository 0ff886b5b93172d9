//! Answers to what was only tried out: what would be done, and that nothing was.

use plexy_shared::info::{BackendReply, Change, LiveCounts};
use plexy_shared::plan::Rehearsal;
use plexy_shared::units::counted;
use plexy_shared::word::Word;

use super::Written;
use super::difference;
use super::safe::safe;
use super::screen::Screen;
use crate::answer::{Answer, BackendChange, TunnelChange};

/// What is said of it besides.
const NOTHING_DONE: &str = "nothing was done";

/// The answer, if it is one of these.
pub(super) fn write(answer: &Answer, screen: Screen) -> Option<Written> {
    let rehearsal = match answer {
        Answer::Opened { reply, .. } => &reply.rehearsal,
        Answer::Closed { reply, .. } => &reply.rehearsal,
        Answer::Added(change) | Answer::Removed(change) => &change.reply.rehearsal,
        Answer::Changed(change) => &change.reply.rehearsal,
        Answer::Undone(reply) | Answer::Loaded(reply) | Answer::Reloaded(reply) => &reply.rehearsal,
        Answer::Killed(reply) => {
            let killed = format!("would kill {}", counted(reply.killed, "connection"));
            return reply.dry_run.then(|| Written::line(killed).with_note(NOTHING_DONE));
        }
        _ => return None,
    };
    let Rehearsal { dry_run: true, differences } = rehearsal else { return None };
    let text = format!("{}\n{}", sentence(answer), difference::lines(differences, screen));
    Some(Written::new(text).with_note(NOTHING_DONE))
}

fn sentence(answer: &Answer) -> String {
    match answer {
        Answer::Opened { reply, .. } => would(&reply.result, &safe(&reply.listen)),
        Answer::Closed { reply, .. } => {
            format!("would close {}: {}", safe(&reply.listen), reply.live)
        }
        Answer::Added(change) => backend(change, "to"),
        Answer::Removed(change) => backend(change, "from"),
        Answer::Changed(TunnelChange { tunnel, reply, .. }) => {
            let of = reply.backend.as_ref().map(|backend| format!("{} of ", safe(backend)));
            let which = of.unwrap_or_default() + &safe(tunnel);
            would(&reply.result, &(which + &left(reply.live)))
        }
        Answer::Undone(reply) | Answer::Loaded(reply) | Answer::Reloaded(reply) => {
            format!("would have {reply}")
        }
        _ => String::new(),
    }
}

fn backend(change: &BackendChange, preposition: &str) -> String {
    let BackendChange { tunnel, reply: BackendReply { result, backend, live, .. } } = change;
    let which = format!("{} {preposition} {}{}", safe(backend), safe(tunnel), left(*live));
    would(result, &which)
}

fn left(live: LiveCounts) -> String {
    if live == LiveCounts::default() { String::new() } else { format!(": {live}") }
}

/// What would have happened to whom; a word that is not known is shown as it is.
fn would(result: &Word<Change>, which: &str) -> String {
    let verb = match result.known() {
        Some(Change::Opened) => "open",
        Some(Change::Added) => "add",
        Some(Change::Removed) => "remove",
        Some(Change::Changed) => "change",
        Some(Change::Draining) => "drain",
        Some(Change::Disabled) => "disable",
        Some(Change::Enabled) => "enable",
        Some(Change::Unchanged) => return format!("would change nothing of {which}"),
        None => return format!("would be {}: {which}", safe(result.as_str())),
    };
    format!("would {verb} {which}")
}

#[cfg(test)]
mod tests {
    use plexy_shared::history::TransitionReply;
    use plexy_shared::info::OpenReply;
    use plexy_shared::plan::TunnelDifference;

    use super::*;

    fn open(result: Change, rehearsal: Rehearsal) -> Answer {
        let (result, listen) = (result.into(), "127.0.0.1:1".to_owned());
        let reply = OpenReply { result, listen, revision: 1, rehearsal };
        Answer::Opened { spec: Box::new("1=2".parse().unwrap()), reply }
    }

    fn rehearsal(spec: &str) -> Rehearsal {
        let differences = vec![TunnelDifference::created(&spec.parse().unwrap())];
        Rehearsal { dry_run: true, differences }
    }

    #[test]
    fn it_is_plain_that_nothing_was_done() {
        let written = write(&open(Change::Opened, rehearsal("1=2")), Screen::PIPE).unwrap();
        assert_eq!(written.data, "would open 127.0.0.1:1\n+ 127.0.0.1:1=127.0.0.1:2\n");
        assert_eq!(written.notes, ["nothing was done"]);
        let nothing = Rehearsal { dry_run: true, differences: Vec::new() };
        let written = write(&open(Change::Unchanged, nothing), Screen::PIPE).unwrap();
        assert_eq!(written.data, "would change nothing of 127.0.0.1:1\n");
    }

    #[test]
    fn many_are_told_as_a_sum_and_one_by_one() {
        let reply = TransitionReply {
            opened: 1,
            changed: 0,
            closed: 0,
            unchanged: 3,
            certificate_files: 0,
            revision: 1,
            rehearsal: rehearsal("1=2"),
        };
        let written = write(&Answer::Loaded(reply), Screen::PIPE).unwrap();
        let sum = "would have opened 1, changed 0, closed 0, unchanged 3";
        assert_eq!(written.data, format!("{sum}\n+ 127.0.0.1:1=127.0.0.1:2\n"));
    }

    #[test]
    fn what_was_done_is_none_of_these() {
        assert_eq!(write(&open(Change::Opened, Rehearsal::default()), Screen::PIPE), None);
        assert_eq!(write(&Answer::Pong("pong".to_owned()), Screen::PIPE), None);
    }
}
