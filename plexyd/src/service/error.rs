//! Why the service says no.

use plexy_shared::connection::ConnectionId;
use plexy_shared::error::{Code, Refusal};
use plexy_shared::spec::{BackendAddr, BoundAddr, SpecError, TunnelName, TunnelRef};
use plexy_shared::units::counted;
use thiserror::Error;

use crate::bind::BindError;
use crate::resolver::ResolveError;
use crate::tls::{OriginateError, TerminateError};

/// What the service refuses. Nothing was changed then.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// No tunnel is called that.
    #[error("no tunnel `{wanted}`")]
    TunnelNotFound {
        /// What was asked for.
        wanted: TunnelRef,
        /// The name of a tunnel that was probably meant.
        near: Option<TunnelName>,
    },
    /// The tunnel has no such backend.
    #[error("tunnel `{tunnel}` has no backend `{backend}`")]
    BackendNotFound {
        /// The tunnel's name or address.
        tunnel: String,
        /// The backend.
        backend: BackendAddr,
    },
    /// The tunnel has that backend with other attributes.
    #[error("tunnel `{tunnel}` has backend `{backend}` already")]
    BackendExists {
        /// The tunnel's name or address.
        tunnel: String,
        /// The backend.
        backend: BackendAddr,
    },
    /// A tunnel has at least one backend.
    #[error("`{backend}` is the last backend of tunnel `{tunnel}`")]
    LastBackend {
        /// The tunnel's name or address.
        tunnel: String,
        /// The backend.
        backend: BackendAddr,
    },
    /// A tunnel has a bounded number of backends.
    #[error("tunnel `{tunnel}` has {max} backends already")]
    TooManyBackends {
        /// The tunnel's name or address.
        tunnel: String,
        /// How many it may have.
        max: usize,
    },
    /// Names are unique.
    #[error("the name `{name}` is taken by the tunnel on `{holder}`")]
    NameInUse {
        /// The name.
        name: TunnelName,
        /// Who has it.
        holder: BoundAddr,
    },
    /// One of our tunnels listens there.
    #[error("cannot listen on `{addr}`: {}", holder_words(holder, holder_addr))]
    AddressInUse {
        /// The address.
        addr: BoundAddr,
        /// Name or address of the tunnel that has it.
        holder: String,
        /// Where that one listens.
        holder_addr: BoundAddr,
    },
    /// Two of the same call listen there.
    #[error("cannot listen on `{addr}`: tunnel {first} of the same call listens on `{first_addr}`")]
    AddressTwice {
        /// The address.
        addr: BoundAddr,
        /// Which one does, from 1.
        first: usize,
        /// Where that one listens.
        first_addr: BoundAddr,
    },
    /// Two of the same call have that name.
    #[error("tunnel {first} of the same call has the name `{name}`")]
    NameTwice {
        /// The name.
        name: TunnelName,
        /// Which one has it, from 1.
        first: usize,
    },
    /// The daemon itself listens there.
    #[error("cannot listen on `{0}`: a socket of plexyd itself is open there")]
    OwnSocket(BoundAddr),
    /// The operating system says no.
    #[error("{0}")]
    Bind(#[from] BindFailure),
    /// The name to listen on has no IPv4 address.
    #[error("cannot listen: {0}")]
    NotResolved(String),
    /// A tunnel cannot be its own backend.
    #[error("backend `{backend}` is the tunnel on `{listen}` itself")]
    OwnBackend {
        /// Where it listens.
        listen: BoundAddr,
        /// The backend.
        backend: BackendAddr,
    },
    /// Another listener would take what the data path needs.
    #[error("no file descriptors are left for another tunnel")]
    OutOfDescriptors,
    /// Something has changed that the caller does not know of.
    #[error("the daemon is at revision {revision}, not {expected}")]
    RevisionMismatch {
        /// What the caller expected.
        expected: u64,
        /// What it is at.
        revision: u64,
    },
    /// Something else would be done by now than was planned.
    #[error(
        "something else would be done by now than was planned: the daemon is at revision {revision}"
    )]
    PlanChanged {
        /// What it is at.
        revision: u64,
    },
    /// The disk says no.
    #[error("{0}; nothing has changed")]
    NotSaved(String),
    /// There is no state file.
    #[error("plexyd keeps no state: it was started without --state")]
    NoState,
    /// There is no configuration file, and nothing has a certificate.
    #[error(
        "plexyd was started without --config, and nothing here has a certificate: there is no file to reload"
    )]
    NoConfig,
    /// A file has mistakes.
    #[error("{}", first_of(.0))]
    BadFile(Vec<String>),
    /// There are not so many changes.
    #[error("cannot undo {wanted} of {known} known changes")]
    NothingToUndo {
        /// How many were to be undone.
        wanted: usize,
        /// How many there are.
        known: usize,
    },
    /// A tunnel is not as the changes have left it.
    #[error("the tunnel on `{0}` is not as that change has left it")]
    ChangedSince(BoundAddr),
    /// A file of TLS is no good.
    #[error("{0}")]
    BadCertificate(TlsFault),
    /// Options do not go together.
    #[error("{0} of what the tunnel would be")]
    Unfit(SpecError),
    /// Whoever comes to a Unix socket has no address.
    #[error("clients of `{0}` have no address")]
    ClientsWithoutAddress(BoundAddr),
    /// None of them lives.
    #[error("{}", no_connection(.0))]
    ConnectionNotFound(Vec<ConnectionId>),
    /// The daemon has failed.
    #[error("plexyd has failed at this: {0}")]
    Failed(String),
    /// The daemon drains.
    #[error("plexyd is shutting down")]
    ShuttingDown,
}

/// The first mistake, and how many more there are. Each may be followed by the text that it is about.
fn first_of(mistakes: &[String]) -> String {
    let first = mistakes.first().and_then(|mistake| mistake.lines().next()).unwrap_or_default();
    match mistakes.len() {
        0 | 1 => first.to_owned(),
        count => format!("{first} (and {})", counted(count as u64 - 1, "more mistake")),
    }
}

fn no_connection(ids: &[ConnectionId]) -> String {
    match ids {
        [id] => format!("no connection `{id}`"),
        ids => format!("none of these {} connections is live", ids.len()),
    }
}

fn holder_words(holder: &str, addr: &BoundAddr) -> String {
    if addr.to_string() == holder {
        format!("tunnel `{holder}` is open")
    } else {
        format!("tunnel `{holder}` is open on `{addr}`")
    }
}

/// Why an address cannot be listened on; other crates need not take it apart.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct BindFailure(BindError);

/// What is wrong with which file of TLS; other crates need not take it apart.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct TlsFault(SecurityError);

/// With whom TLS cannot be spoken, and why.
#[derive(Debug, Error)]
enum SecurityError {
    #[error("{0}")]
    Terminate(TerminateError),
    #[error("{0}")]
    Originate(OriginateError),
}

impl From<TerminateError> for ServiceError {
    fn from(error: TerminateError) -> Self {
        Self::BadCertificate(TlsFault(SecurityError::Terminate(error)))
    }
}

impl From<OriginateError> for ServiceError {
    fn from(error: OriginateError) -> Self {
        Self::BadCertificate(TlsFault(SecurityError::Originate(error)))
    }
}

impl From<BindError> for ServiceError {
    fn from(error: BindError) -> Self {
        Self::Bind(BindFailure(error))
    }
}

impl From<ResolveError> for ServiceError {
    fn from(error: ResolveError) -> Self {
        Self::NotResolved(error.to_string())
    }
}

impl ServiceError {
    fn code(&self) -> Code {
        match self {
            Self::TunnelNotFound { .. } => Code::TunnelNotFound,
            Self::BackendNotFound { .. } => Code::BackendNotFound,
            Self::BackendExists { .. } => Code::BackendExists,
            Self::LastBackend { .. } => Code::LastBackend,
            Self::TooManyBackends { .. } => Code::TooManyBackends,
            Self::NameInUse { .. } | Self::NameTwice { .. } => Code::NameInUse,
            Self::AddressInUse { .. } | Self::AddressTwice { .. } | Self::OwnSocket(_) => {
                Code::AddressInUse
            }
            Self::Bind(BindFailure(error)) => match error {
                BindError::InUse { .. } => Code::AddressInUse,
                BindError::Denied { .. } => Code::PermissionDenied,
                BindError::OutOfDescriptors(_) => Code::OutOfDescriptors,
                BindError::NotASocket(_) | BindError::Other { .. } => Code::CannotListen,
            },
            Self::NotResolved(_) => Code::NameNotResolved,
            Self::OwnBackend { .. } => Code::OwnBackend,
            Self::OutOfDescriptors => Code::OutOfDescriptors,
            Self::ShuttingDown => Code::ShuttingDown,
            Self::RevisionMismatch { .. } | Self::PlanChanged { .. } | Self::ChangedSince(_) => {
                Code::RevisionMismatch
            }
            Self::Unfit(error) => error.code(),
            Self::BadCertificate(_) => Code::BadCertificate,
            Self::NotSaved(_) => Code::NotSaved,
            Self::NoState => Code::NoState,
            Self::NoConfig => Code::NoConfig,
            Self::BadFile(_) => Code::BadFile,
            Self::NothingToUndo { .. } => Code::NothingToUndo,
            Self::ClientsWithoutAddress(_) => Code::UnexpectedArgument,
            Self::ConnectionNotFound(_) => Code::ConnectionNotFound,
            Self::Failed(_) => Code::InternalError,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TunnelNotFound { .. } => Some("`list` shows the tunnels"),
            Self::BackendNotFound { .. } => Some("`detail` shows its backends"),
            Self::BackendExists { .. } => Some("`set` changes its attributes"),
            Self::LastBackend { .. } => Some("add another one first, or close the tunnel"),
            Self::AddressInUse { .. } => Some("close that one first, or listen elsewhere"),
            Self::RevisionMismatch { .. } | Self::PlanChanged { .. } => {
                Some("look at what has changed, then ask again")
            }
            Self::NotSaved(_) => Some("`save` tells when the disk takes it again"),
            Self::ChangedSince(_) | Self::NothingToUndo { .. } => {
                Some("`history` tells the changes")
            }
            Self::ClientsWithoutAddress(_) => Some("leave `from` out: all of them are alike"),
            Self::ConnectionNotFound(_) => Some("`conns` shows those that are live"),
            Self::OutOfDescriptors => Some("raise the limit of open files"),
            _ => None,
        }
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        let mut refusal = Self::new(error.code(), error.to_string());
        refusal.hint = error.hint().map(str::to_owned);
        match error {
            ServiceError::TunnelNotFound { near, .. } => {
                refusal.suggesting(near.map(|near| near.to_string()))
            }
            _ => refusal,
        }
    }
}

/// Why none of several tunnels was opened.
#[derive(Debug, Error)]
#[error("{error}")]
pub struct OpenError {
    /// Which one stands in the way, from 0; none if that is no matter of one.
    pub index: Option<usize>,
    /// What is wrong with it.
    #[source]
    pub error: ServiceError,
}

impl OpenError {
    pub(super) fn of(index: usize, error: impl Into<ServiceError>) -> Self {
        Self { index: Some(index), error: error.into() }
    }
}

impl From<ServiceError> for OpenError {
    fn from(error: ServiceError) -> Self {
        Self { index: None, error }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        let mut refusal = Self::from(error.error);
        refusal.index = error.index;
        refusal
    }
}
