//! Checkpoints: a log's size and root as the text of a signed note, version
//! 1.0.0 of <https://c2sp.org/tlog-checkpoint>.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{NoteError, TreeHead};

/// A log's state at one size, as stated by the log itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name: a URL without a scheme.
    pub origin: String,
    pub head: TreeHead,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TreeHead { size, root } = self.head;
        let root = BASE64_STANDARD.encode(root);
        write!(f, "{}\n{size}\n{root}\n", self.origin)
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    /// Parses the text of a note. Extension lines are ignored; our logs never
    /// write any.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Malformed("its text is not a checkpoint");
        let text = text.strip_suffix('\n').ok_or_else(malformed)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty());
        let (Some(origin), Some(size), Some(root)) = (line(), line(), line()) else {
            return Err(malformed());
        };
        let is_canonical = size.bytes().all(|digit| digit.is_ascii_digit())
            && (size == "0" || !size.starts_with('0'));
        let size = size.parse().ok().filter(|_| is_canonical);
        let root = BASE64_STANDARD.decode(root).ok();
        let root = root.and_then(|root| root.try_into().ok());
        if lines.any(str::is_empty) {
            return Err(malformed());
        }
        match (size, root) {
            (Some(size), Some(root)) => Ok(Self {
                origin: origin.to_owned(),
                head: TreeHead { size, root },
            }),
            _ => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification.
    const EXAMPLE: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn specification_example_round_trips() {
        let checkpoint: Checkpoint = EXAMPLE.parse().unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.head.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), EXAMPLE);
        let extended = format!("{EXAMPLE}an extension\n");
        assert_eq!(extended.parse(), Ok(checkpoint));
    }

    #[test]
    fn malformed_checkpoints_are_rejected() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for malformed in [
            String::new(),
            "a\n1\n".to_owned(),
            format!("\n1\n{root}\n"),
            format!("a\n\n{root}\n"),
            format!("a\n01\n{root}\n"),
            format!("a\n+1\n{root}\n"),
            format!("a\n-1\n{root}\n"),
            format!("a\n18446744073709551616\n{root}\n"),
            format!("a\n1\n{root}"),
            format!("a\n1\n{root}\n\n"),
            "a\n1\nCsUY\n".to_owned(),
            "a\n1\nnot base64\n".to_owned(),
        ] {
            assert!(malformed.parse::<Checkpoint>().is_err(), "{malformed:?}");
        }
    }
}
