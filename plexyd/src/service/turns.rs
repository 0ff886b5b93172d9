//! Turns: a change waits for those that came before it and have to do with the same tunnel. Changes of
//! different tunnels are under way together, so that the disk keeps many of them at once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use plexy_shared::spec::{BoundAddr, OptionSettings, TunnelName};
use tokio::sync::Notify;

use crate::tunnel::Tunnel;

/// What a change has to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every tunnel, or one knows only later which.
    All,
    /// The tunnel on this address, and who has one of these names.
    One { listen: BoundAddr, names: Vec<TunnelName> },
}

impl Scope {
    /// One tunnel, which has this name or is to have it.
    pub(super) fn one(listen: &BoundAddr, name: Option<&TunnelName>) -> Self {
        Self::One { listen: listen.clone(), names: name.cloned().into_iter().collect() }
    }

    /// A tunnel that is open, which may be called otherwise by these settings.
    pub(super) fn of_change(tunnel: &Tunnel, settings: Option<&OptionSettings>) -> Self {
        let mut options = tunnel.route().options.clone();
        let before = options.name.clone();
        if let Some(settings) = settings {
            settings.apply(&mut options);
        }
        let names = before.into_iter().chain(options.name).collect();
        Self::One { listen: tunnel.listen.clone(), names }
    }

    fn is_beside(&self, other: &Self) -> bool {
        let (Self::One { listen, names }, Self::One { listen: on, names: called }) = (self, other)
        else {
            return false;
        };
        // Port 0 is any free one, so it overlaps with nothing.
        let is_apart = listen.port() == Some(0) || !listen.overlaps(on);
        let is_same = |name: &TunnelName| {
            called.iter().any(|other| other.as_str().eq_ignore_ascii_case(name.as_str()))
        };
        is_apart && !names.iter().any(is_same)
    }
}

/// The changes that are under way, and those that wait.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queue: Mutex<Queue>,
    /// Somebody has left.
    left: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// In the order in which they came.
    scopes: VecDeque<(u64, Scope)>,
    last: u64,
}

/// The place of one change among the others, until this is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    turns: &'a Turns,
    number: u64,
    /// Whether no other change is under way.
    pub(super) is_alone: bool,
}

impl Turns {
    /// Waits until nothing is under way that has to do with the same. Who comes later waits for this
    /// one from now on.
    pub(super) async fn take(&self, scope: Scope) -> Place<'_> {
        let number = self.enter(scope.clone());
        // Before the first wait: who gives up leaves.
        let place = Place { turns: self, number, is_alone: scope == Scope::All };
        loop {
            let mut left = std::pin::pin!(self.left.notified());
            // Whoever leaves from now on is heard.
            left.as_mut().enable();
            if self.is_free(number, &scope) {
                return place;
            }
            left.await;
        }
    }

    fn enter(&self, scope: Scope) -> u64 {
        let mut queue = self.lock();
        queue.last += 1;
        let number = queue.last;
        queue.scopes.push_back((number, scope));
        number
    }

    fn is_free(&self, number: u64, scope: &Scope) -> bool {
        let queue = self.lock();
        let mut before = queue.scopes.iter().take_while(|(other, _)| *other != number);
        before.all(|(_, other)| scope.is_beside(other))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turns.lock().scopes.retain(|(number, _)| *number != self.number);
        self.turns.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::poll;
    use plexy_shared::spec::ListenAddr;

    use super::*;

    fn one(listen: &str, name: Option<&str>) -> Scope {
        let listen = listen.parse::<ListenAddr>().unwrap().bound().unwrap();
        Scope::one(&listen, name.map(|name| name.parse().unwrap()).as_ref())
    }

    #[track_caller]
    fn check(one: &Scope, other: &Scope, is_beside: bool) {
        assert_eq!(one.is_beside(other), is_beside, "{one:?} and {other:?}");
        assert_eq!(other.is_beside(one), is_beside, "{other:?} and {one:?}");
    }

    #[test]
    fn only_what_has_to_do_with_other_tunnels_is_under_way_together() {
        check(&one("80", None), &one("81", None), true);
        check(&one("80", None), &one("80", None), false);
        check(&one("80", None), &one("*:80", None), false);
        check(&one("80", Some("db")), &one("81", Some("web")), true);
        check(&one("80", Some("db")), &one("81", Some("DB")), false);
        check(&one("127.0.0.1:0", None), &one("127.0.0.1:0", None), true);
        check(&one("127.0.0.1:0", Some("a")), &one("127.0.0.1:0", Some("a")), false);
        check(&Scope::All, &one("80", None), false);
        check(&Scope::All, &Scope::All, false);
    }

    #[tokio::test]
    async fn who_came_first_is_first_and_who_gives_up_is_in_nobody_s_way() {
        let turns = Turns::default();
        let first = turns.take(one("80", None)).await;
        let mut all = Box::pin(turns.take(Scope::All));
        assert!(poll!(&mut all).is_pending());
        // It came after one that is to be alone.
        let mut other = Box::pin(turns.take(one("81", None)));
        assert!(poll!(&mut other).is_pending());
        drop(all);
        let Poll::Ready(other) = poll!(&mut other) else { panic!("it waits for nobody") };
        let mut same = Box::pin(turns.take(one("80", None)));
        assert!(poll!(&mut same).is_pending());
        drop(other);
        assert!(poll!(&mut same).is_pending());
        drop(first);
        assert!(poll!(&mut same).is_ready());
        drop(same);
        assert!(turns.lock().scopes.is_empty());
    }
}
