//! What something is to be, in fields. All of them together are a command; each field is a part of its
//! line, so that errors and completion are those of the line.

mod spec;
mod table;

use std::ops::Range;

use plexy_shared::command::Request;
use plexy_shared::error::Refusal;
use plexy_shared::overview::{Overview, OverviewParams};
use plexy_shared::spec::{ATTRIBUTES, OPTIONS, SpecError, TunnelSpec};
use tui_input::Input;

use super::super::Told;
use super::super::level::TunnelName;
use super::offer::Offer;
use super::subject::Subject;
use crate::dashboard::order::Order;
use crate::failure::Failure;
use spec::Parts;

/// What can be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FormKind {
    /// A tunnel that is to be opened.
    Open,
    /// A backend that a tunnel is to get.
    Add(TunnelName),
    /// The options of a tunnel.
    Options(TunnelName),
    /// The attributes of a backend of a tunnel.
    Attributes(TunnelName, String),
}

impl FormKind {
    /// The tunnel that it is about.
    pub(crate) fn tunnel(&self) -> Option<&TunnelName> {
        match self {
            Self::Open => None,
            Self::Add(tunnel) | Self::Options(tunnel) | Self::Attributes(tunnel, _) => Some(tunnel),
        }
    }

    /// The same, to call it as it is called now.
    pub(super) fn tunnel_mut(&mut self) -> Option<&mut TunnelName> {
        match self {
            Self::Open => None,
            Self::Add(tunnel) | Self::Options(tunnel) | Self::Attributes(tunnel, _) => Some(tunnel),
        }
    }

    /// What it is about.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Open => Subject::Daemon,
            Self::Add(tunnel) | Self::Options(tunnel) => Subject::Tunnel(tunnel.clone()),
            Self::Attributes(tunnel, backend) => Subject::Backend(tunnel.clone(), backend.clone()),
        }
    }

    /// Whether it is about what is there already, so that the difference is shown first.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self, Self::Options(_) | Self::Attributes(..))
    }
}

/// One thing that can be filled in.
#[derive(Debug)]
pub(crate) struct Field {
    /// What it is called.
    pub(crate) key: &'static str,
    /// What is filled in.
    pub(crate) input: Input,
    /// What it was before, where it was something.
    pub(crate) before: Option<String>,
    /// What it means, what its value looks like, and what it is by default.
    pub(crate) help: String,
}

impl Field {
    fn new(key: &'static str, value: &str, help: impl Into<String>) -> Self {
        let (input, help) = (Input::new(value.to_owned()), help.into());
        Self { key, input, before: None, help }
    }

    fn of(key: &'static str, value: String, help: String) -> Self {
        Self { before: Some(value.clone()), ..Self::new(key, &value, help) }
    }

    /// Whether it is otherwise than before.
    pub(crate) fn is_changed(&self) -> bool {
        self.before.as_deref().is_some_and(|before| before != self.input.value())
    }
}

/// The command that the fields are, and the part of it that each is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Composed {
    /// It.
    pub(crate) line: String,
    /// Of each field, its bytes; none where it has no part.
    pub(crate) parts: Vec<Option<Range<usize>>>,
}

impl Composed {
    fn push(&mut self, before: &str, field: &str) {
        self.line.push_str(before);
        let start = self.line.len();
        self.line.push_str(field);
        self.parts.push(Some(start..self.line.len()));
    }
}

/// It.
#[derive(Debug)]
pub(crate) struct Form {
    /// What is filled in.
    pub(crate) kind: FormKind,
    /// What can be filled in; none where nobody has told yet what there is.
    pub(crate) fields: Vec<Field>,
    /// The field that has the keys.
    pub(crate) at: usize,
    /// What could stand there.
    pub(crate) offer: Option<Offer>,
    /// What is wrong with it, or why it was not done.
    pub(crate) failure: Option<Failure>,
    /// Whether it is only not complete.
    pub(crate) is_begun: bool,
    /// What was sent, as long as there is no answer.
    pub(crate) sent: Option<Order>,
}

impl Form {
    /// An empty one, as far as it is known what it is about.
    pub(crate) fn new(kind: FormKind, told: Option<&Told>) -> Self {
        let fields = match kind {
            FormKind::Open => spec::fields(),
            FormKind::Add(_) => table::fields_of_new_backend(),
            FormKind::Options(_) | FormKind::Attributes(..) => Vec::new(),
        };
        let (offer, failure, sent) = (None, None, None);
        let mut form = Self { kind, fields, at: 0, offer, failure, is_begun: false, sent };
        if let Some(told) = told {
            form.told(&told.asked, &told.overview);
        }
        form
    }

    /// Takes what the daemon has told, where nobody had: the fields, or why there can be none.
    pub(super) fn told(&mut self, asked: &OverviewParams, overview: &Overview) {
        if !self.kind.is_change() || !self.fields.is_empty() {
            return;
        }
        let subject = self.kind.subject();
        let otherwise = subject.now(overview, asked).otherwise(&subject);
        self.failure = match (otherwise, self.fields_of(overview)) {
            (Some(why), _) => Some(Failure::usage(why)),
            (None, Some(Ok(fields))) => {
                self.fields = fields;
                None
            }
            (None, Some(Err(refusal))) => {
                let message = format!("this plexyctl cannot read the specification: {refusal}");
                Some(Failure::usage(message).with_hint("`:set` changes it all the same"))
            }
            (None, None) => None,
        };
    }

    /// What can be filled in, where the tunnel is told in full.
    fn fields_of(&self, overview: &Overview) -> Option<Result<Vec<Field>, SpecError>> {
        let tunnel = self.kind.tunnel()?;
        let full = overview.tunnel.as_ref().filter(|full| full.row.id == tunnel.id)?;
        let spec = match full.info.spec.parse::<TunnelSpec>() {
            Ok(spec) => spec,
            Err(refusal) => return Some(Err(refusal)),
        };
        let FormKind::Attributes(_, backend) = &self.kind else {
            return Some(Ok(table::fields(OPTIONS, &spec.options)));
        };
        let found = spec.backends.iter().find(|it| it.addr.to_string() == *backend)?;
        Some(Ok(table::fields(ATTRIBUTES, &found.options)))
    }

    /// The command, and the part of it that each field is. Nothing where no command can name what it is
    /// about: it may be called otherwise by now, and without that word it would be another command.
    pub(crate) fn composed(&self) -> Composed {
        let Some(words) = self.kind.subject().words() else { return Composed::default() };
        match &self.kind {
            FormKind::Open => self.specification(),
            FormKind::Add(_) => table::new_backend(&words, &self.fields),
            FormKind::Options(_) => table::settings(OPTIONS, &words, &self.fields),
            FormKind::Attributes(..) => table::settings(ATTRIBUTES, &words, &self.fields),
        }
    }

    /// The last field is the whole of it.
    fn specification(&self) -> Composed {
        let mut composed = Parts::of(&self.fields).composed();
        if let Some((line, fields)) = self.fields.split_last()
            && self.at == fields.len()
        {
            composed = Composed { line: "open ".to_owned(), parts: vec![None; fields.len()] };
            composed.push("", line.input.value());
        }
        composed
    }

    /// The field that has the keys was typed in: the others follow it, and it is looked at again.
    pub(crate) fn edited(&mut self) {
        self.offer = None;
        if self.kind == FormKind::Open {
            self.follow();
        }
        let line = self.composed().line;
        if line.is_empty() {
            self.is_begun = false;
            self.failure = Some(Failure::usage(self.kind.subject().unnamed()));
            return;
        }
        let refusal = Request::parse(&line).err().map(Refusal::from);
        self.is_begun =
            refusal.as_ref().is_some_and(|it| it.span.as_ref().is_none_or(Range::is_empty));
        self.failure = refusal.map(|refusal| Failure::in_line(refusal, &line));
    }

    /// The fields and the line below them are the same specification.
    fn follow(&mut self) {
        let last = self.fields.len().saturating_sub(1);
        if self.at == last {
            let text = self.fields.last().map_or_else(String::new, |it| it.input.to_string());
            let parts = Parts::read(&text);
            for (field, text) in self.fields.iter_mut().zip(parts.each()) {
                field.input = Input::new(text.to_owned());
            }
        } else {
            let line = Parts::of(&self.fields).line();
            if let Some(field) = self.fields.last_mut() {
                field.input = Input::new(line);
            }
        }
    }

    /// Whether anything is filled in, or otherwise.
    pub(crate) fn is_filled(&self) -> bool {
        match self.kind.is_change() {
            true => self.fields.iter().any(Field::is_changed),
            false => self.fields.iter().any(|field| !field.input.value().is_empty()),
        }
    }

    /// The field that has the keys.
    pub(crate) fn field(&self) -> Option<&Field> {
        self.fields.get(self.at)
    }

    /// The same, to fill it in.
    pub(crate) fn field_mut(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.at)
    }

    /// Goes to another field, around the end.
    pub(crate) fn select_by(&mut self, step: isize) {
        let count = self.fields.len().max(1);
        let next = self.at.wrapping_add_signed(step);
        self.at = if step < 0 && self.at == 0 { count - 1 } else { next % count };
        self.offer = None;
    }

    /// Of what is wrong, the field and the bytes of it, where it stands in one.
    pub(crate) fn mistake(&self) -> Option<(usize, Range<usize>)> {
        let place = self.failure.as_ref()?.place.as_ref()?;
        let Composed { line, parts } = self.composed();
        let here = |part: &Range<usize>| {
            part.start <= place.span.start && place.span.start <= part.end && line == place.text
        };
        // The one that has the keys, where several could have it.
        let order = std::iter::once(self.at).chain(0..parts.len());
        let found = |at: usize| Some((at, parts.get(at)?.clone()?)).filter(|(_, it)| here(it));
        let (at, part) = order.into_iter().find_map(found)?;
        let length = self.fields.get(at)?.input.value().len();
        let within = |byte: usize| byte.saturating_sub(part.start).min(length);
        Some((at, within(place.span.start)..within(place.span.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_command_can_name_makes_no_other_command() {
        let (label, listen) = ("a name of tomorrow".to_owned(), "some where".to_owned());
        let tunnel = TunnelName { id: 7, label, listen };
        for kind in [
            FormKind::Add(tunnel.clone()),
            FormKind::Options(tunnel.clone()),
            FormKind::Attributes(tunnel, "10.0.0.1:80".to_owned()),
        ] {
            let mut form = Form::new(kind, None);
            form.edited();
            assert_eq!(form.composed(), Composed::default(), "{form:?}");
            let why = form.failure.as_ref().map(|failure| failure.message.as_str());
            assert!(why.is_some_and(|it| it.starts_with("no command can name")), "{form:?}");
        }
    }
}
