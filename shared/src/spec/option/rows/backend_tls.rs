//! How TLS is spoken with backends.

use crate::info::AppliesTo;
use crate::spec::backend::parse_switch;
use crate::spec::option::OptionRow;
use crate::spec::option::value::{SWITCH, joined, put, switch, texts, unless};
use crate::spec::{BackendTls, FilePath};

pub(super) const BACKEND_TLS: OptionRow = OptionRow {
    key: "backend-tls",
    aliases: &["remote-tls"],
    value: SWITCH,
    meaning: "speak TLS with the backends: the handshake is a part of each attempt, and of its time",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| {
        let is_on = parse_switch(text)?;
        options.change_backend_tls(|tls| tls.is_on = is_on);
        Ok(())
    },
    show: |options| Some(switch(options.backend_tls().is_on)),
    each: None,
};

pub(super) const BACKEND_SNI: OptionRow = OptionRow {
    key: "backend-sni",
    aliases: &[],
    value: "a DNS name, or `auto`",
    meaning: "the name that backends are asked for, and that their certificates have to be for; auto is the host name of each, or its IP address, for which nothing is asked",
    applies_to: AppliesTo::New,
    nothing: "auto",
    set: |options, text| {
        let name = unless("auto", text, BackendTls::parse_name)?;
        options.change_backend_tls(|tls| tls.sni = name);
        Ok(())
    },
    show: |options| options.backend_tls().sni.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const BACKEND_CA: OptionRow = OptionRow {
    key: "backend-ca",
    aliases: &[],
    value: "the whole path of a PEM file, or `system`",
    meaning: "authorities of which backends have to show a certificate; system is all that this machine believes",
    applies_to: AppliesTo::New,
    nothing: "system",
    set: |options, text| {
        let file = unless("system", text, FilePath::parse)?;
        options.change_backend_tls(|tls| tls.ca = file);
        Ok(())
    },
    show: |options| options.backend_tls().ca.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const BACKEND_CERT: OptionRow = OptionRow {
    key: "backend-cert",
    aliases: &[],
    value: "the whole path of a PEM file, or `none`",
    meaning: "the certificate, and those between it and its authority, that backends get which ask for one",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let file = unless("none", text, FilePath::parse)?;
        options.change_backend_tls(|tls| tls.cert = file);
        Ok(())
    },
    show: |options| options.backend_tls().cert.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const BACKEND_KEY: OptionRow = OptionRow {
    key: "backend-key",
    aliases: &[],
    value: "the same",
    meaning: "its private key; none where that stands in the file of the certificate",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        let file = unless("none", text, FilePath::parse)?;
        options.change_backend_tls(|tls| tls.key = file);
        Ok(())
    },
    show: |options| options.backend_tls().key.as_ref().map(ToString::to_string),
    each: None,
};

pub(super) const BACKEND_VERIFY: OptionRow = OptionRow {
    key: "backend-verify",
    aliases: &[],
    value: SWITCH,
    meaning: "whether the certificate of a backend has to be good, and for its name; off takes any, so that whoever is in between can read and change everything",
    applies_to: AppliesTo::New,
    nothing: "",
    set: |options, text| {
        let verify = parse_switch(text)?;
        options.change_backend_tls(|tls| tls.verify = verify);
        Ok(())
    },
    show: |options| Some(switch(options.backend_tls().verify)),
    each: None,
};

pub(super) const BACKEND_ALPN: OptionRow = OptionRow {
    key: "backend-alpn",
    aliases: &[],
    value: "a protocol like `http/1.1`, again for each; `none` empties the list",
    meaning: "protocols that backends are asked for, the preferred one first; one that knows none of them and says so has failed, and one that says nothing has not",
    applies_to: AppliesTo::New,
    nothing: "none",
    set: |options, text| {
        options.change_backend_tls(|tls| {
            put(text, tls, |tls| tls.alpn.clear(), BackendTls::add_protocol)
        })
    },
    show: |options| joined(&texts(&options.backend_tls().alpn)),
    each: Some(|options| texts(&options.backend_tls().alpn)),
};
