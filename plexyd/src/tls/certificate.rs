//! What a certificate says of itself, for whoever reads it.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::distinguished_name;

/// What there is to tell of a certificate. Its texts are whatever its maker has written: they are
/// escaped where they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// Whom it is for: names and addresses, in its order. Of one without any, the common name.
    pub(crate) names: Vec<String>,
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// In hexadecimal digits, two a byte, with colons between.
    pub(crate) serial: String,
    /// In seconds since 1970.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub(crate) fingerprint: String,
}

impl Certificate {
    /// What this one in DER says; none where it is malformed.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let validity = parsed.validity();
        Some(Self {
            names: names(&parsed),
            subject: distinguished_name::shown(parsed.subject()),
            issuer: distinguished_name::shown(parsed.issuer()),
            serial: parsed.raw_serial_as_string(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            fingerprint: hexadecimal(digest(&SHA256, der).as_ref()),
        })
    }
}

fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let alternatives = alternatives.map(|it| it.value.general_names.as_slice());
    let names: Vec<_> = alternatives.unwrap_or_default().iter().filter_map(shown).collect();
    if !names.is_empty() {
        return names;
    }
    let common = parsed.subject().iter_common_name();
    common.filter_map(|name| name.as_str().ok()).map(ToOwned::to_owned).collect()
}

fn shown(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|it| std::net::Ipv4Addr::from(it).to_string());
            let v6 = || <[u8; 16]>::try_from(*bytes).map(std::net::Ipv6Addr::from);
            v4.ok().or_else(|| Some(v6().ok()?.to_string()))
        }
        _ => None,
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a string takes all that is written to it");
    }
    digits
}
