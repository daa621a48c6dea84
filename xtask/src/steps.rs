//! A sequence of steps, each with its outcome and time, printed as a table.

use crate::command::print_status;
use anyhow::Result;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) struct Steps {
    started: Instant,
    done: Vec<(&'static str, bool, Duration)>,
}

impl Steps {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

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

    /// Runs a step in a thread of its own while `others` run; `None` if it fails.
    pub(crate) fn attempt_beside<T: Send, U>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T> + Send,
        others: impl FnOnce(&mut Self) -> U,
    ) -> (Option<T>, U) {
        let timed_step = || {
            let started = Instant::now();
            (step(), started.elapsed())
        };
        let ((result, time), others) = thread::scope(|scope| {
            let beside = scope.spawn(timed_step);
            let others = others(self);
            let outcome = beside.join().unwrap_or_else(|panic| resume_unwind(panic));
            (outcome, others)
        });
        self.done.push((name, result.is_ok(), time));
        let result = result.inspect_err(|error| print_status(&format!("{name}: {error:#}")));
        (result.ok(), others)
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
        // Less than the sum, where steps ran beside each other.
        let all = self.started.elapsed();
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
        let mut steps = Steps::start();
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
    #[test]
    fn step_runs_beside_the_others() {
        let mut steps = Steps::start();
        let (to_step, from_others) = std::sync::mpsc::channel();
        let (size, others) = steps.attempt_beside(
            "size",
            move || Ok(from_others.recv()?),
            |steps| {
                steps.attempt("lints", || Ok(true));
                to_step.send(7)
            },
        );
        assert_eq!((size, others), (Some(7), Ok(())));
        let (nothing, ()) =
            steps.attempt_beside::<(), _>("docs", || anyhow::bail!("broken"), |_| ());
        assert_eq!(nothing, None);
        let outcomes: Vec<_> = steps
            .done
            .iter()
            .map(|(name, ok, _)| (*name, *ok))
            .collect();
        assert_eq!(outcomes, [("lints", true), ("size", true), ("docs", false)]);
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }
}
