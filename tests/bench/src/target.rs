//! What plexyd is to reach: shares of what HAProxy and nginx need in the same run, or values.

use std::fmt;

use crate::contestant::Kind;
use crate::figure::{Better, Figure};

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// A ratio to HAProxy.
    OfHaproxy(f64),
    /// A ratio to nginx.
    OfNginx(f64),
    /// The figure itself.
    Value(f64),
}

/// What a figure has to be, and what it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    /// The figure.
    pub(crate) figure: Figure,
    /// Has to be.
    pub(crate) must: Bound,
    /// Should be.
    pub(crate) aim: Bound,
}

/// How a figure stands to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It is not even what it has to be.
    Missed,
    /// It is what it has to be.
    Must,
    /// It is what it should be.
    Aim,
}

/// What a figure came to, itself and beside others.
pub(crate) trait Outcome {
    /// The figure.
    fn value(&self) -> Option<f64>;

    /// Its ratio to a proxy of this kind.
    fn ratio_to(&self, kind: Kind) -> Option<f64>;
}

impl Target {
    /// Ratios to HAProxy.
    pub(crate) const fn of_haproxy(figure: Figure, must: f64, aim: f64) -> Self {
        Self { figure, must: Bound::OfHaproxy(must), aim: Bound::OfHaproxy(aim) }
    }

    /// Values.
    pub(crate) const fn value(figure: Figure, must: f64, aim: f64) -> Self {
        Self { figure, must: Bound::Value(must), aim: Bound::Value(aim) }
    }

    /// How an outcome stands; nothing where what it is compared with was not measured.
    pub(crate) fn verdict(&self, outcome: &impl Outcome) -> Option<Verdict> {
        let better = self.figure.better();
        let must = self.must.is_met(better, outcome)?;
        Some(match must {
            false => Verdict::Missed,
            true if self.aim.is_met(better, outcome) == Some(true) => Verdict::Aim,
            true => Verdict::Must,
        })
    }
}

impl Bound {
    fn is_met(self, better: Better, outcome: &impl Outcome) -> Option<bool> {
        let (actual, limit) = match self {
            Self::OfHaproxy(limit) => (outcome.ratio_to(Kind::Haproxy)?, limit),
            Self::OfNginx(limit) => (outcome.ratio_to(Kind::Nginx)?, limit),
            Self::Value(limit) => (outcome.value()?, limit),
        };
        Some(if better == Better::Higher { actual >= limit } else { actual <= limit })
    }

    /// The limit, and of what it is one.
    fn parts(self) -> (f64, &'static str) {
        match self {
            Self::OfHaproxy(limit) => (limit, " of haproxy"),
            Self::OfNginx(limit) => (limit, " of nginx"),
            Self::Value(limit) => (limit, ""),
        }
    }
}

impl fmt::Display for Target {
    /// What it has to be, in parentheses what it should be, and of what that is a share.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.figure.better() == Better::Higher { '≥' } else { '≤' };
        let ((must, of), (aim, aim_of)) = (self.must.parts(), self.aim.parts());
        if of == aim_of {
            write!(f, "{sign} {must} ({aim}){of}")
        } else {
            write!(f, "{sign} {must}{of} ({aim}{aim_of})")
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missed => "MISSED",
            Self::Must => "must",
            Self::Aim => "aim",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Measured(f64, Option<f64>);

    impl Outcome for Measured {
        fn value(&self) -> Option<f64> {
            Some(self.0)
        }

        fn ratio_to(&self, _kind: Kind) -> Option<f64> {
            self.1
        }
    }

    #[track_caller]
    fn check(target: Target, measured: Measured, expected: Option<Verdict>) {
        assert_eq!(target.verdict(&measured), expected);
    }

    #[test]
    fn lower_or_higher_is_better() {
        let cpu = Target::of_haproxy(Figure::CpuMsPerGb, 0.55, 0.4);
        check(cpu, Measured(9.0, Some(0.4)), Some(Verdict::Aim));
        check(cpu, Measured(9.0, Some(0.41)), Some(Verdict::Must));
        check(cpu, Measured(9.0, Some(0.56)), Some(Verdict::Missed));
        check(cpu, Measured(9.0, None), None);
        let rate = Target::of_haproxy(Figure::GbPerSecond, 2.0, 3.0);
        check(rate, Measured(9.0, Some(1.9)), Some(Verdict::Missed));
        check(rate, Measured(9.0, Some(3.1)), Some(Verdict::Aim));
        let idle = Target::value(Figure::IdleCpuPercent, 0.05, 0.05);
        check(idle, Measured(0.01, None), Some(Verdict::Aim));
    }
}
