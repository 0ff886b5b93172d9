//! One tunnel: as a row of a list, and in full.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminInfo, BackendInfo, BackendTlsInfo, EndedInfo, RefusedInfo, TlsInfo, Traffic};
use crate::spec::AdminState;
use crate::word::{Word, words};

/// Who brought a tunnel into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An argument of the daemon.
    Args,
    /// Its configuration file.
    File,
    /// A command while it ran.
    Runtime,
}

words!(Origin { Args => "args", File => "file", Runtime => "runtime" });

/// One tunnel in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelStatus {
    /// Where it listens.
    pub listen: String,
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What went through it.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Backends that take connections.
    pub backends_up: usize,
    /// Backends altogether.
    pub backends: usize,
    /// What somebody wants of it, unless it is to be ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Word<AdminState>>,
}

/// One tunnel in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelInfo {
    /// What `status full` says of it.
    #[serde(flatten)]
    pub status: TunnelStatus,
    /// The specification that would open it again.
    pub spec: String,
    /// Who brought it into being.
    pub origin: Word<Origin>,
    /// The daemon's revision at its last change.
    pub revision: u64,
    /// Seconds since it was opened.
    pub age_seconds: u64,
    /// Whether somebody lets clients come.
    pub admin_info: AdminInfo,
    /// Clients that wait until a limit lets them go on; they are no connections yet.
    #[serde(default)]
    pub parked: u64,
    /// Every option.
    pub options: Vec<OptionInfo>,
    /// What it terminates TLS with, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsInfo>,
    /// How it speaks TLS with its backends, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_tls: Option<BackendTlsInfo>,
    /// What is wrong with what its files of certificates, keys and authorities say now, where they are no
    /// good: what they said before goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_refused: Option<RefusedInfo>,
    /// Why its connections ended, reasons without a connection left out.
    pub ended: Vec<EndedInfo>,
    /// Why clients were reset instead of let in, reasons without one left out.
    pub rejected: Vec<EndedInfo>,
    /// Its backends, in the order of the specification.
    pub backend_list: Vec<BackendInfo>,
}

/// One option and its value, as they would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionInfo {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}
