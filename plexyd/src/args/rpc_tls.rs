//! The options of TLS on sockets of JSON-RPC.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::control::tls::{ClientCertificates, RpcTls};

/// As they stand on a command line.
#[derive(Debug, Args)]
pub(super) struct RpcTlsArgs {
    /// The certificate of sockets with TLS, with its chain (PEM); it, its key and the CA are read again
    /// when they change, and by SIGHUP and `reload`
    #[arg(long, value_name = "FILE")]
    rpc_tls_cert: Option<PathBuf>,

    /// Its key (PEM) [default: in the same file]
    #[arg(long, value_name = "FILE")]
    rpc_tls_key: Option<PathBuf>,

    /// Let in clients of TLS who show a certificate of one of the CAs in this file (PEM); they need
    /// no token
    #[arg(long, value_name = "FILE")]
    rpc_tls_client_ca: Option<PathBuf>,

    /// Whether a client of TLS has to show one, or may show the token instead [default: require]
    #[arg(long, value_name = "WHETHER")]
    rpc_tls_client_auth: Option<ClientAuth>,
}

/// Whether clients of TLS have to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClientAuth {
    Require,
    Request,
}

impl RpcTlsArgs {
    /// What TLS is made of, if anything is said of it.
    ///
    /// # Errors
    ///
    /// An option that means nothing without another one.
    pub(super) fn files(&self, has_token: bool) -> Result<Option<RpcTls>, String> {
        let (cert, ca) = (&self.rpc_tls_cert, &self.rpc_tls_client_ca);
        let Some(cert) = cert.clone() else {
            let others = [
                (self.rpc_tls_key.is_some(), "--rpc-tls-key"),
                (ca.is_some(), "--rpc-tls-client-ca"),
                (self.rpc_tls_client_auth.is_some(), "--rpc-tls-client-auth"),
            ];
            return match others.into_iter().find(|(is_given, _)| *is_given) {
                None => Ok(None),
                Some((_, name)) => Err(format!("`{name}` without `--rpc-tls-cert`")),
            };
        };
        let clients = match (ca.clone(), self.rpc_tls_client_auth) {
            (None, None) => ClientCertificates::NotAsked,
            (None, Some(_)) => {
                return Err("`--rpc-tls-client-auth` without `--rpc-tls-client-ca`".to_owned());
            }
            (Some(ca), None | Some(ClientAuth::Require)) => ClientCertificates::Required(ca),
            // Else whoever has neither would be let in.
            (Some(_), Some(ClientAuth::Request)) if !has_token => {
                return Err("`--rpc-tls-client-auth request` without `--token-file`".to_owned());
            }
            (Some(ca), Some(ClientAuth::Request)) => ClientCertificates::Requested(ca),
        };
        Ok(Some(RpcTls { cert, key: self.rpc_tls_key.clone(), clients }))
    }
}
