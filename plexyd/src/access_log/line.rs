//! A line of the access log: keys and values in one order, as text or as JSON. What would act on a
//! terminal or end a line is escaped, wherever it comes from.

use std::fmt::{self, Display, Write};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use plexy_shared::error::is_unprintable;
use plexy_shared::info::TlsHandshake;

use super::{AccessFormat, Moment, Record};
use crate::introduction::Introduction;

/// Writes the line of a record, with its end.
pub(super) fn write(format: AccessFormat, at: SystemTime, record: &Record, out: &mut String) {
    let written = Line { format, out, is_first: true }.record(at, record);
    debug_assert!(written.is_ok(), "a text takes all");
}

struct Line<'a> {
    format: AccessFormat,
    out: &'a mut String,
    is_first: bool,
}

impl Line<'_> {
    fn record(&mut self, at: SystemTime, record: &Record) -> fmt::Result {
        let time = Timestamp::try_from(at).unwrap_or_default();
        let event = match record.moment {
            Moment::Started => "connection-started",
            Moment::Ended { .. } => "connection-ended",
        };
        if self.format == AccessFormat::Json {
            self.out.push('{');
        }
        self.text("time", time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))?;
        self.text("event", event)?;
        // A text, since not every reader of JSON has numbers of 64 bits.
        self.text("connection", record.connection)?;
        self.text("tunnel", record.tunnel.label())?;
        self.text("listen", &record.tunnel.listen)?;
        self.text("client", record.client)?;
        let introduction = record.introduction.as_deref();
        if let Some(name) = introduction.and_then(Introduction::name) {
            self.text("sni", name)?;
        }
        if let Some((version, is_resumed)) = record.handshake.map(TlsHandshake::version) {
            self.text("tls", version)?;
            self.number("tls_resumed", is_resumed)?;
        }
        if let Some(certificate) = introduction.and_then(Introduction::certificate) {
            self.text("subject", &certificate.subject)?;
            self.text("fingerprint", certificate.fingerprint)?;
        }
        if let Some(backend) = &record.backend {
            self.text("backend", &backend.addr)?;
        }
        self.number("attempts", record.attempts)?;
        if let Some(time) = record.connect_time {
            self.number("connect_ms", Milliseconds(time))?;
        }
        if let Moment::Ended { reason, bytes_in, bytes_out, lifetime } = record.moment {
            self.number("bytes_in", bytes_in)?;
            self.number("bytes_out", bytes_out)?;
            self.number("duration_ms", Milliseconds(lifetime))?;
            self.text("reason", reason)?;
        }
        self.out.push_str(match self.format {
            AccessFormat::Text => "\n",
            AccessFormat::Json => "}\n",
        });
        Ok(())
    }

    fn key(&mut self, key: &str) -> fmt::Result {
        let is_first = std::mem::take(&mut self.is_first);
        match (self.format, is_first) {
            (AccessFormat::Text, true) => write!(self.out, "{key}="),
            (AccessFormat::Text, false) => write!(self.out, " {key}="),
            (AccessFormat::Json, true) => write!(self.out, "\"{key}\":"),
            (AccessFormat::Json, false) => write!(self.out, ",\"{key}\":"),
        }
    }

    fn number(&mut self, key: &str, value: impl Display) -> fmt::Result {
        self.key(key)?;
        write!(self.out, "{value}")
    }

    fn text(&mut self, key: &str, value: impl Display) -> fmt::Result {
        self.key(key)?;
        let begin = self.out.len();
        if self.format == AccessFormat::Json {
            self.out.push('"');
        }
        write!(Escaped { format: self.format, out: self.out }, "{value}")?;
        if self.format == AccessFormat::Json {
            self.out.push('"');
        } else if self.out.get(begin..).is_none_or(wants_quotes) {
            self.out.insert(begin, '"');
            self.out.push('"');
        }
        Ok(())
    }
}

/// Whether a value is told from what stands around it only by quotes.
fn wants_quotes(escaped: &str) -> bool {
    escaped.is_empty() || escaped.contains([' ', '=', '"', '\\'])
}

/// Milliseconds with three decimals: a connection on one machine is made in less than one.
struct Milliseconds(Duration);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:03}", micros / 1_000, micros % 1_000)
    }
}

/// What is inside of quotes.
struct Escaped<'a> {
    format: AccessFormat,
    out: &'a mut String,
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match (character, self.format) {
                ('"', _) => self.out.push_str("\\\""),
                ('\\', _) => self.out.push_str("\\\\"),
                (character, _) if !is_unprintable(character) => self.out.push(character),
                (character, AccessFormat::Text) => self.out.extend(character.escape_unicode()),
                (character, AccessFormat::Json) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(self.out, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {

    use std::sync::Arc;

    use plexy_shared::fingerprint::Fingerprint;
    use plexy_shared::info::Reason;

    use serde_json::{Value, json};

    use super::*;

    use crate::introduction::ClientCertificate;
    use crate::socket::ClientAddr;
    use crate::tunnel::Tunnel;

    fn record(spec: &str, moment: Moment) -> Record {
        let (tunnel, backend) = Tunnel::of(spec);
        Record {
            connection: u64::MAX,
            tunnel,
            client: ClientAddr::Ip("[2001:db8::1]:5".parse().unwrap()),
            backend: Some(backend),
            introduction: None,
            handshake: None,
            attempts: 2,
            connect_time: Some(Duration::from_micros(12_345)),
            moment,
        }
    }

    fn ended() -> Moment {
        let lifetime = Duration::from_micros(61_000_007);
        Moment::Ended { reason: Reason::BackendFin, bytes_in: 5, bytes_out: 1 << 40, lifetime }
    }

    fn written(format: AccessFormat, record: &Record) -> String {
        let mut line = String::new();
        write(format, SystemTime::UNIX_EPOCH + Duration::from_millis(1_500), record, &mut line);
        line
    }

    #[test]
    fn a_line_of_text_has_every_key_in_its_order() {
        let line = written(AccessFormat::Text, &record("3000=10.0.0.1:80[name=db]", ended()));
        assert_eq!(
            line,
            "time=1970-01-01T00:00:01.500Z event=connection-ended connection=18446744073709551615 \
             tunnel=db listen=127.0.0.1:3000 client=[2001:db8::1]:5 backend=10.0.0.1:80 attempts=2 \
             connect_ms=12.345 bytes_in=5 bytes_out=1099511627776 duration_ms=61000.007 \
             reason=backend-fin\n"
        );
    }

    #[test]
    fn the_name_that_a_client_asks_for_stands_before_where_it_goes() {
        let introduction = Introduction::of(Some("a.example\"x".into()), None).map(Arc::new);
        let record = Record { introduction, ..record("3000=10.0.0.1:80", Moment::Started) };
        let line = written(AccessFormat::Text, &record);
        assert!(line.contains(r#" sni="a.example\"x" backend=10.0.0.1:80 "#), "{line}");
    }

    #[test]
    fn what_a_client_has_shown_stands_behind_what_it_asks_for() {
        let certificate = ClientCertificate {
            subject: r"CN=a\, b".into(),
            fingerprint: Fingerprint(std::array::from_fn(|place| u8::from(place == 0))),
        };
        let introduction = Introduction::of(Some("a.example".into()), Some(certificate));
        let record = Record {
            introduction: introduction.map(Arc::new),
            handshake: Some(TlsHandshake::V13Resumed),
            ..record("3000=10.0.0.1:80", Moment::Started)
        };
        let line = written(AccessFormat::Text, &record);
        let digits = format!("01{}", "00".repeat(31));
        let expected = format!(
            r#" sni=a.example tls=1.3 tls_resumed=true subject="CN=a\\, b" fingerprint={digits} "#
        );
        assert!(line.contains(&expected), "{line}");
        let object: Value = serde_json::from_str(&written(AccessFormat::Json, &record)).unwrap();
        assert_eq!(
            [&object["tls"], &object["tls_resumed"], &object["subject"]],
            [&json!("1.3"), &json!(true), &json!(r"CN=a\, b")]
        );
    }

    #[test]
    fn an_object_has_the_same_keys() {
        let started = written(AccessFormat::Json, &record("3000=10.0.0.1:80", Moment::Started));
        let started: Value = serde_json::from_str(&started).unwrap();
        let expected = json!({
            "time": "1970-01-01T00:00:01.500Z", "event": "connection-started",
            "connection": "18446744073709551615", "tunnel": "127.0.0.1:3000",
            "listen": "127.0.0.1:3000", "client": "[2001:db8::1]:5", "backend": "10.0.0.1:80",
            "attempts": 2, "connect_ms": 12.345,
        });
        assert_eq!(started, expected);
        let ended = written(AccessFormat::Json, &record("3000=10.0.0.1:80", ended()));
        let ended: Value = serde_json::from_str(&ended).unwrap();
        assert_eq!(
            (&ended["bytes_out"], &ended["reason"]),
            (&json!(1_u64 << 40), &json!("backend-fin"))
        );
    }

    #[test]
    fn what_is_hostile_is_escaped_and_comes_back_from_json() {
        let hostile = "a b=\"c\"\\\x1b[31m\r\nevent=x\u{202e}😀";
        let line = |format| {
            let mut out = String::new();
            let mut line = Line { format, out: &mut out, is_first: true };
            line.text("tunnel", hostile).unwrap();
            out
        };
        let escaped = r#"tunnel="a b=\"c\"\\\u{1b}[31m\u{d}\u{a}event=x\u{202e}😀""#;
        assert_eq!(line(AccessFormat::Text), escaped);
        let object = format!("{{{}}}", line(AccessFormat::Json));
        assert!(!object.contains(is_unprintable), "{object}");
        assert_eq!(serde_json::from_str::<Value>(&object).unwrap()["tunnel"], hostile);
    }
}
