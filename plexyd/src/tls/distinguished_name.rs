//! The name of a subject or an issuer, as a text in which no value can pass for a part of the name.

use x509_parser::asn1_rs::ToDer;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

use super::hexadecimal;

/// The text of a name, in the order in which it stands in the certificate: `CN=a, O=b`. What would read
/// as more than a value has a backslash before it, and what is no text its digits behind `#` (RFC
/// 4514, section 2.4).
pub(super) fn shown(name: &X509Name<'_>) -> String {
    joined(name.iter_rdn().map(part), ", ")
}

/// Most have one attribute.
fn part(part: &RelativeDistinguishedName<'_>) -> String {
    joined(part.iter().map(attribute), " + ")
}

fn joined(texts: impl Iterator<Item = String>, separator: &str) -> String {
    texts.collect::<Vec<_>>().join(separator)
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let kind = attribute.attr_type();
    let kind = oid2abbrev(kind, oid_registry()).map_or_else(|_| kind.to_id_string(), str::to_owned);
    let value = match attribute.as_str() {
        Ok(text) => escaped(text),
        Err(_) => {
            let der = attribute.attr_value().to_der_vec().unwrap_or_default();
            format!("#{}", hexadecimal(&der))
        }
    };
    format!("{kind}={value}")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let is_outermost = at == 0 || at + character.len_utf8() == text.len();
        let is_special = match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
            ' ' => is_outermost,
            '#' => at == 0,
            _ => false,
        };
        if is_special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rcgen::string::BmpString;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};
    use x509_parser::parse_x509_certificate;

    use super::*;

    #[track_caller]
    fn check(parts: &[(DnType, DnValue)], expected: &str) {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, parsed) = parse_x509_certificate(certificate.der()).unwrap();
        assert_eq!(shown(parsed.subject()), expected);
    }

    #[test]
    fn no_value_passes_for_a_part_of_the_name() {
        let cn = |text: &str| (DnType::CommonName, DnValue::from(text));
        check(&[cn("a"), (DnType::OrganizationName, "b c".into())], "CN=a, O=b c");
        check(&[cn("a, O=b + C=c")], r"CN=a\, O=b \+ C=c");
        check(&[cn(r#" #"<;>\ "#)], r#"CN=\ #\"\<\;\>\\\ "#);
        check(&[cn("#é=")], r"CN=\#é=");
        check(&[(DnType::CustomDnType(vec![1, 2, 3, 4]), "x".into())], "1.2.3.4=x");
        let wide = DnValue::BmpString(BmpString::try_from("a").unwrap());
        check(&[(DnType::CommonName, wide)], "CN=#1e020061");
    }
}
