//! Other pages with the same rows: a bare handler with the same bytes, a Django
//! template and a page of Next.js. Their rows are in memory: no session, no
//! database, no permissions.

use super::{
    Page, data, free_port,
    load::fetch,
    process::Tree,
    server::{Server, stop},
    wait_for,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::{Child, Command};

const DJANGO: &str = include_str!("peers/page.py");
const NEXT_PAGE: &str = include_str!("peers/page.js");
const NEXT_LAYOUT: &str = include_str!("peers/layout.js");
const PYTHON_PACKAGES: [&str; 2] = ["django==5.2.9", "gunicorn==23.0.0"];
const NODE_PACKAGES: [&str; 3] = ["next@16", "react@19", "react-dom@19"];

/// A running page.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) url: String,
    process: Child,
    pid: u32,
}

impl Peer {
    async fn start(name: &'static str, port: u16, command: &mut Command) -> Result<Self> {
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pid = process.id().context("it has ended")?;
        let url = format!("http://127.0.0.1:{port}/");
        wait_for(&url, name).await?;
        Ok(Self {
            name,
            url,
            process,
            pid,
        })
    }

    pub(super) fn processes(&self) -> Tree {
        Tree::program(self.pid)
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        stop(&mut self.process).await
    }
}

/// Starts those that install; says why another is left out.
pub(super) async fn start(server: &Server, folder: &Path) -> Result<Vec<Peer>> {
    let folder = folder.join("peers");
    fs::create_dir_all(&folder)?;
    let rows = data::rows(server).await?.to_string();
    let mut peers = vec![bare(server, &folder).await?];
    for (name, peer) in [
        ("Django", django(&folder, &rows).await),
        ("Next.js", next(&folder, &rows).await),
    ] {
        match peer {
            Ok(peer) => peers.push(peer),
            Err(error) => println!("{name} is left out: {error:#}"),
        }
    }
    Ok(peers)
}

/// A handler that answers what the server's list page sends.
async fn bare(server: &Server, folder: &Path) -> Result<Peer> {
    let page = fetch(&server.targets(Page::List)?[0]).await?;
    let file = folder.join("list.html");
    fs::write(&file, &page.body)?;
    let port = free_port()?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["bare", "--port", &port.to_string()])
        .args(["--encoding", &page.encoding, "--file"])
        .arg(file);
    Peer::start("bare axum, same bytes", port, &mut command).await
}

async fn django(folder: &Path, rows: &str) -> Result<Peer> {
    let folder = folder.join("django");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("page.py"), DJANGO)?;
    fs::write(folder.join("rows.json"), rows)?;
    let programs = folder.join("venv/bin");
    if !programs.join("gunicorn").is_file() {
        run(
            Command::new("python3").args(["-m", "venv", "venv"]),
            &folder,
        )
        .await?;
        let pip = programs.join("pip");
        run(
            Command::new(pip).arg("install").args(PYTHON_PACKAGES),
            &folder,
        )
        .await?;
    }
    let port = free_port()?;
    let mut command = Command::new(programs.join("gunicorn"));
    command
        .args(["--workers", "2", "--threads", "4", "--keep-alive", "30"])
        .args(["--bind", &format!("127.0.0.1:{port}"), "page:application"])
        .current_dir(&folder);
    Peer::start("Django template", port, &mut command).await
}

async fn next(folder: &Path, rows: &str) -> Result<Peer> {
    let folder = folder.join("next");
    let app = folder.join("app");
    fs::create_dir_all(&app)?;
    fs::write(app.join("page.js"), NEXT_PAGE)?;
    fs::write(app.join("layout.js"), NEXT_LAYOUT)?;
    fs::write(app.join("rows.json"), rows)?;
    fs::write(folder.join("package.json"), "{\"private\": true}")?;
    let next = PathBuf::from("node_modules/next/dist/bin/next");
    if !folder.join(&next).is_file() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund"]);
        run(npm.args(NODE_PACKAGES), &folder).await?;
    }
    // The rows are compiled into the page.
    run(Command::new("node").arg(&next).arg("build"), &folder).await?;
    let port = free_port()?;
    let mut command = Command::new("node");
    command
        .arg(&next)
        .args(["start", "--port", &port.to_string()])
        .current_dir(&folder);
    Peer::start("Next.js", port, &mut command).await
}

/// Runs a command in a folder to its end.
async fn run(command: &mut Command, folder: &Path) -> Result<()> {
    let output = command
        .current_dir(folder)
        .env("NEXT_TELEMETRY_DISABLED", "1")
        .kill_on_drop(true)
        .output()
        .await?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = text.trim().lines().last().unwrap_or("no message");
        let program = command.as_std().get_program().display();
        bail!("{program}: {last}");
    }
    Ok(())
}
