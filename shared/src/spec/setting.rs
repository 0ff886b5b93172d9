//! Changes of options and attributes: `key=value key=value …`, in the grammar of the specification.

use std::fmt;
use std::str::FromStr;

use super::cursor::{Cursor, Piece, ends_bare_word, quote_escaped_if_needed, quote_if_needed};
use super::{
    ATTRIBUTES, AttributeRow, BackendOptions, OPTIONS, OptionRow, SpecError, SpecErrorKind,
    TunnelOptions,
};
use crate::info::{AppliedInfo, AppliesTo};
use crate::units::ValueError;

/// A row of a table of what can be set.
pub trait SettingRow: fmt::Debug + Sized + 'static {
    /// What it is part of.
    type Of: Default;

    /// Every row.
    fn all() -> &'static [Self];

    /// Its name.
    fn key(&self) -> &'static str;

    /// Whether it is called so, in any case.
    fn is_called(&self, key: &str) -> bool;

    /// What is wrong with a name that nothing has.
    fn unknown(key: String) -> SpecErrorKind;

    /// Which connections feel that it has changed.
    fn applies_to(&self) -> AppliesTo;

    /// Whether it may stand without a value.
    fn is_flag(&self) -> bool;

    /// Whether its value is a text with escapes, which are its own matter.
    fn has_escapes(&self) -> bool;

    /// Whether it may stand again, each time for one more entry.
    fn is_list(&self) -> bool;

    /// Sets it.
    ///
    /// # Errors
    ///
    /// If the value is none for it.
    fn set(&self, of: &mut Self::Of, value: &str) -> Result<(), ValueError>;

    /// Puts it back to what it is when nobody says anything.
    fn reset(&self, of: &mut Self::Of);
}

/// Options or attributes, and what they are set to: at least one.
///
/// `key=` alone puts one back to its default. An option that is a list is its key again for each entry,
/// and has no other ones then.
///
/// ```
/// use plexy_shared::spec::{OptionSettings, TunnelOptions};
///
/// let settings: OptionSettings = "retries=5 strategy=least-conn".parse()?;
/// let mut options = TunnelOptions::default();
/// settings.apply(&mut options);
/// assert_eq!(options.to_string(), "[strategy=least-conn,retries=5]");
/// # Ok::<(), plexy_shared::spec::SpecError>(())
/// ```
#[derive(Debug)]
pub struct Settings<R: SettingRow>(Vec<(&'static R, Option<String>)>);

/// Changes of the options of a tunnel.
pub type OptionSettings = Settings<OptionRow>;

/// Changes of the attributes of a backend.
pub type AttributeSettings = Settings<AttributeRow>;

impl<R: SettingRow> Settings<R> {
    /// Makes them what was asked for. What they do not go together with was asked for before, and is
    /// refused where the whole is read again.
    pub fn apply(&self, of: &mut R::Of) {
        // All lists before one gets its entries: they may have been those of another one.
        for (row, _) in self.distinct().filter(|(row, _)| row.is_list()) {
            row.reset(of);
        }
        for (row, value) in &self.0 {
            match value {
                // It was tried when it was read.
                Some(value) => row.set(of, value).unwrap_or_default(),
                None => row.reset(of),
            }
        }
    }

    /// What is set, in the order in which it was written, and who feels that.
    pub fn applied(&self) -> Vec<AppliedInfo> {
        let info = |row: &R| AppliedInfo { key: row.key().to_owned(), to: row.applies_to().into() };
        self.distinct().map(|(row, _)| info(row)).collect()
    }

    /// The first one of each list, and all others.
    fn distinct(&self) -> impl Iterator<Item = &(&'static R, Option<String>)> {
        let mut lists = Vec::new();
        self.0.iter().filter(move |(row, _)| {
            let is_again = lists.contains(&row.key());
            if row.is_list() && !is_again {
                lists.push(row.key());
            }
            !is_again
        })
    }

    /// How one is set to a value, in quotes where it needs them; to no value at all, back to its default.
    ///
    /// ```
    /// use plexy_shared::spec::{OPTIONS, OptionSettings};
    ///
    /// let key = OPTIONS.iter().find(|row| row.is_called("tls-cert")).unwrap();
    /// assert_eq!(OptionSettings::write(key, "/my certs/a.pem"), "tls-cert=\"/my certs/a.pem\"");
    /// assert_eq!(OptionSettings::write(key, ""), "tls-cert=");
    /// ```
    pub fn write(row: &'static R, value: &str) -> String {
        written(&(row, Some(value.to_owned()).filter(|value| !value.is_empty())))
    }

    /// Each of them as it would be written.
    pub fn each(&self) -> Vec<String> {
        self.0.iter().map(written).collect()
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, SpecError> {
        let mut settings: Vec<(&'static R, Option<String>)> = Vec::new();
        let mut tried = R::Of::default();
        loop {
            let key = cursor.bare(|c| ends_bare_word(c) || c == '=');
            let row = find::<R>(&key, cursor)?;
            let is_again = || settings.iter().any(|(known, _)| known.key() == row.key());
            if !row.is_list() && is_again() {
                let kind = SpecErrorKind::Repeated(row.key());
                return Err(SpecError::new(kind, key.span, cursor.input()));
            }
            settings.push((row, read_value(row, &key, &mut tried, cursor)?));
            cursor.skip_blanks();
            if cursor.rest().is_empty() {
                return Ok(Self(settings));
            }
        }
    }
}

fn find<R: SettingRow>(key: &Piece<'_>, cursor: &Cursor<'_>) -> Result<&'static R, SpecError> {
    if key.text.is_empty() {
        return Err(cursor.expected("a key, and `=` with a value"));
    }
    R::all().iter().find(|row| row.is_called(&key.text)).ok_or_else(|| {
        SpecError::new(R::unknown(key.text.to_string()), key.span.clone(), cursor.input())
    })
}

/// The value, or nothing for the default.
fn read_value<R: SettingRow>(
    row: &'static R,
    key: &Piece<'_>,
    tried: &mut R::Of,
    cursor: &mut Cursor<'_>,
) -> Result<Option<String>, SpecError> {
    if !cursor.eat('=') {
        if row.is_flag() {
            return Ok(Some("on".to_owned()));
        }
        let kind = SpecErrorKind::ValueMissing(row.key());
        return Err(SpecError::new(kind, key.span.clone(), cursor.input()));
    }
    let value = if row.has_escapes() {
        cursor.escaped_text(ends_bare_word)?
    } else {
        cursor.text(ends_bare_word)?
    };
    if value.text.is_empty() {
        row.reset(tried);
        return Ok(None);
    }
    row.set(tried, &value.text).map_err(|error| {
        let kind = SpecErrorKind::Value { key: row.key(), error };
        SpecError::new(kind, value.span.clone(), cursor.input())
    })?;
    Ok(Some(value.text.into_owned()))
}

fn written<R: SettingRow>((row, value): &(&'static R, Option<String>)) -> String {
    let quoted = |value| match row.has_escapes() {
        true => quote_escaped_if_needed(value, ends_bare_word),
        false => quote_if_needed(value, ends_bare_word),
    };
    let value = value.as_deref().map(quoted);
    format!("{}={}", row.key(), value.unwrap_or_default())
}

impl<R: SettingRow> FromStr for Settings<R> {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut cursor = Cursor::new(text)?;
        cursor.skip_blanks();
        Self::read(&mut cursor)
    }
}

impl<R: SettingRow> fmt::Display for Settings<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.each().join(" "))
    }
}

impl<R: SettingRow> Clone for Settings<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: SettingRow> PartialEq for Settings<R> {
    fn eq(&self, other: &Self) -> bool {
        let said = |settings: &Self| -> Vec<_> {
            settings.0.iter().map(|(row, value)| (row.key(), value.clone())).collect()
        };
        said(self) == said(other)
    }
}

impl<R: SettingRow> Eq for Settings<R> {}

impl SettingRow for OptionRow {
    type Of = TunnelOptions;

    fn all() -> &'static [Self] {
        OPTIONS
    }

    fn key(&self) -> &'static str {
        self.key
    }

    fn is_called(&self, key: &str) -> bool {
        Self::is_called(self, key)
    }

    fn unknown(key: String) -> SpecErrorKind {
        SpecErrorKind::UnknownOption(key)
    }

    fn applies_to(&self) -> AppliesTo {
        self.applies_to
    }

    fn is_flag(&self) -> bool {
        Self::is_flag(self)
    }

    fn has_escapes(&self) -> bool {
        Self::has_escapes(self)
    }

    fn is_list(&self) -> bool {
        Self::is_list(self)
    }

    fn set(&self, options: &mut TunnelOptions, value: &str) -> Result<(), ValueError> {
        Self::set(self, options, value)
    }

    fn reset(&self, options: &mut TunnelOptions) {
        Self::reset(self, options);
    }
}

impl SettingRow for AttributeRow {
    type Of = BackendOptions;

    fn all() -> &'static [Self] {
        ATTRIBUTES
    }

    fn key(&self) -> &'static str {
        self.key
    }

    fn is_called(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    fn unknown(key: String) -> SpecErrorKind {
        SpecErrorKind::UnknownAttribute(key)
    }

    fn applies_to(&self) -> AppliesTo {
        AppliesTo::New
    }

    fn is_flag(&self) -> bool {
        self.value.is_empty()
    }

    fn has_escapes(&self) -> bool {
        false
    }

    fn is_list(&self) -> bool {
        Self::is_list(self)
    }

    fn set(&self, options: &mut BackendOptions, value: &str) -> Result<(), ValueError> {
        Self::set(self, options, value)
    }

    fn reset(&self, options: &mut BackendOptions) {
        Self::reset(self, options);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn options(text: &str, before: &str, after: &str) {
        let settings: OptionSettings = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(settings.to_string().parse::<OptionSettings>().as_ref(), Ok(&settings));
        let parse = |options: &str| format!("1=2{options}").parse::<super::super::TunnelSpec>();
        let mut options = parse(before).unwrap().options;
        settings.apply(&mut options);
        assert_eq!(options.to_string(), after);
    }

    #[track_caller]
    fn attributes(text: &str, before: &str, after: &str) {
        let settings: AttributeSettings = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let mut backend: super::super::BackendSpec = before.parse().unwrap();
        settings.apply(&mut backend.options);
        assert_eq!(backend.to_string(), after);
    }

    #[track_caller]
    fn refused(text: &str, sentence: &str) {
        let error = text.parse::<OptionSettings>().expect_err(text).to_string();
        assert!(error.contains(sentence), "{text}: {error}");
    }

    #[test]
    fn options_become_what_is_asked_for_and_the_others_stay() {
        options("retries=5", "[name=db,max-conns=9]", "[name=db,retries=5,max-conns=9]");
        options("  Timeout=1.5s   name=a ", "[name=db]", "[name=a,connect-timeout=1500ms]");
        options("idle-timeout=none max-conns=none", "[max-conns=9]", "[idle-timeout=none]");
        options("name=\"none\"", "", "[name=none]");
        options(
            r#"check=send-expect check-send="PING\r\n" check-expect="+PONG""#,
            "",
            r#"[check=send-expect,check-send=PING\r\n,check-expect="+PONG"]"#,
        );
    }

    #[test]
    fn nothing_is_the_default() {
        options("retries= name= max-conns=\"\"", "[name=db,retries=9,max-conns=4]", "");
    }

    #[test]
    fn a_flag_needs_no_value() {
        options("backend-tls", "", "[backend-tls]");
        options("backend-verify=off", "[backend-tls]", "[backend-tls,backend-verify=off]");
        options("backend-verify", "[backend-tls,backend-verify=off]", "[backend-tls]");
        options("backend-tls=", "[backend-tls]", "");
    }

    #[test]
    fn a_list_becomes_the_entries_that_are_given() {
        let before = "[allow=10.0.0.0/8,deny=10.1.0.0/16]";
        options(
            "allow=192.0.2.1 retries=1 allow=::1",
            before,
            "[retries=1,allow=192.0.2.1/32,allow=::1/128,deny=10.1.0.0/16]",
        );
        options("allow= deny=none", before, "");
        options("deny=", before, "[allow=10.0.0.0/8]");
        // Each entry may go over to the other list.
        options("allow=10.1.0.0/16 deny=10.0.0.0/8", before, "[allow=10.1.0.0/16,deny=10.0.0.0/8]");
        options("allow=::1 allow= allow=::2", before, "[allow=::2/128,deny=10.1.0.0/16]");
        refused("allow=::1 allow=::1/128", "given twice");
        refused("allow=::1 deny=::1", "allowed and denied");
        refused("allow=10.0.0.1/8", "write `10.0.0.0/8`");
        let settings: OptionSettings = "allow=::1 allow=::2 name=a".parse().unwrap();
        let applied: Vec<_> = settings.applied().into_iter().map(|it| it.key).collect();
        assert_eq!(applied, ["allow", "name"]);
    }

    #[test]
    fn what_is_on_the_other_list_already_is_refused_with_the_whole() {
        let settings: OptionSettings = "allow=10.1.0.0/16".parse().unwrap();
        let mut spec: super::super::TunnelSpec = "1=2[deny=10.1.0.0/16]".parse().unwrap();
        settings.apply(&mut spec.options);
        let error = spec.to_string().parse::<super::super::TunnelSpec>().unwrap_err().to_string();
        assert!(error.contains("`10.1.0.0/16` is allowed and denied at once"), "{error}");
    }

    #[test]
    fn attributes_are_set_and_flags_need_no_value() {
        attributes("weight=7 backup", "127.0.0.1:1", "127.0.0.1:1+weight=7+backup");
        attributes("backup=off weight=", "127.0.0.1:1+weight=7+backup", "127.0.0.1:1");
        attributes("admin=drain", "127.0.0.1:1+backup", "127.0.0.1:1+backup+admin=drain");
        let before = "127.0.0.1:1+sni=a.example+sni=*.b.example";
        attributes(
            "sni=C.example sni=d.example",
            before,
            "127.0.0.1:1+sni=c.example+sni=d.example",
        );
        attributes("weight=2", before, "127.0.0.1:1+weight=2+sni=a.example+sni=*.b.example");
        attributes("sni=", before, "127.0.0.1:1");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        refused("", "a key, and `=` with a value");
        refused("retries", "`retries` lacks its value");
        refused("retries=5 retires=6", "did you mean `retries`?");
        refused("retries=5 retries=6", "twice");
        refused("retries=many", "many");
        refused("admin=disabled", "ready, drain");
        refused("retries=5,name=a", "a key");
        assert!("sni=a.example sni=A.example".parse::<AttributeSettings>().is_err());
        assert!("backup=perhaps".parse::<AttributeSettings>().is_err());
    }
}
