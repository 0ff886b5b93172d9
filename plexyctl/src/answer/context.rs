//! Ways to daemons that have names, as `context` tells of them.

use serde::Serialize;

use crate::config::Context;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ContextInfo {
    /// How it is called.
    pub(crate) name: String,
    /// Whether it holds.
    pub(crate) current: bool,
    /// Where the daemon is; none for that of this machine.
    pub(crate) endpoint: Option<String>,
    /// Whether every change there wants `--yes`.
    pub(crate) protected: bool,
    /// Whether nothing is changed there.
    pub(crate) read_only: bool,
    /// The CAs that are believed.
    pub(crate) ca: Option<String>,
    /// The certificate that is shown.
    pub(crate) cert: Option<String>,
    /// Its key.
    pub(crate) key: Option<String>,
    /// The name that the certificate of the daemon has to have.
    pub(crate) server_name: Option<String>,
    /// The file of the token that is shown.
    pub(crate) token_file: Option<String>,
    /// The file that says so.
    pub(crate) file: String,
}

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ContextChange {
    /// `added`, `selected`, `removed` or `unchanged`.
    pub(crate) result: &'static str,
    /// Which; empty for none.
    pub(crate) name: String,
    /// The file that says so.
    pub(crate) file: String,
}

impl ContextInfo {
    pub(crate) fn new(name: &str, context: &Context, is_current: bool) -> Self {
        let way = &context.way;
        let path = |path: &Option<std::path::PathBuf>| {
            path.as_ref().map(|path| path.display().to_string())
        };
        Self {
            name: name.to_owned(),
            current: is_current,
            endpoint: way.endpoint.as_ref().map(ToString::to_string),
            protected: context.is_protected,
            read_only: context.is_read_only,
            ca: path(&way.credentials.ca),
            cert: path(&way.credentials.cert),
            key: path(&way.credentials.key),
            server_name: way.credentials.server_name.clone(),
            token_file: path(&way.token_file),
            file: way.file.display().to_string(),
        }
    }
}
