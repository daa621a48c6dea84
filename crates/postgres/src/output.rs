//! Forwards PostgreSQL's output to our log and keeps the last lines for error
//! messages.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

const MAX_LINES: usize = 8;

/// The last lines of one server's output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    /// Reads until the pipe closes, on a separate thread, because a full pipe
    /// would block the server.
    pub(crate) fn follow(pipe: impl Read + Send + 'static) -> Self {
        let output = Self::default();
        let writer = output.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                writer.push(String::from_utf8_lossy(&line).trim());
            }
        });
        output
    }

    fn push(&self, line: &str) {
        if line.is_empty() {
            return;
        }
        log(line);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The last lines, joined by ` | `.
    pub(crate) fn last_lines(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return "it ended and said nothing".to_owned();
        }
        lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" | ")
    }
}

/// Statement errors are returned to the client that sent the statement, so only
/// messages about the server itself are logged above debug.
fn log(line: &str) {
    match line.split_once(": ").map_or("", |(severity, _)| severity) {
        "PANIC" => tracing::error!(target: "postgres", "{line}"),
        "FATAL" | "WARNING" => tracing::warn!(target: "postgres", "{line}"),
        _ => tracing::debug!(target: "postgres", "{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let output = Output::default();
        for number in 0..20 {
            output.push(&format!("LOG:  line {number}"));
        }
        let text = output.last_lines();
        assert!(text.starts_with("LOG:  line 12 |"), "{text}");
        assert!(text.ends_with("LOG:  line 19"), "{text}");
    }
}
