//! What PostgreSQL prints: into our log, and the last lines into error messages.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

const KEPT_LINES: usize = 8;

/// The last lines of one server's output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    /// Reads until the pipe closes, on a thread of its own: a full pipe would
    /// stop the server.
    pub(crate) fn follow(pipe: impl Read + Send + 'static) -> Self {
        let output = Self::default();
        let writer = output.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                writer.take(String::from_utf8_lossy(&line).trim());
            }
        });
        output
    }

    fn take(&self, line: &str) {
        if line.is_empty() {
            return;
        }
        log(line);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The last lines in one.
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

/// An error of a statement reaches whoever sent it, so only what concerns the
/// server itself is raised above debug.
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
            output.take(&format!("LOG:  line {number}"));
        }
        let text = output.last_lines();
        assert!(text.starts_with("LOG:  line 12 |"), "{text}");
        assert!(text.ends_with("LOG:  line 19"), "{text}");
    }
}
