//! How a refusal travels over JSON-RPC.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal, show};
use crate::word::Word;

/// What stands in `data` of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// For programs: the same word through every door.
    pub code: Word<Code>,
    /// Which parameter it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Which bytes of that: start, and the one after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(usize, usize)>,
    /// What was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// What would have been accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Which one of many it is about, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
}

/// A refusal as a client gets it.
///
/// ```
/// use plexy_shared::error::Refusal;
/// use plexy_shared::rpc::CallError;
/// use plexy_shared::spec::TunnelSpec;
///
/// let error = "3000=4000[stratgy=random]".parse::<TunnelSpec>().unwrap_err();
/// let error = CallError::from(Refusal::from(error));
/// assert_eq!(error.number, -32052);
/// assert_eq!(error.data.span, Some((10, 17)));
/// assert_eq!(error.to_string(), "unknown option `stratgy`; did you mean `strategy`?");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The number of the code.
    pub number: i32,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// The rest.
    pub data: ErrorData,
}

impl From<Refusal> for CallError {
    fn from(refusal: Refusal) -> Self {
        Self {
            number: refusal.code.number(),
            message: refusal.message,
            data: ErrorData {
                code: refusal.code.into(),
                parameter: refusal.parameter.map(str::to_owned),
                span: refusal.span.map(|span| (span.start, span.end)),
                suggestion: refusal.suggestion,
                valid: refusal.valid,
                hint: refusal.hint,
                index: refusal.index,
            },
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (suggestion, hint) = (self.data.suggestion.as_deref(), self.data.hint.as_deref());
        show(f, &self.message, None, suggestion, hint)
    }
}

impl std::error::Error for CallError {}
