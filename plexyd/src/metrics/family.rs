//! What a family is, and what its samples are made of: the same for whoever
//! takes them, the text of Prometheus or the messages of OTLP.

use std::borrow::Cow;

use plexy_shared::info::Reason;
use plexy_shared::spec::BoundAddr;

use crate::backend::Backend;
use crate::histogram::{Bounds, Observed};
use crate::service::TunnelSurvey;

/// What a family is: one row is one metric for Prometheus and for OpenTelemetry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// What Prometheus calls it.
    pub(crate) name: &'static str,
    /// What OpenTelemetry calls it: dots, no unit and no `total`.
    pub(crate) otlp: &'static str,
    /// The unit, as UCUM writes it.
    pub(crate) unit: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

/// How values of a family behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It never falls.
    Counter,
    /// A value of which a sum over tunnels or daemons means nothing.
    Gauge,
    /// It rises and falls, and can be summed; a gauge to Prometheus.
    UpDownCounter,
    Histogram,
}

/// Something that tells one sample of a family from the others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Label<'a> {
    /// A tunnel: its name, or else its address.
    Tunnel(&'a TunnelSurvey),
    /// Where a tunnel listens, where that is not told by [`Label::Tunnel`].
    Listen(&'a BoundAddr),
    Backend(&'a Backend),
    Direction(Direction),
    /// Why a connection has ended, or was not let in.
    Reason(Reason),
    /// How something that can fail has gone.
    Outcome(Outcome<'a>),
    /// Any other, by its name.
    Word(&'static str, &'a str),
}

/// Where bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From clients to backends.
    In,
    /// From backends to clients.
    Out,
}

/// The word for how something has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    Success(&'a str),
    Failure(&'a str),
}

/// What a sample tells.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Whole(u64),
    Float(f64),
    Histogram(&'a Bounds, &'a Observed),
}

/// Takes samples, family by family.
pub(crate) trait Sink {
    /// The samples that follow are of this family.
    fn begin(&mut self, head: &'static Head);

    fn sample(&mut self, labels: &[Label<'_>], value: Value<'_>);

    /// Whether nobody wants any more.
    fn is_over(&self) -> bool;

    fn whole(&mut self, labels: &[Label<'_>], value: u64) {
        self.sample(labels, Value::Whole(value));
    }
}

impl Label<'_> {
    /// What Prometheus calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Tunnel(_) => "tunnel",
            Self::Listen(_) => "listen",
            Self::Backend(_) => "backend",
            Self::Direction(_) => "direction",
            Self::Reason(_) => "reason",
            Self::Outcome(_) => "outcome",
            Self::Word(name, _) => name,
        }
    }

    /// What it is for this sample, to Prometheus.
    pub(super) fn value(&self) -> Cow<'_, str> {
        match *self {
            Self::Tunnel(survey) => survey.tunnel.label_of(&survey.route).into(),
            Self::Listen(addr) => addr.to_string().into(),
            Self::Backend(backend) => backend.addr.to_string().into(),
            Self::Direction(Direction::In) => "in".into(),
            Self::Direction(Direction::Out) => "out".into(),
            Self::Reason(reason) => reason.as_str().into(),
            Self::Outcome(Outcome::Success(word) | Outcome::Failure(word))
            | Self::Word(_, word) => word.into(),
        }
    }
}
