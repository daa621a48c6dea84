//! Front matter of notes: YAML between `---` lines, or TOML between `+++`
//! lines.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Larger front matter is not read; an honest one has a few hundred bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Maximum nesting of YAML.
const MAX_DEPTH: usize = 32;

/// The fields of a note's front matter, with lower-case names.
#[derive(Default)]
pub(crate) struct FrontMatter(Map<String, Value>);

/// A note's front matter and the text after it.
pub(crate) struct Split<'a> {
    /// `None` if the note has none.
    pub(crate) matter: Option<FrontMatter>,
    pub(crate) content: &'a str,
    /// Bytes before `content`.
    pub(crate) length: usize,
    /// The reason why `content` still includes front matter.
    pub(crate) problem: Option<&'static str>,
}

/// Splits a note. A leading `---` that isn't followed by fields is a rule and
/// belongs to the content.
pub(crate) fn split(note: &str) -> Split<'_> {
    let whole = |problem| Split {
        matter: None,
        content: note,
        length: 0,
        problem,
    };
    let Some((fence, first_length)) = opening(note) else {
        return whole(None);
    };
    let rest = &note[first_length..];
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if closes(fence, line.trim_end()) {
            let text = &rest[..at];
            let length = first_length + at + line.len();
            let content = &note[length..];
            if text.len() > MAX_BYTES {
                return whole(Some(
                    "Its front matter is larger than 64 kB and was kept as text.",
                ));
            }
            let parsed = if fence == "+++" {
                toml::from_str::<Map<String, Value>>(text).ok()
            } else {
                parse_yaml(text)
            };
            return match parsed {
                Some(fields) => Split {
                    matter: Some(FrontMatter::new(fields)),
                    content,
                    length,
                    problem: None,
                },
                None if looks_like_fields(text) => {
                    whole(Some("Its front matter can’t be read and was kept as text."))
                }
                None => whole(None),
            };
        }
        at += line.len();
    }
    whole(None)
}

fn opening(note: &str) -> Option<(&'static str, usize)> {
    let line = note.split_inclusive('\n').next()?;
    let fence = match line.trim_end() {
        "---" => "---",
        "+++" => "+++",
        _ => return None,
    };
    line.ends_with('\n').then_some((fence, line.len()))
}

fn closes(fence: &str, line: &str) -> bool {
    line == fence || (fence == "---" && line == "...")
}

fn looks_like_fields(text: &str) -> bool {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(|line| {
            line.split_once([':', '='])
                .is_some_and(|(name, _)| !name.trim().contains(' '))
        })
}

impl FrontMatter {
    fn new(fields: Map<String, Value>) -> Self {
        let lower = |(name, value): (String, Value)| (name.trim().to_lowercase(), value);
        Self(fields.into_iter().map(lower).collect())
    }

    /// The value of a field; `None` if it is absent, null or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .get(name)
            .filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// Names of fields that have a value.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(|name| self.get(name).is_some())
    }
}

/// An unfinished collection.
enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>, Option<String>),
}

/// Parses the fields of a mapping; `None` for any other YAML. Aliases become
/// null, so that they can't multiply.
fn parse_yaml(text: &str) -> Option<Map<String, Value>> {
    let mut stack: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let done = match event.ok()?.0 {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::Alias(_) => Value::Null,
            Event::SequenceStart(..) | Event::MappingStart(..) if stack.len() >= MAX_DEPTH => {
                return None;
            }
            Event::SequenceStart(..) => {
                stack.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                stack.push(Open::Object(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop()? {
                Open::List(values) => Value::Array(values),
                Open::Object(fields, _) => Value::Object(fields),
            },
            Event::StreamEnd => return Some(Map::new()),
            _ => continue,
        };
        match stack.last_mut() {
            None => {
                return match done {
                    Value::Object(fields) => Some(fields),
                    Value::Null => Some(Map::new()),
                    _ => None,
                };
            }
            Some(Open::List(values)) => values.push(done),
            Some(Open::Object(fields, name)) => match name.take() {
                Some(name) => {
                    fields.insert(name, done);
                }
                None => {
                    *name = Some(
                        done.as_str()
                            .map_or_else(|| done.to_string(), str::to_owned),
                    );
                }
            },
        }
    }
    None
}

/// Keeps numbers, dates and truth values as they are written.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        _ => Value::from(text),
    }
}
