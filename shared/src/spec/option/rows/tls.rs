//! How TLS is terminated.

use crate::info::AppliesTo;
use crate::spec::option::OptionRow;
use crate::spec::option::value::{ONE_HOUR, ONE_MS, joined, put, texts, unless};
use crate::spec::{ClientAuth, FilePath, Tls, TlsVersion};
use crate::units::{parse_duration, show_duration};
use crate::word::{Words, parse_word};

pub(super) const TLS_CERT: OptionRow = OptionRow {
    key: "tls-cert",
    aliases: &[],
    value: "the whole path of a PEM file, again for each; `none` empties the list",
    meaning: "terminate TLS with this certificate and those between it and its authority; of several the one for the name that the client asks for is taken, a whole name before a `*.`, else the first",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        options.change_tls(|tls| put(text, tls, |tls| tls.certs.clear(), Tls::add_cert))
    },
    show: |options| joined(&texts(&options.tls().certs)),
    each: Some(|options| texts(&options.tls().certs)),
};

pub(super) const TLS_KEY: OptionRow = OptionRow {
    key: "tls-key",
    aliases: &[],
    value: "the same",
    meaning: "the private keys of the certificates, in their order; none where each stands in the file of its certificate",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        options.change_tls(|tls| put(text, tls, |tls| tls.keys.clear(), Tls::add_key))
    },
    show: |options| joined(&texts(&options.tls().keys)),
    each: Some(|options| texts(&options.tls().keys)),
};

pub(super) const TLS_CLIENT_CA: OptionRow = OptionRow {
    key: "tls-client-ca",
    aliases: &[],
    value: "the whole path of a PEM file, or `none`",
    meaning: "authorities of which clients have to show a certificate, or may: see tls-client-auth",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let file = unless("none", text, FilePath::parse)?;
        options.change_tls(|tls| tls.client_ca = file);
        Ok(())
    },
    show: |options| options.tls().client_ca.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const TLS_CLIENT_AUTH: OptionRow = OptionRow {
    key: "tls-client-auth",
    aliases: &[],
    value: "`require`, `request`, `auto`",
    meaning: "whether a client without a certificate is refused, or goes on without; one whose certificate is no good is always refused; auto is `require` with tls-client-ca",
    applies_to: AppliesTo::New,
    nothing: "auto",
    set: |options, text| {
        let auth = unless("auto", text, |text| parse_word(text, ClientAuth::ALL))?;
        options.change_tls(|tls| tls.client_auth = auth);
        Ok(())
    },
    show: |options| options.tls().client_auth.map(|it| it.to_string()),
    each: None,
};

pub(super) const TLS_ALPN: OptionRow = OptionRow {
    key: "tls-alpn",
    aliases: &[],
    value: "a protocol like `http/1.1`, again for each; `none` empties the list",
    meaning: "protocols that are agreed on with clients, the preferred one first; a client that names none of them is refused, and one that names nothing is not",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        options.change_tls(|tls| put(text, tls, |tls| tls.alpn.clear(), Tls::add_protocol))
    },
    show: |options| joined(&texts(&options.tls().alpn)),
    each: Some(|options| texts(&options.tls().alpn)),
};

pub(super) const TLS_MIN: OptionRow = OptionRow {
    key: "tls-min",
    aliases: &[],
    value: "`1.2`, `1.3`",
    meaning: "the oldest version of TLS that is spoken with clients",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| {
        let min = parse_word(text, TlsVersion::ALL)?;
        options.change_tls(|tls| tls.min = min);
        Ok(())
    },
    show: |options| Some(options.tls().min.to_string()),
    each: None,
};

pub(super) const TLS_HANDSHAKE_TIMEOUT: OptionRow = OptionRow {
    key: "tls-handshake-timeout",
    aliases: &[],
    value: "1ms–1h",
    meaning: "time for the whole TLS handshake of a client, from when it was let in",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| {
        let timeout = parse_duration(text, &(ONE_MS..=ONE_HOUR))?;
        options.change_tls(|tls| tls.handshake_timeout = timeout);
        Ok(())
    },
    show: |options| Some(show_duration(options.tls().handshake_timeout)),
    each: None,
};
