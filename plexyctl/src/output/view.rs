//! What somebody wants to see of a list: which columns, in which order, and in which form.

use plexy_shared::error::{nearest, quoted};

use super::listing::Shown;
use crate::args::{Format, Options, Order};
use crate::failure::Failure;

/// The commands that answer a list.
const LISTS: &str = "lists are the answers of `status full`, `detail`, `conns`, `explain`, `events`, `history` and `top`";

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(super) format: Format,
    /// Keys of columns; none for those that the format shows.
    pub(super) columns: Option<Vec<String>>,
    pub(super) order: Option<Order>,
}

impl View {
    /// As the options ask for.
    pub(super) fn new(options: &Options) -> Self {
        let keys = || options.columns.iter().map(|key| key.trim().to_ascii_lowercase()).collect();
        let columns = (!options.columns.is_empty()).then(keys);
        Self { format: options.output, columns, order: options.sort_by.clone() }
    }

    /// Whether more is shown than a table does by itself.
    pub(super) fn is_wide(&self) -> bool {
        self.format != Format::Table
    }

    /// Whether a column is shown where nobody has named one.
    pub(super) fn shows(&self, shown: Shown) -> bool {
        match shown {
            Shown::Always => true,
            Shown::Wide => matches!(self.format, Format::Wide | Format::Vertical | Format::Csv),
            Shown::Data => self.format == Format::Csv,
        }
    }

    /// Whether an answer that comes once can be had in this form.
    pub(super) fn check_once(&self) -> Result<(), Failure> {
        if self.format != Format::Ndjson {
            return Ok(());
        }
        let message = "`-o ndjson` is for what comes again and again: `top` and `events follow`";
        Err(Failure::usage(message).with_hint("`-o json` is one document"))
    }

    /// Whether all of it can be had where an answer has these columns; none where it is no list.
    pub(super) fn check(&self, keys: Option<&[&str]>) -> Result<(), Failure> {
        let option = match (&self.columns, &self.order) {
            (Some(_), _) => Some("--columns"),
            (_, Some(_)) => Some("--sort-by"),
            _ => None,
        };
        let of_lists = option.or((self.format == Format::Csv).then_some("-o csv"));
        match (of_lists, keys) {
            (None, _) => Ok(()),
            (Some(asked), None) => {
                let message = format!("`{asked}` is for lists, and this command answers none");
                Err(Failure::usage(message).with_hint(LISTS))
            }
            (Some(_), Some(keys)) => match (option, self.format) {
                (Some(option), Format::Json | Format::Ndjson) => {
                    let form = if self.format == Format::Json { "json" } else { "ndjson" };
                    let message = format!("`{option}` does not go with `-o {form}`");
                    let hint = "that is the answer as it came; `-o csv` has columns";
                    Err(Failure::usage(message).with_hint(hint))
                }
                (Some("--columns"), Format::Name) => {
                    Err(Failure::usage("`--columns` does not go with `-o name`"))
                }
                _ => self.known(keys),
            },
        }
    }

    fn known(&self, keys: &[&str]) -> Result<(), Failure> {
        let order = self.order.iter().map(|order| order.key.as_str());
        let mut asked = self.columns.iter().flatten().map(String::as_str).chain(order);
        let Some(unknown) = asked.find(|key| !keys.contains(key)) else { return Ok(()) };
        let failure = Failure::usage(format!("there is no column {}", quoted(unknown)));
        Err(Failure {
            suggestion: nearest(unknown, keys.iter().copied()).map(str::to_owned),
            valid: keys.iter().map(|&key| key.to_owned()).collect(),
            ..failure
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;

    const KEYS: &[&str] = &["name", "bytes_in"];

    fn view(args: &str) -> View {
        let args = std::iter::once("plexyctl").chain(args.split_whitespace()).map(Into::into);
        View::new(&Args::read(args).unwrap_or_else(|error| panic!("{error}")).options)
    }

    #[track_caller]
    fn refused(args: &str, keys: Option<&[&str]>, sentence: &str) -> Failure {
        let failure = view(args).check(keys).expect_err(args);
        assert!(failure.message.contains(sentence), "{args}: {failure:?}");
        assert_eq!(failure.code, "usage");
        failure
    }

    #[test]
    fn what_can_be_had_is_known_before_anybody_is_asked() {
        for args in ["list", "list -o csv", "list -o csv --columns NAME,bytes_in", "list -o wide"] {
            assert!(view(args).check(Some(KEYS)).is_ok(), "{args}");
        }
        assert!(view("list --sort-by -bytes_in").check(Some(KEYS)).is_ok());
        assert!(view("ping -o wide").check(None).is_ok());
        refused("ping -o csv", None, "`-o csv` is for lists");
        assert!(view("events follow -o ndjson").check(None).is_ok());
        let once = view("list -o ndjson").check_once().unwrap_err();
        assert!(once.message.contains("`top` and `events follow`"), "{once:?}");
        refused("top -o ndjson --columns name", Some(KEYS), "does not go with `-o ndjson`");
        refused("ping --columns name", None, "`--columns` is for lists");
        refused("list -o json --sort-by name", Some(KEYS), "does not go with `-o json`");
        refused("list -o name --columns name", Some(KEYS), "does not go with `-o name`");
    }

    #[test]
    fn an_unknown_column_is_told_with_what_was_meant() {
        let failure = refused("list --columns name,bytes_im", Some(KEYS), "column `bytes_im`");
        assert_eq!(failure.suggestion.as_deref(), Some("bytes_in"));
        assert_eq!(failure.valid, KEYS);
        refused("list --sort-by -nmae", Some(KEYS), "column `nmae`");
    }
}
