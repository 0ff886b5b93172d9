//! What stands in front of the tables and has the keys.

mod choice;
mod command_line;
mod confirm;
mod form;
mod menu;
pub(crate) mod offer;
mod subject;
mod text;
mod title;

use plexy_shared::overview::{Overview, OverviewParams};
use tui_input::Input;

use super::level::TunnelName;
use super::seen::Seen;

pub(crate) use choice::Choice;
pub(crate) use command_line::CommandLine;
pub(crate) use confirm::{Check, Confirm};
pub(crate) use form::{Field, Form, FormKind};
pub(crate) use menu::{Item, Menu, Run};
pub(crate) use offer::Offer;
pub(crate) use subject::{Now, Subject};
pub(crate) use text::Text;

/// One of them.
#[derive(Debug)]
pub(crate) enum Dialog {
    /// What rows somebody looks for, as they type it.
    Find(Input),
    /// The columns that rows can be sorted by; this one is selected.
    Sort(usize),
    /// What the keys do, scrolled so far.
    Help(usize),
    /// What can be done with something.
    Menu(Menu),
    /// Whether something is to be done.
    Confirm(Box<Confirm>),
    /// What something is to be.
    Form(Box<Form>),
    /// A command.
    Line(Box<CommandLine>),
    /// A text to be read.
    Text(Text),
}

impl Dialog {
    /// Where the tunnel listens that it is about: it has to be known in full.
    pub(crate) fn tunnel(&self) -> Option<&str> {
        match self {
            Self::Menu(menu) => menu.subject.listen(),
            Self::Confirm(confirm) => confirm.subject.listen(),
            Self::Form(form) => form.kind.tunnel().map(|tunnel| tunnel.listen.as_str()),
            Self::Text(text) => text.export.as_ref().map(|tunnel| tunnel.listen.as_str()),
            Self::Find(_) | Self::Sort(_) | Self::Help(_) | Self::Line(_) => None,
        }
    }

    /// What its tunnel is called; not of a question, which was asked about what was told alone.
    pub(super) fn tunnel_mut(&mut self) -> Option<&mut TunnelName> {
        match self {
            Self::Menu(menu) => menu.subject.tunnel_mut(),
            Self::Form(form) => form.kind.tunnel_mut(),
            Self::Text(text) => text.export.as_mut(),
            Self::Confirm(_) | Self::Find(_) | Self::Sort(_) | Self::Help(_) | Self::Line(_) => {
                None
            }
        }
    }

    /// Takes what the daemon has told, where these were asked for.
    pub(crate) fn told(&mut self, params: &OverviewParams, overview: &Overview) {
        match self {
            Self::Confirm(confirm) => {
                let now = confirm.subject.now(overview, params);
                confirm.told(now, Seen::of(overview));
            }
            Self::Form(form) => form.told(params, overview),
            Self::Text(text) => text.told(params, overview),
            Self::Menu(_) | Self::Find(_) | Self::Sort(_) | Self::Help(_) | Self::Line(_) => {}
        }
    }
}
