//! Which part of a specification its end belongs to. The specification need not be whole: this is no
//! parser, it only finds the last mark that begins something.

/// What begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The address of the tunnel.
    Listen,
    /// The address of a backend.
    Backend,
    /// An attribute of a backend.
    Attribute,
    /// An option.
    Option,
}

/// The last part of a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    /// What it is.
    pub(super) part: Part,
    /// Where it begins, in bytes.
    pub(super) start: usize,
}

impl Fragment {
    /// That of a whole specification, or, without an address of its own, of backends alone.
    pub(super) fn of(text: &str, has_listen: bool) -> Self {
        let first = if has_listen { Part::Listen } else { Part::Backend };
        let mut fragment = Self { part: first, start: 0 };
        let mut is_quoted = false;
        // The brackets of an address of IPv6 stand where it begins.
        let mut is_address_of_v6 = false;
        for (at, character) in text.char_indices() {
            let next = at + character.len_utf8();
            if character == '"' {
                is_quoted = !is_quoted;
            }
            if is_quoted {
                continue;
            }
            let is_begin = text.get(fragment.start..at).is_some_and(|it| it.trim().is_empty());
            let begun = match (fragment.part, character) {
                (Part::Listen | Part::Backend, '[') if is_begin => {
                    is_address_of_v6 = true;
                    None
                }
                (_, ']') if is_address_of_v6 => {
                    is_address_of_v6 = false;
                    None
                }
                (Part::Listen, '=') | (Part::Backend | Part::Attribute, ',') => Some(Part::Backend),
                (Part::Backend | Part::Attribute, '+') => Some(Part::Attribute),
                (Part::Backend | Part::Attribute, '[') if has_listen => Some(Part::Option),
                (Part::Option, ',') => Some(Part::Option),
                _ => None,
            };
            if let Some(part) = begun {
                fragment = Self { part, start: next };
            }
        }
        let blanks = text.get(fragment.start..).map_or(0, |it| it.len() - it.trim_start().len());
        Self { start: fragment.start + blanks, ..fragment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, part: Part, rest: &str) {
        let fragment = Fragment::of(text, true);
        assert_eq!((fragment.part, &text[fragment.start..]), (part, rest), "{text}");
    }

    #[test]
    fn the_last_part_is_found() {
        check("30", Part::Listen, "30");
        check("[::1]:30", Part::Listen, "[::1]:30");
        check("3000=", Part::Backend, "");
        check("3000=10.0", Part::Backend, "10.0");
        check("3000=a:1, b", Part::Backend, "b");
        check("3000=a:1+we", Part::Attribute, "we");
        check("3000=a:1+weight=2,[::1]:3", Part::Backend, "[::1]:3");
        check("3000=[::1]:3+back", Part::Attribute, "back");
        check("3000=[::1]:3[str", Part::Option, "str");
        check("3000=a:1[strategy=", Part::Option, "strategy=");
        check("3000=a:1[name=a, ret", Part::Option, "ret");
        check("3000=a:1[tls-cert=\"/a,[b\",tls-k", Part::Option, "tls-k");
        check("unix:/run/a=b", Part::Backend, "b");
    }

    #[test]
    fn backends_alone_have_no_options() {
        let text = "a:1+weight=2,b:2";
        assert_eq!(Fragment::of(text, false), Fragment { part: Part::Backend, start: 13 });
    }
}
