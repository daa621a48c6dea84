//! A sequence of steps, each with its outcome and time, printed as a table.

use crate::command::print_status;
use anyhow::Result;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, bool, Duration)>,
}

impl Steps {
    /// Runs a step on which all later ones depend.
    ///
    /// # Errors
    /// The step's own, after printing the table so far.
    pub(crate) fn require<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let started = Instant::now();
        let result = step();
        self.done.push((name, result.is_ok(), started.elapsed()));
        if result.is_err() {
            print_status(&self.table());
        }
        result
    }

    /// Runs a step whose failure (an error or `false`) does not stop the others.
    pub(crate) fn attempt(&mut self, name: &'static str, step: impl FnOnce() -> Result<bool>) {
        let started = Instant::now();
        let passed = step().unwrap_or_else(|error| {
            print_status(&format!("{name}: {error:#}"));
            false
        });
        self.done.push((name, passed, started.elapsed()));
    }

    /// Prints the table and returns the exit code of all steps together.
    pub(crate) fn finish(self) -> ExitCode {
        print_status(&self.table());
        if self.done.iter().all(|(_, passed, _)| *passed) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn table(&self) -> String {
        let width = self.done.iter().map(|(name, ..)| name.len()).max();
        let width = width.unwrap_or_default();
        let mut table = String::from("steps and their times");
        for (name, passed, time) in &self.done {
            let outcome = if *passed { "passed" } else { "FAILED" };
            let seconds = time.as_secs_f64();
            let _ = write!(table, "\n  {name:<width$}  {outcome}  {seconds:>7.1} s");
        }
        let all: Duration = self.done.iter().map(|(.., time)| *time).sum();
        let _ = write!(
            table,
            "\n  {:<width$}          {:>7.1} s",
            "all",
            all.as_secs_f64()
        );
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_each_step_with_its_outcome() {
        let mut steps = Steps::default();
        assert_eq!(steps.require("build", || Ok(7)).unwrap(), 7);
        steps.attempt("tests", || Ok(true));
        steps.attempt("journeys", || anyhow::bail!("no browser"));
        let table = steps.table();
        let lines: Vec<_> = table.lines().map(str::trim).collect();
        assert!(lines[1].starts_with("build     passed"), "{table}");
        assert!(lines[3].starts_with("journeys  FAILED"), "{table}");
        assert!(lines[4].starts_with("all "), "{table}");
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }
}
