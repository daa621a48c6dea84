//! Running other programs and saying so.

use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::Instant;

/// Says what comes next.
pub(crate) fn say(text: &str) {
    println!("xtask: {text}");
}

/// Runs to the end, its output shown. Fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    if succeeds(command)? {
        return Ok(());
    }
    bail!("this failed: {}", shown(command))
}

/// Runs to the end, its output shown, and tells whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    say(&shown(command));
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    Ok(status.success())
}

/// Runs to the end and returns what it printed. Fails when it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("this failed: {}\n{}", shown(command), errors.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Does something and says how long it took, when that was worth a line.
pub(crate) fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    let result = work()?;
    let seconds = begun.elapsed().as_secs_f32();
    if seconds > 0.5 {
        say(&format!("{what}: {seconds:.1} s"));
    }
    Ok(result)
}

/// The command as one would type it, the program without its folder.
fn shown(command: &Command) -> String {
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
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/psql");
        assert_eq!(
            shown(command.args(["-c", "select 1"])),
            "psql -c 'select 1'"
        );
    }

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let error = output(Command::new("ls").arg("/no/such/folder"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("ls /no/such/folder"), "{error}");
        assert!(error.contains("No such file"), "{error}");
    }
}
