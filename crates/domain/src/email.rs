//! E-mail addresses and their domains.

/// RFC 5321.
const MAX_ADDRESS_CHARS: usize = 254;
const MAX_LOCAL_CHARS: usize = 64;
const MAX_DOMAIN_CHARS: usize = 253;
const MAX_LABEL_CHARS: usize = 63;

/// An address in the subset of RFC 5321 that every mail server accepts: no
/// quoting, no comments, no line breaks that could inject headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

impl EmailAddress {
    /// Converts the domain to lower case.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn parse(typed: &str) -> Result<Self, &'static str> {
        const INVALID: &str = "Enter a valid email address, such as mia@example.org.";
        let (local, domain) = typed.trim().rsplit_once('@').ok_or(INVALID)?;
        let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        let is_local = (1..=MAX_LOCAL_CHARS).contains(&local.len())
            && local
                .split('.')
                .all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
        if !is_local {
            return Err(INVALID);
        }
        let domain = parse_domain(domain).map_err(|()| INVALID)?;
        let text = format!("{local}@{domain}");
        if text.len() > MAX_ADDRESS_CHARS {
            return Err(INVALID);
        }
        Ok(Self {
            text,
            at: local.len(),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part after the `@`, in lower case.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }
}

/// Parses domains separated by commas, semicolons or white space. The result is
/// in lower case, sorted and without duplicates.
///
/// # Errors
/// The first word that is not a domain.
pub fn parse_domains(typed: &str) -> Result<Vec<String>, &str> {
    let mut domains = typed
        .split(|c: char| c == ',' || c == ';' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(|word| parse_domain(word.trim_start_matches('@')).map_err(|()| word))
        .collect::<Result<Vec<_>, _>>()?;
    domains.sort_unstable();
    domains.dedup();
    Ok(domains)
}

/// A host name of at least two labels.
fn parse_domain(typed: &str) -> Result<String, ()> {
    let domain = typed.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=MAX_LABEL_CHARS).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_valid =
        domain.len() <= MAX_DOMAIN_CHARS && domain.contains('.') && domain.split('.').all(is_label);
    is_valid.then_some(domain).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_accepted() {
        for (typed, kept) in [
            ("mia@example.org", "mia@example.org"),
            (
                " Mia.Muster+a@Mail.Example.ORG ",
                "Mia.Muster+a@mail.example.org",
            ),
            (
                "o'neill@xn--bcher-kva.example",
                "o'neill@xn--bcher-kva.example",
            ),
        ] {
            assert_eq!(EmailAddress::parse(typed).unwrap().as_str(), kept);
        }
        let address = EmailAddress::parse("a@B.example").unwrap();
        assert_eq!(address.domain(), "b.example");
    }

    // SEC-B10: nothing that ends a header, an address or a command.
    #[test]
    fn other_addresses_are_rejected() {
        let long = format!("{}@example.org", "a".repeat(65));
        let longer = format!("a@{}.example", "b.".repeat(130));
        for bad in [
            "",
            "mia",
            "@example.org",
            "mia@",
            "mia@example",
            "mia@example..org",
            "mia@-example.org",
            ".mia@example.org",
            "mia.@example.org",
            "m..ia@example.org",
            "mia@example.org\r\nBcc: eve@example.org",
            "mia\r\nBcc: eve@example.org",
            "mia\n@example.org",
            "mia@exam ple.org",
            "mia muster@example.org",
            "Mia <mia@example.org>",
            "<mia@example.org>",
            "\"mia muster\"@example.org",
            "mia@[192.0.2.1]",
            "mia@example.org,eve@example.org",
            "mia\0@example.org",
            "müller@example.org",
            "mia@bücher.example",
            &long,
            &longer,
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn domains_are_split_at_any_separator() {
        assert_eq!(
            parse_domains("Contoso.example, @fabrikam.example\ncontoso.example;a.b ").unwrap(),
            ["a.b", "contoso.example", "fabrikam.example"]
        );
        assert_eq!(parse_domains(" \n ").unwrap(), [""; 0]);
        for bad in [
            "example",
            "a@b.example",
            "*.example.org",
            "a_b.example",
            "ü.example",
        ] {
            assert_eq!(parse_domains(&format!("a.b {bad}")), Err(bad));
        }
    }
}
