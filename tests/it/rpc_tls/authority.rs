//! An authority of the test's own, and the pairs that it signs, as files of PEM.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

/// Names and addresses of this machine.
pub(crate) const LOCAL: [&str; 4] = ["localhost", "127.0.0.1", "::1", "proxy.example"];

/// Signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, by the paths of their files.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) cert: String,
    pub(crate) key: String,
}

/// When a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Now,
    Past,
    Future,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Plexy test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, folder: tempfile::tempdir().unwrap() };
        fs::write(authority.ca(), authority.issuer.pem()).unwrap();
        authority
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The file with its own certificate.
    pub(crate) fn ca(&self) -> String {
        self.path("ca.pem")
    }

    /// A pair for a server of this machine.
    pub(crate) fn server(&self) -> Files {
        self.server_for(&LOCAL, Validity::Now)
    }

    /// A pair for a server of these names.
    pub(crate) fn server_for(&self, names: &[&str], validity: Validity) -> Files {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params, "server", validity)
    }

    /// A pair for a client.
    pub(crate) fn client(&self, name: &str, validity: Validity) -> Files {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(params, name, validity)
    }

    fn sign(&self, mut params: CertificateParams, name: &str, validity: Validity) -> Files {
        let (since, until) = match validity {
            Validity::Now => (2020, 4096),
            Validity::Past => (2020, 2021),
            Validity::Future => (4000, 4096),
        };
        params.not_before = date_time_ymd(since, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let number = fs::read_dir(self.folder.path()).unwrap().count();
        let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
        let files = Files {
            cert: self.path(&format!("{stem}-{number}.pem")),
            key: self.path(&format!("{stem}-{number}.key")),
        };
        fs::write(&files.cert, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        fs::set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();
        files
    }
}

impl Files {
    /// Takes the place of these files.
    pub(crate) fn replace(&self, others: &Self) {
        fs::copy(&self.cert, &others.cert).unwrap();
        fs::copy(&self.key, &others.key).unwrap();
    }
}
