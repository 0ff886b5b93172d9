//! What a change makes of tunnels, one by one: told before it is made, or after.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::info::{LiveCounts, is_false};
use crate::spec::{BackendSpec, OPTIONS, TunnelSpec};
use crate::word::{Word, words};

/// What becomes of one tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is opened.
    Created,
    /// It goes on, with other options or backends.
    Changed,
    /// It is as it should be already.
    Unchanged,
    /// It is closed.
    Removed,
}

words!(Outcome {
    Created => "created",
    Changed => "changed",
    Unchanged => "unchanged",
    Removed => "removed",
});

/// One option of a tunnel that becomes another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionDifference {
    /// The option.
    pub key: String,
    /// Its value before, its default included.
    pub before: String,
    /// Its value after.
    pub after: String,
}

/// One backend of a tunnel that comes, goes, or gets other attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendDifference {
    /// With its attributes before; none if it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// With its attributes after; none if it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What becomes of one tunnel, and how it differs from what it was.
///
/// ```
/// use plexy_shared::plan::{Outcome, TunnelDifference};
///
/// let (before, after) = ("3000=4000".parse()?, "3000=4000,4001[retries=5]".parse()?);
/// let difference = TunnelDifference::changed(&before, &after);
/// assert_eq!(difference.result, Outcome::Changed);
/// assert_eq!((difference.options[0].key.as_str(), difference.options[0].after.as_str()), ("retries", "5"));
/// assert_eq!(difference.backends[0].after.as_deref(), Some("127.0.0.1:4001"));
/// # Ok::<(), plexy_shared::spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelDifference {
    /// What becomes of it.
    pub result: Word<Outcome>,
    /// Where it listens; with port 0 where the port is not known yet.
    pub listen: String,
    /// Its name, after it where it has one then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its specification before, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its specification after, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Of one that is changed: the options that become others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionDifference>,
    /// Of one that is changed: the backends that come, go, or get other attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backends: Vec<BackendDifference>,
    /// Whether the backends that stay stand in another order.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reordered: bool,
    /// What becomes of the live connections that it is about.
    #[serde(flatten)]
    pub live: LiveCounts,
}

/// What a change that was only tried out would have done; nothing of one that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    /// Whether nothing was done: the answer tells what would have been.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// What would have become of each tunnel that would not have stayed as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<TunnelDifference>,
}

/// What `planTunnels` would do, and what `applyTunnels` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyReply {
    /// Whether nothing was done: the answer tells what would have been.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// What stands for all that is done: it is another one as soon as anything else would be.
    pub plan: String,
    /// Tunnels that were opened.
    pub created: usize,
    /// Tunnels that stand otherwise now.
    pub changed: usize,
    /// Tunnels that were as they should be already.
    pub unchanged: usize,
    /// Tunnels that were closed.
    pub removed: usize,
    /// What became of each tunnel: those that were asked for, in their order, then those that were
    /// removed.
    pub tunnels: Vec<TunnelDifference>,
    /// The daemon's revision after it.
    pub revision: u64,
}

impl TunnelDifference {
    fn of(result: Outcome, spec: &TunnelSpec) -> Self {
        Self {
            result: result.into(),
            listen: spec.listen.to_string(),
            name: spec.options.name.as_ref().map(ToString::to_string),
            before: None,
            after: None,
            options: Vec::new(),
            backends: Vec::new(),
            reordered: false,
            live: LiveCounts::default(),
        }
    }

    /// One that is opened.
    #[must_use]
    pub fn created(spec: &TunnelSpec) -> Self {
        Self { after: Some(spec.to_string()), ..Self::of(Outcome::Created, spec) }
    }

    /// One that goes on as something else, on the same address.
    #[must_use]
    pub fn changed(before: &TunnelSpec, after: &TunnelSpec) -> Self {
        Self {
            before: Some(before.to_string()),
            after: Some(after.to_string()),
            options: options(before, after),
            backends: backends(before, after),
            reordered: is_reordered(before, after),
            ..Self::of(Outcome::Changed, after)
        }
    }

    /// One that stays as it is.
    #[must_use]
    pub fn unchanged(spec: &TunnelSpec) -> Self {
        Self::of(Outcome::Unchanged, spec)
    }

    /// One that is closed.
    #[must_use]
    pub fn removed(spec: &TunnelSpec) -> Self {
        Self { before: Some(spec.to_string()), ..Self::of(Outcome::Removed, spec) }
    }

    /// What becomes of its connections.
    #[must_use]
    pub fn with(self, live: LiveCounts) -> Self {
        Self { live, ..self }
    }
}

impl ApplyReply {
    /// Whether nothing is otherwise than before.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.created + self.changed + self.removed == 0
    }

    /// Live connections that are reset.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.tunnels.iter().map(|tunnel| tunnel.live.ended).sum()
    }
}

/// What it did, in a line.
impl fmt::Display for ApplyReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, changed, unchanged, removed, .. } = self;
        write!(f, "created {created}, changed {changed}, unchanged {unchanged}, removed {removed}")
    }
}

fn options(before: &TunnelSpec, after: &TunnelSpec) -> Vec<OptionDifference> {
    if before.options == after.options {
        return Vec::new();
    }
    let difference = |row: &crate::spec::OptionRow| {
        let (before, after) = (row.value_in(&before.options), row.value_in(&after.options));
        let key = row.key.to_owned();
        (before != after).then_some(OptionDifference { key, before, after })
    };
    OPTIONS.iter().filter_map(difference).collect()
}

/// Those that are as before or otherwise, in their order after; then those that go.
fn backends(before: &TunnelSpec, after: &TunnelSpec) -> Vec<BackendDifference> {
    let named = |set: &'_ TunnelSpec, wanted: &BackendSpec| {
        set.backends.iter().find(|it| it.addr == wanted.addr).cloned()
    };
    let text = |backend: Option<BackendSpec>| backend.map(|it| it.to_string());
    let coming = after.backends.iter().filter_map(|backend| {
        let was = named(before, backend);
        let is_other = was.as_ref() != Some(backend);
        let after = Some(backend.to_string());
        is_other.then(|| BackendDifference { before: text(was), after })
    });
    let going = before.backends.iter().filter(|backend| named(after, backend).is_none());
    let going = going.map(|it| BackendDifference { before: Some(it.to_string()), after: None });
    coming.chain(going).collect()
}

fn is_reordered(before: &TunnelSpec, after: &TunnelSpec) -> bool {
    let staying = |set: &TunnelSpec, other: &TunnelSpec| -> Vec<_> {
        let is_in = |it: &&BackendSpec| other.backends.iter().any(|known| known.addr == it.addr);
        set.backends.iter().filter(is_in).map(|it| it.addr.clone()).collect()
    };
    staying(before, after) != staying(after, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str, after: &str) -> TunnelDifference {
        TunnelDifference::changed(&before.parse().unwrap(), &after.parse().unwrap())
    }

    #[track_caller]
    fn check_backends(before: &str, after: &str, expected: &[(Option<&str>, Option<&str>)]) {
        let found = changed(before, after).backends;
        let found: Vec<_> =
            found.iter().map(|it| (it.before.as_deref(), it.after.as_deref())).collect();
        assert_eq!(found, expected, "{before} → {after}");
    }

    #[test]
    fn options_are_told_with_the_defaults_that_nobody_has_written() {
        let difference =
            changed("1=2[name=a,retries=5,allow=::1]", "1=2[strategy=first,allow=::2,allow=::1]");
        let found: Vec<_> = difference
            .options
            .iter()
            .map(|it| (it.key.as_str(), it.before.as_str(), it.after.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("name", "a", "none"),
                ("strategy", "round-robin", "first"),
                ("retries", "5", "3"),
                ("allow", "::1/128", "::2/128,::1/128"),
            ]
        );
        assert_eq!(difference.name, None);
        assert!(difference.backends.is_empty() && !difference.reordered);
    }

    #[test]
    fn backends_come_go_and_change() {
        check_backends(
            "1=2,3+weight=2,4",
            "1=5,2,3+weight=4",
            &[
                (None, Some("127.0.0.1:5")),
                (Some("127.0.0.1:3+weight=2"), Some("127.0.0.1:3+weight=4")),
                (Some("127.0.0.1:4"), None),
            ],
        );
        check_backends("1=2,3", "1=2,3[retries=1]", &[]);
    }

    #[test]
    fn an_order_is_another_one_only_among_those_that_stay() {
        assert!(changed("1=2,3", "1=3,2").reordered);
        assert!(!changed("1=2,3,4", "1=5,2,4").reordered);
    }

    #[test]
    fn what_is_closed_or_opened_is_told_whole() {
        let spec = "1=2[name=a]".parse().unwrap();
        let (created, removed) =
            (TunnelDifference::created(&spec), TunnelDifference::removed(&spec));
        assert_eq!((created.before.as_deref(), created.name.as_deref()), (None, Some("a")));
        assert_eq!(removed.before, created.after);
        assert_eq!((removed.after, removed.result), (None, Outcome::Removed.into()));
    }
}
