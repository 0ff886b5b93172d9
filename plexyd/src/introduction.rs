//! How a client has introduced itself, where it did: the name that it asks for, and the certificate that
//! it has shown.
//!
//! Most clients say neither, and most of the others a name and nothing more: those stay as small as a
//! text.

use plexy_shared::fingerprint::Fingerprint;

/// What a client has told of itself.
#[derive(Debug)]
pub(crate) enum Introduction {
    /// The name that it asks for (SNI), in lower case.
    Name(Box<str>),
    /// It has shown a certificate.
    Certified(Box<Certified>),
}

/// A client with its certificate.
#[derive(Debug)]
pub(crate) struct Certified {
    name: Option<Box<str>>,
    certificate: ClientCertificate,
}

/// What is kept of the certificate of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    /// Whatever its maker has written, nothing of which acts on a terminal any more.
    pub(crate) subject: Box<str>,
    pub(crate) fingerprint: Fingerprint,
}

impl Introduction {
    /// That of a client, if it has said anything.
    pub(crate) fn of(
        name: Option<Box<str>>,
        certificate: Option<ClientCertificate>,
    ) -> Option<Self> {
        match certificate {
            Some(certificate) => Some(Self::Certified(Box::new(Certified { name, certificate }))),
            None => name.map(Self::Name),
        }
    }

    /// The name that it asks for.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Certified(certified) => certified.name.as_deref(),
        }
    }

    /// The certificate that it has shown.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        match self {
            Self::Name(_) => None,
            Self::Certified(certified) => Some(&certified.certificate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each connection whose client asks for a name has besides that name.
    #[test]
    fn a_name_alone_is_as_small_as_before_there_were_certificates() {
        assert_eq!(size_of::<Introduction>(), size_of::<Box<str>>());
    }
}
