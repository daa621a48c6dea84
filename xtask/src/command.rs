//! Runs other programs and prints their command lines.

use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::Instant;

/// Prints a line of progress.
pub(crate) fn print_status(text: &str) {
    println!("xtask: {text}");
}

/// Runs a command with its output inherited. An error if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    if succeeds(command)? {
        return Ok(());
    }
    bail!("this failed: {}", command_line(command))
}

/// Runs a command with its output inherited and returns whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    print_status(&command_line(command));
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command_line(command)))?;
    Ok(status.success())
}

/// Runs a command and returns its stdout. An error with its stderr if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command_line(command)))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("this failed: {}\n{}", command_line(command), errors.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `work` and prints its duration if it exceeds half a second.
pub(crate) fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let result = work()?;
    let seconds = started.elapsed().as_secs_f32();
    if seconds > 0.5 {
        print_status(&format!("{what}: {seconds:.1} s"));
    }
    Ok(result)
}

/// The command line as typed in a shell, the program without its folder.
fn command_line(command: &Command) -> String {
    let program = command.get_program();
    let program = std::path::Path::new(program).file_name().unwrap_or(program);
    std::iter::once(program)
        .chain(command.get_args())
        .map(|part| {
            let part = part.to_string_lossy();
            if part.contains(char::is_whitespace) {
                format!("'{part}'")
            } else {
                part.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_quotes_arguments() {
        let mut command = Command::new("/usr/bin/psql");
        assert_eq!(
            command_line(command.args(["-c", "select 1"])),
            "psql -c 'select 1'"
        );
    }

    #[test]
    fn error_names_the_command_and_its_stderr() {
        let error = output(Command::new("ls").arg("/no/such/folder"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("ls /no/such/folder"), "{error}");
        assert!(error.contains("No such file"), "{error}");
    }
}
