//! Weights as they count at a moment: finer than those that are written.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The share of a backend in thousandths of the weight 1, so that one that has just come back can
/// count with a part of its own. A number with up to three decimals wherever it is shown.
///
/// ```
/// use plexy_shared::weight::Weight;
///
/// let half = Weight::in_thousandths(500);
/// assert_eq!(half.to_string(), "0.5");
/// assert_eq!(Weight::whole(3).thousandths(), 3_000);
/// assert_eq!(serde_json::to_string(&half).unwrap(), "0.5");
/// assert_eq!(serde_json::from_str::<Weight>("0.5").unwrap(), half);
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(from = "f64", into = "f64")]
#[schemars(description = "a weight, with up to three decimals")]
pub struct Weight(u32);

impl Weight {
    /// A weight as it is written.
    #[must_use]
    pub fn whole(weight: u32) -> Self {
        Self(weight.saturating_mul(1_000))
    }

    /// A part of one.
    #[must_use]
    pub fn in_thousandths(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// How many thousandths it is.
    #[must_use]
    pub fn thousandths(self) -> u32 {
        self.0
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> Self {
        Self::from(weight.0) / 1_000.0
    }
}

/// What is no weight becomes the nearest one that is.
impl From<f64> for Weight {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
    fn from(weight: f64) -> Self {
        Self((weight * 1_000.0).round() as u32)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f64::from(*self).fmt(f)
    }
}
