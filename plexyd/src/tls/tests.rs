//! Certificates and keys in files, good ones and bad ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use tempfile::TempDir;

use super::*;

/// A certificate for these names, and its key.
fn made(names: &[&str]) -> (String, String) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// The same as a pair.
pub(super) fn pair(names: &[&str]) -> Pair {
    let (files, (chain, key)) = (Files::new(), made(names));
    load(&files.write("both.pem", &format!("{key}{chain}")), None).unwrap()
}

fn load(chain: &Path, key: Option<&Path>) -> Result<Pair, FileFault> {
    Pair::load(&mut Reading::default(), chain, key)
}

/// A folder of files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file that only its owner can read.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

#[track_caller]
fn refused(chain: &Path, key: Option<&Path>, file: &Path, sentence: &str) {
    let error = load(chain, key).expect_err("it is no good").to_string();
    assert_eq!(error, format!("`{}`: {sentence}", file.display()));
}

#[test]
fn a_pair_in_two_files_or_in_one_is_read_and_described() {
    let files = Files::new();
    let (chain, key) = made(&["a.example", "*.b.example", "192.0.2.1"]);
    let both = files.write("both.pem", &format!("{key}{chain}"));
    let (chain, key) = (files.write("a.pem", &chain), files.write("a.key", &key));
    let pair = load(&chain, Some(&key)).unwrap();
    assert_eq!(pair.certificate.names, ["a.example", "*.b.example", "192.0.2.1"]);
    assert_eq!(pair.certificate.subject, "CN=rcgen self signed cert");
    assert_eq!(pair.certificate.issuer, pair.certificate.subject);
    assert_eq!(pair.certificate.fingerprint.len(), 64);
    assert!(pair.certificate.not_before < pair.certificate.not_after);
    assert!(pair.warnings.is_empty(), "{:?}", pair.warnings);
    assert_eq!(load(&both, None).unwrap().certificate, pair.certificate);
    assert_eq!(load(&both, Some(&both)).unwrap().certificate, pair.certificate);
}

#[test]
fn the_fingerprint_is_that_of_openssl() {
    let files = Files::new();
    let (chain, key) = made(&["a.example"]);
    let both = files.write("both.pem", &format!("{key}{chain}"));
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]).arg(&both);
    let told = String::from_utf8(openssl.output().unwrap().stdout).unwrap();
    let told = told.trim().split('=').nth(1).unwrap().replace(':', "").to_lowercase();
    assert_eq!(load(&both, None).unwrap().certificate.fingerprint, told);
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_name() {
    let files = Files::new();
    let (chain_text, key_text) = made(&["a.example"]);
    let (chain, key) = (files.write("a.pem", &chain_text), files.write("a.key", &key_text));
    let missing = files.0.path().join("missing");
    refused(&missing, Some(&key), &missing, "there is no such file");
    refused(&chain, Some(&missing), &missing, "there is no such file");
    let folder = files.0.path();
    refused(folder, None, folder, "it is a directory, and no file");
    refused(Path::new("/dev/zero"), None, Path::new("/dev/zero"), "it is no regular file");
    let empty = files.write("empty", "\n  \n");
    refused(&empty, None, &empty, "it is empty");
    refused(&chain, Some(&empty), &empty, "it is empty");
    refused(&key, None, &key, "it holds no certificate in PEM");
    refused(&chain, None, &chain, "it holds no private key in PEM");
    let text = files.write("text", "this is no PEM\n");
    refused(&text, None, &text, "it holds no certificate in PEM");
    let long = files.write("long", &"x".repeat(4 * 1024 * 1024 + 1));
    refused(&long, None, &long, "it is longer than 4 MiB");
}

#[test]
fn bad_pem_is_told_with_its_line() {
    let files = Files::new();
    let (chain, key) = made(&["a.example"]);
    let key = files.write("a.key", &key);
    let lines = chain.lines().count();
    let cut = chain.lines().take(4).collect::<Vec<_>>().join("\n");
    let cut = files.write("cut", &format!("# mine\n{chain}{cut}\n"));
    let sentence = format!("line {}: what begins here has no end: the file is cut off", lines + 2);
    refused(&cut, Some(&key), &cut, &sentence);
    let garbled = files.write("garbled", &chain.replacen("MI", "§§", 1));
    refused(&garbled, Some(&key), &garbled, "line 1: what begins here is not in Base64");
    let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let malformed = files.write("malformed", &format!("\n\n{other}"));
    refused(&malformed, Some(&key), &malformed, "line 3: the certificate is malformed");
}

#[test]
fn a_key_that_is_no_good_is_told_from_a_certificate_that_is_not() {
    let files = Files::new();
    let (chain, own) = made(&["a.example"]);
    let (_, other) = made(&["a.example"]);
    let both = files.write("both.pem", &format!("{chain}{other}"));
    refused(&both, None, &both, "the private key in it is not that of its first certificate");
    let (chain, key) = (files.write("a.pem", &chain), files.write("b.key", &other));
    let sentence =
        format!("its private key is not that of the certificate in `{}`", chain.display());
    refused(&chain, Some(&key), &key, &sentence);
    let several = files.write("several.key", &format!("{own}{other}"));
    refused(&chain, Some(&several), &several, "it holds more than one private key");
    let unusable = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let unusable = files.write("unusable.key", unusable);
    let error = load(&chain, Some(&unusable)).unwrap_err().to_string();
    assert!(error.contains("unusable.key`: its private key is of no kind"), "{error}");
}

/// Both forms of `openssl`: `genpkey` with a passphrase, and the one of before.
#[test]
fn an_encrypted_key_is_refused_as_what_it_is() {
    let files = Files::new();
    let (chain, key) = made(&["a.example"]);
    let (chain, key) = (files.write("a.pem", &chain), files.write("a.key", &key));
    for arguments in [&["pkcs8", "-topk8"][..], &["ec", "-aes128"]] {
        let encrypted = files.write("encrypted.key", "");
        let mut openssl = std::process::Command::new("openssl");
        openssl.args(arguments).args(["-passout", "pass:secret", "-in"]).arg(&key);
        let status = openssl.arg("-out").arg(&encrypted).output().unwrap().status;
        assert!(status.success(), "{arguments:?}");
        let error = load(&chain, Some(&encrypted)).unwrap_err().to_string();
        assert!(error.contains("encrypted.key`: its private key is encrypted"), "{error}");
    }
}

#[test]
fn keys_of_every_kind_are_read() {
    let files = Files::new();
    let kinds: [&[&str]; 5] = [
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["genrsa", "-traditional", "2048"],
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["ecparam", "-name", "prime256v1", "-genkey"],
        &["genpkey", "-algorithm", "ED25519"],
    ];
    for arguments in kinds {
        let (chain, key) = (files.write("a.pem", ""), files.write("a.key", ""));
        let run = |arguments: &[&str]| {
            let mut openssl = std::process::Command::new("openssl");
            let output = openssl.args(arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {output:?}");
        };
        let (chain_arg, key_arg) = (chain.to_str().unwrap(), key.to_str().unwrap());
        let (verb, options) = arguments.split_first().unwrap();
        run(&[&[*verb, "-out", key_arg][..], options].concat());
        let subject = ["-subj", "/CN=a.example", "-days", "2"];
        run(&[&["req", "-new", "-x509", "-key", key_arg, "-out", chain_arg], &subject[..]].concat());
        let pair = load(&chain, Some(&key)).unwrap();
        assert_eq!(pair.certificate.subject, "CN=a.example", "{arguments:?}");
    }
}

#[test]
fn what_others_can_read_and_a_chain_that_does_not_hang_together_are_warned_about() {
    let files = Files::new();
    let (chain, key) = made(&["a.example"]);
    let key_file = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut other = CertificateParams::new(vec![]).unwrap();
    other.distinguished_name.push(rcgen::DnType::CommonName, "another");
    let other = other.self_signed(&key_file).unwrap().pem();
    let key = files.write("a.key", &key);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let chain = files.write("a.pem", &format!("{chain}{other}"));
    let warnings = load(&chain, Some(&key)).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("a.key`: its private key can be read by every user"));
    assert!(warnings[1].contains("a.pem`: certificate 2 is not that of the issuer"));
}

#[test]
fn nothing_that_is_shown_of_a_pair_holds_its_key() {
    let files = Files::new();
    let (chain, key) = made(&["a.example"]);
    let pair = load(&files.write("both.pem", &format!("{chain}{key}")), None).unwrap();
    let shown = format!("{pair:?}");
    let secret = KeyPair::from_pem(&key).unwrap().serialize_der();
    let digits = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    // The scalar itself, in the middle of the structure.
    assert!(!shown.contains(&digits(&secret[36..52])));
}

#[test]
fn the_authorities_of_the_system_are_some_or_the_error_says_why() {
    match Authorities::of_system() {
        Ok(authorities) => assert!(!authorities.roots.is_empty()),
        Err(why) => assert!(!why.is_empty()),
    }
}

#[test]
fn a_bundle_of_authorities_is_read_and_what_is_none_is_told_with_its_line() {
    let files = Files::new();
    let (first, key) = made(&["a.example"]);
    let (second, _) = made(&["b.example"]);
    let bundle = files.write("ca.pem", &format!("{first}{second}"));
    assert_eq!(Authorities::load(&mut Reading::default(), &bundle).unwrap().roots.len(), 2);
    let key = files.write("a.key", &key);
    let error = Authorities::load(&mut Reading::default(), &key).unwrap_err().to_string();
    assert!(error.ends_with("it holds no certificate in PEM"), "{error}");
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bad = files.write("bad.pem", &format!("{first}{bad}"));
    let error = Authorities::load(&mut Reading::default(), &bad).unwrap_err().to_string();
    let line = first.lines().count() + 1;
    assert!(error.contains(&format!("line {line}: the certificate cannot be")), "{error}");
}
