//! `cargo xtask serve`: builds everything and starts a demo.

use crate::command::print_status;
use crate::project::Project;
use crate::{build, setup};
use anyhow::{Result, anyhow};
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

/// Builds and execs `atrium serve --demo`, so that Ctrl-C reaches it directly.
pub(crate) fn serve(project: &Project, release: bool, arguments: &[String]) -> Result<ExitCode> {
    setup::ensure_build_tools(project)?;
    setup::postgres(project, &project.data())?;
    setup::model(project)?;
    let site = build::build(project, release)?;
    let program = project.built(release).join("atrium");
    let data = project.data();
    print_status(&format!(
        "starting Atrium with a demo organisation; its data is in {}",
        data.display()
    ));
    let error = project
        .command(&program, ["serve", "--demo"])
        .args(arguments)
        .env("ATRIUM_SITE_DIR", site)
        .env("ATRIUM_MODEL_DIR", project.model())
        .env("ATRIUM_DATA_DIR", data)
        .exec();
    Err(anyhow!("cannot run {}: {error}", program.display()))
}
