//! What would become of tunnels, and of their live connections, if a change were made now.

use plexy_shared::command::LiveChoice;
use plexy_shared::info::LiveCounts;
use plexy_shared::plan::TunnelDifference;
use plexy_shared::spec::{AdminState, LiveAction, TunnelSpec};

use super::live::{Holder, settled};
use super::reroute::{Rerouting, add};
use super::transition::{Closing, Opening, Transition};
use crate::backend::Member;

impl Transition {
    /// What becomes of each tunnel, with its place in the call, if it has one; in the order of the call,
    /// and those that are closed at last.
    pub(super) fn differences(&self) -> Vec<(Option<usize>, TunnelDifference)> {
        let opened = self.open.iter().map(|it| (Some(it.index), it.difference()));
        let changed = self.change.iter().map(|it| (Some(it.index), it.difference()));
        let mut asked: Vec<_> = opened.chain(changed).collect();
        asked.sort_by_key(|(index, _)| *index);
        asked.extend(self.close.iter().map(|it| (None, it.difference())));
        asked
    }
}

impl Opening {
    fn difference(&self) -> TunnelDifference {
        let listen = self.addr.clone().into();
        TunnelDifference::created(&TunnelSpec { listen, ..self.spec.clone() })
    }
}

impl Closing {
    pub(super) fn difference(&self) -> TunnelDifference {
        let choice = settled(self.live, &self.tunnel.route().options);
        let live = Holder::Tunnel(self.tunnel.clone()).forecast(choice);
        TunnelDifference::removed(&self.tunnel.spec()).with(live)
    }
}

impl Rerouting {
    fn difference(&self) -> TunnelDifference {
        TunnelDifference::changed(&self.tunnel.spec(), &self.after()).with(self.forecast())
    }

    /// The same connections as those that a new route parts from, and by the same choices.
    pub(super) fn forecast(&self) -> LiveCounts {
        let Self { tunnel, spec, once, .. } = self;
        let (before, options) = (tunnel.route(), &spec.options);
        let of = |member: &Member| Holder::Backend(tunnel.clone(), member.backend.clone());
        let mut live = LiveCounts::default();
        for member in before.backends.iter() {
            let after = spec.backends.iter().find(|it| it.addr == member.backend.addr);
            let choice = match after.map(|it| it.options.admin) {
                None => Some(once.choice(options)),
                Some(admin) if admin != member.options.admin => once.choice_of(admin, options),
                Some(_) => None,
            };
            if let Some(choice) = choice {
                add(&mut live, of(member).forecast(choice));
            }
        }
        if before.options.admin != options.admin && options.admin != AdminState::Ready {
            let choice = settled(once.drain(), options);
            add(&mut live, Holder::Tunnel(tunnel.clone()).forecast(choice));
        }
        live
    }
}

impl Holder {
    /// What these connections would get by this choice.
    pub(super) fn forecast(&self, choice: LiveChoice) -> LiveCounts {
        let (live, none) = (self.live(), LiveCounts::default());
        match choice.action {
            LiveAction::Keep => LiveCounts { kept: live, ..none },
            LiveAction::Drain => LiveCounts { draining: live, ..none },
            LiveAction::Kill => LiveCounts { ended: live, ..none },
        }
    }
}
