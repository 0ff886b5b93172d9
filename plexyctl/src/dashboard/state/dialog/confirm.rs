//! Whether something is to be done: asked with what becomes of how many connections, and answered for
//! what was told alone.

use std::time::Duration;

use plexy_shared::command::{Request, word_spans};
use plexy_shared::connection::KillOrder;
use plexy_shared::units::{counted, show_duration};
use tui_input::Input;

use super::super::Moment;
use super::super::level::TunnelName;
use super::super::seen::Seen;
use super::choice::Choice;
use super::form::Form;
use super::subject::{Now, Subject, tunnel_word};
use super::title::title;
use crate::consequence::{Known, consequence};
use crate::dashboard::order::Order;
use crate::tier::Tier;

/// How long a question is not answered that has come in the place of another one: a key that is held, or
/// the second click, was for that one.
const CHANGED: Duration = Duration::from_millis(500);

/// Whether it may be done that somebody has said yes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    /// All is as it was told.
    Same,
    /// It is not, so: it has to be asked again.
    Other(String),
    /// There is nothing any more to do it with.
    Gone(String),
}

/// It.
#[derive(Debug)]
pub(crate) struct Confirm {
    /// What it is about.
    pub(crate) subject: Subject,
    /// The command without what can be chosen.
    base: String,
    /// What is chosen.
    pub(crate) choice: Choice,
    /// What was told.
    pub(crate) known: Known,
    /// How it is now.
    pub(crate) now: Now,
    /// What it asks for.
    pub(crate) tier: Tier,
    /// What is typed of the word that is asked for.
    pub(crate) typed: Input,
    /// What is otherwise than it was told before, where it is asked again.
    pub(crate) changed: Option<String>,
    /// Since when it is asked.
    pub(crate) asked_at: Moment,
    /// Since when it is asked again.
    changed_at: Option<Moment>,
    /// What the daemon has said it would do.
    pub(crate) difference: Vec<String>,
    /// What was sent to be tried out once more, before it is done that somebody has said yes to.
    pub(crate) sent: Option<Order>,
    /// When that was told; none while nobody has told how it is.
    pub(crate) seen: Option<Seen>,
    /// Where somebody comes back to who does not want it.
    pub(crate) form: Option<Box<Form>>,
    /// So many lines are scrolled over.
    pub(crate) scroll: usize,
    /// The name of the context, where that is a protected one.
    protected: Option<String>,
}

impl Confirm {
    /// A command that is to be asked about: none where it asks for nothing.
    pub(crate) fn new(
        base: String,
        choice: Choice,
        subject: Subject,
        (now, seen): (Now, Option<Seen>),
        protected: Option<&str>,
    ) -> Self {
        let known = match &now {
            Now::Here(known) => known.clone(),
            Now::Unknown | Now::Another(_) | Now::Gone => Known::default(),
        };
        let mut confirm = Self {
            subject,
            base,
            choice,
            known,
            now,
            tier: Tier::Free,
            typed: Input::default(),
            changed: None,
            asked_at: Moment::ZERO,
            changed_at: None,
            difference: Vec::new(),
            sent: None,
            seen,
            form: None,
            scroll: 0,
            protected: protected.map(str::to_owned),
        };
        confirm.ask();
        confirm
    }

    /// The same, of a command that was tried out: with what the daemon has said, and of what.
    pub(crate) fn tried(
        self,
        difference: Vec<String>,
        seen: Option<Seen>,
        live: Option<u64>,
    ) -> Self {
        let known = Known { live: live.or(self.known.live), ..self.known };
        let mut confirm = Self { difference, seen, known, ..self };
        confirm.ask();
        confirm
    }

    /// Whether the daemon was asked what it would do.
    pub(crate) fn is_tried(&self) -> bool {
        !self.difference.is_empty()
    }

    /// The command.
    pub(crate) fn line(&self) -> String {
        let base = &self.base;
        match self.choice {
            Choice::Deadline(chosen) => match chosen.or(self.known.deadline).map(show_duration) {
                Some(deadline) => format!("{base} deadline={deadline}"),
                None => base.clone(),
            },
            Choice::Fate(Some(action)) => format!("{base} {action}"),
            Choice::Nothing | Choice::Fate(None) => base.clone(),
        }
    }

    /// What it asks the daemon for.
    pub(crate) fn request(&self) -> Option<Request> {
        Request::parse(&self.line()).ok().flatten()
    }

    /// What is about to happen, in sentences.
    pub(crate) fn sentences(&self) -> String {
        let request = self.request();
        request.map_or_else(String::new, |request| consequence(&request, &self.known))
    }

    /// What is asked: by the names that the command has.
    pub(crate) fn title(&self) -> String {
        title(self.request().as_ref()).unwrap_or_else(|| format!("{}?", self.verb()))
    }

    /// The verb, for who says yes.
    pub(crate) fn verb(&self) -> String {
        let verb = self.base.split_whitespace().next().unwrap_or_default();
        let mut letters = verb.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        first + letters.as_str()
    }

    /// The word that has to be typed.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.tier {
            Tier::Word(word) => Some(word),
            Tier::Free | Tier::Yes => None,
        }
    }

    /// Whether that word is typed.
    pub(crate) fn is_typed(&self) -> bool {
        self.word().is_some_and(|word| word == self.typed.value())
    }

    /// Asks for what is chosen now; what was answered before was about something else.
    fn ask(&mut self) {
        self.tier = self.wanted();
        self.typed = Input::default();
    }

    fn wanted(&self) -> Tier {
        let protected = self.protected.as_deref();
        match self.request() {
            Some(Request::Kill(KillOrder::Ids(ids))) if ids.len() > 1 => {
                Tier::Word(protected.unwrap_or("kill").to_owned())
            }
            Some(request) => Tier::of(&request, &self.known, protected),
            None => Tier::Yes,
        }
    }

    /// Chooses the next, or the one before.
    pub(crate) fn choose(&mut self, is_more: bool) {
        if self.choice != Choice::Nothing {
            self.choice.go(is_more, self.known.deadline);
            self.ask();
        }
    }

    /// Takes how it is now. What was told stays; only what nobody had told comes to it.
    pub(super) fn told(&mut self, now: Now, seen: Seen) {
        if let Now::Here(known) = &now {
            if !self.is_tried() {
                self.seen = Some(seen);
            }
            if known.has_options && !self.known.has_options {
                self.known = Known { live: self.known.live, ..known.clone() };
            }
            self.known.live = self.known.live.or(known.live);
            // What is known now may want a word.
            let wanted = self.wanted();
            if wanted != self.tier {
                (self.tier, self.typed) = (wanted, Input::default());
            }
        }
        self.now = now;
    }

    /// Whether it is still what was told.
    pub(crate) fn check(&self) -> Check {
        match (&self.now, self.now.otherwise(&self.subject)) {
            (Now::Gone, Some(why)) => return Check::Gone(why),
            (_, Some(why)) => return Check::Other(why),
            (_, None) => {}
        }
        match &self.now {
            Now::Unknown | Now::Gone | Now::Another(_) => Check::Same,
            // The daemon is asked once more what it would do.
            Now::Here(_) if self.is_tried() => Check::Same,
            Now::Here(now) if self.known.is_otherwise(now) => {
                Check::Other("its options have changed".to_owned())
            }
            Now::Here(now) => has_grown(self.known.live, now.live),
        }
    }

    /// Whether the daemon would still do what it has said, now that it says this at the revision at
    /// which that was to be the same.
    pub(crate) fn check_again(&self, is_same_revision: bool, live: Option<u64>) -> Check {
        match is_same_revision {
            true => has_grown(self.known.live, live),
            false => Check::Other("something has changed since you were asked".to_owned()),
        }
    }

    /// Asks again, for what it is now.
    ///
    /// # Errors
    ///
    /// If no command can name that: nothing can be asked about it.
    pub(crate) fn again(&mut self, changed: String, now: Moment) -> Result<(), String> {
        match &self.now {
            Now::Here(known) => self.known = known.clone(),
            Now::Another(tunnel) => {
                let other = match &self.subject {
                    Subject::Backend(_, backend) => {
                        Subject::Backend(tunnel.clone(), backend.clone())
                    }
                    _ => Subject::Tunnel(tunnel.clone()),
                };
                self.base = renamed(&self.base, tunnel).ok_or_else(|| other.unnamed())?;
                (self.subject, self.known, self.now) = (other, Known::default(), Now::Unknown);
                self.seen = None;
            }
            Now::Unknown | Now::Gone => {}
        }
        self.look_again(changed, now);
        self.ask();
        Ok(())
    }

    /// It is asked again, since that is so.
    pub(crate) fn look_again(&mut self, changed: String, now: Moment) {
        (self.changed, self.changed_at) = (Some(changed), Some(now));
    }

    /// Whether somebody can have read it who answers now.
    pub(crate) fn can_be_read(&self, now: Moment) -> bool {
        self.changed_at.is_none_or(|since| now.saturating_sub(since) >= CHANGED)
    }

    /// Whether a click can be meant for it: the second one of two on what has led here is not. A key that
    /// answers is none that asks.
    pub(crate) fn can_be_clicked(&self, now: Moment) -> bool {
        self.can_be_read(now) && now.saturating_sub(self.asked_at) >= CHANGED
    }
}

/// Whether it is about so many more connections than was told that somebody has to look again.
fn has_grown(told: Option<u64>, now: Option<u64>) -> Check {
    match (told, now) {
        // Where somebody was told of none, one is too many.
        (Some(told), Some(now)) if now > told && now >= told.saturating_mul(2) => {
            Check::Other(format!("it was {told}, and is {} now", counted(now, "connection")))
        }
        _ => Check::Same,
    }
}

/// A command with what its tunnel is called now: the word behind the verb, in every command that names
/// one. None where no command can name it: with no word there it would be another command.
fn renamed(line: &str, tunnel: &TunnelName) -> Option<String> {
    let span = word_spans(line).into_iter().nth(1)?;
    let (before, behind) = (line.get(..span.start)?, line.get(span.end..)?);
    Some(format!("{before}{}{behind}", tunnel_word(tunnel)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(label: &str, listen: &str) -> TunnelName {
        TunnelName { id: 7, label: label.to_owned(), listen: listen.to_owned() }
    }

    fn asked(line: &str) -> Confirm {
        let subject = Subject::Tunnel(tunnel("web", "127.0.0.1:80"));
        let now = (Now::Unknown, None);
        Confirm::new(line.to_owned(), Choice::Nothing, subject, now, None)
    }

    #[test]
    fn a_command_is_asked_again_by_the_name_that_its_tunnel_has_now() {
        let mut confirm = asked("remove web 10.0.0.1:80 kill");
        confirm.now = Now::Another(tunnel("shop", "127.0.0.1:80"));
        assert_eq!(confirm.again("it is".to_owned(), Moment::ZERO), Ok(()));
        assert_eq!(confirm.line(), "remove shop 10.0.0.1:80 kill");
    }

    #[test]
    fn what_no_command_can_name_is_not_asked_about_by_another_command() {
        let mut confirm = asked("drain web 10.0.0.1:80");
        confirm.now = Now::Another(tunnel("a name of\ttomorrow", "some where"));
        let why = confirm.again("it is".to_owned(), Moment::ZERO).unwrap_err();
        assert!(why.starts_with("no command can name a name of"), "{why}");
    }
}
