//! One row of the table of options, and what can be asked of it.

use super::TunnelOptions;
use super::value::SWITCH;
use crate::info::AppliesTo;
use crate::units::ValueError;

/// One row of the table of options.
#[derive(Debug)]
pub struct OptionRow {
    /// How it is written, and printed.
    pub key: &'static str,
    /// Other spellings that are read.
    pub aliases: &'static [&'static str],
    /// What its value looks like, and its range.
    pub value: &'static str,
    /// What it does, in a sentence.
    pub meaning: &'static str,
    /// Which connections feel that it has changed.
    pub applies_to: AppliesTo,
    /// The word for no value, where there may be none.
    pub(super) nothing: &'static str,
    /// Of a list, it adds one entry.
    pub(super) set: fn(&mut TunnelOptions, &str) -> Result<(), ValueError>,
    pub(super) show: fn(&TunnelOptions) -> Option<String>,
    /// The entries of a list, each of which is written behind the key again.
    pub(super) each: Option<fn(&TunnelOptions) -> Vec<String>>,
}

impl OptionRow {
    /// Whether `key` is this option's name or one of its aliases, in any case.
    #[must_use]
    pub fn is_called(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(key))
    }

    /// What it is when it is not written.
    #[must_use]
    pub fn default(&self) -> String {
        self.value_in(&TunnelOptions::default())
    }

    pub(in crate::spec) fn set(
        &self,
        options: &mut TunnelOptions,
        text: &str,
    ) -> Result<(), ValueError> {
        (self.set)(options, text)
    }

    /// Puts it back to its default.
    pub(in crate::spec) fn reset(&self, options: &mut TunnelOptions) {
        // No value is the default of the name alone, and no default is refused.
        let default = (self.show)(&TunnelOptions::default());
        let text = default.as_deref().unwrap_or(if self.key == "name" { "" } else { self.nothing });
        (self.set)(options, text).unwrap_or_default();
    }

    /// The words among its values; a value may be something else, as [`OptionRow::value`] says.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        let is_value = |word: &&str| (self.set)(&mut TunnelOptions::default(), word).is_ok();
        words_of(self.value).filter(is_value)
    }

    /// Whether it may stand without a value, which is `on` then.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        self.value == SWITCH
    }

    /// Whether its value is a text with escapes, which are its own matter also between quotes.
    pub(in crate::spec) fn has_escapes(&self) -> bool {
        matches!(self.key, "check-send" | "check-expect")
    }

    /// What it is in these options, as it would be written.
    #[must_use]
    pub fn value_in(&self, options: &TunnelOptions) -> String {
        (self.show)(options).unwrap_or_else(|| self.nothing.to_owned())
    }

    /// The entries of a list in these options, each as it is, without quotes; none where it is no list.
    ///
    /// ```
    /// use plexy_shared::spec::{OPTIONS, TunnelSpec};
    ///
    /// let spec: TunnelSpec = "443=1[tls-cert=\"/a,b.pem\",tls-cert=/c.pem]".parse()?;
    /// let row = OPTIONS.iter().find(|row| row.key == "tls-cert").unwrap();
    /// assert_eq!(row.entries_in(&spec.options).unwrap(), ["/a,b.pem", "/c.pem"]);
    /// # Ok::<(), plexy_shared::spec::SpecError>(())
    /// ```
    #[must_use]
    pub fn entries_in(&self, options: &TunnelOptions) -> Option<Vec<String>> {
        self.each.map(|each| each(options))
    }

    /// Whether it may be given again, each time for one more entry.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.each.is_some()
    }
}

/// Those between backticks that could be words: an example of a text is none.
pub(in crate::spec) fn words_of(value: &'static str) -> impl Iterator<Item = &'static str> {
    let quoted = value.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.starts_with(|c: char| c.is_ascii_alphanumeric()))
}
