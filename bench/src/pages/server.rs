//! A measured server, with its embedded database and a session of the owner.

use super::{
    Page, PagesArguments, absolute, data, free_port,
    load::{Target, client},
    process::Tree,
    wait_for,
};
use anyhow::{Context, Result, bail};
use embedded_postgres::Connection;
use reqwest::{
    Response, Url,
    header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE},
};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::process::{Child, Command};
use uuid::Uuid;

/// A running server.
pub(super) struct Server {
    /// Name in the tables.
    pub(super) name: &'static str,
    /// Connects as the database's superuser.
    pub(super) pool: PgPool,
    process: Child,
    pid: u32,
    url: String,
    log: PathBuf,
    cookie: String,
    memories: Vec<Uuid>,
    questions: Vec<String>,
}

/// Statements of a request, on average.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statements {
    pub(super) statements: f64,
    pub(super) transactions: f64,
}

impl Server {
    /// Starts the server with a data folder of its own, fills it if necessary,
    /// and signs in.
    pub(super) async fn start(
        name: &'static str,
        arguments: &PagesArguments,
        binary: &Path,
        site: &Path,
    ) -> Result<Self> {
        let folder = arguments.folder.join(format!("pages-{name}"));
        if arguments.fresh && folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let log = folder.join("server.log");
        let output = File::create(&log)?;
        let address = format!("127.0.0.1:{}", port_of(&folder)?);
        let url = format!("http://{address}");
        let mut command = Command::new(absolute(binary)?);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ATRIUM_")) {
            command.env_remove(name);
        }
        let process = command
            .args(["serve", "--demo=empty", "--addr", &address, "--data-dir"])
            .arg(&folder)
            .env("ATRIUM_SITE_DIR", absolute(site)?)
            .env("ATRIUM_MODEL_DIR", absolute(&arguments.model)?)
            .env("ATRIUM_PAGE_CALLS_PER_MINUTE", u32::MAX.to_string())
            // Postgres logs at this level the statements that are counted.
            .env("ATRIUM_LOG__FILTER", "info,postgres=debug")
            .env("NO_COLOR", "1")
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let pid = process.id().context("the server has ended")?;
        let ready = wait_for(&format!("{url}/readyz"), name).await;
        ready.with_context(|| format!("see {}", log.display()))?;
        let connection = Connection::to_running(&folder.join("postgres"))?;
        let connection = connection.context("the server's database does not run")?;
        let options: PgConnectOptions = connection.url("atrium").parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        data::ensure(&pool).await?;
        Ok(Self {
            name,
            process,
            pid,
            log,
            cookie: sign_in(&url).await.context("signing in")?,
            memories: data::memory_ids(&pool).await?,
            questions: data::questions(&pool).await?,
            url,
            pool,
        })
    }

    pub(super) fn processes(&self) -> Tree {
        Tree::server(self.pid)
    }

    /// Resident memory of the server without its database, in bytes.
    pub(super) fn memory(&self) -> Result<u64> {
        self.processes().memory()
    }

    /// The URLs that are requested in turn to measure a page.
    pub(super) fn targets(&self, page: Page) -> Result<Vec<Target>> {
        let paths = match page {
            Page::SignIn => return Ok(vec![Target::new(&format!("{}/sign-in", self.url))?]),
            Page::Overview => vec!["/".to_owned()],
            Page::List => vec!["/memories".to_owned()],
            Page::Search => self
                .questions
                .iter()
                .map(|text| search_path(text))
                .collect(),
            Page::Detail => self
                .memories
                .iter()
                .map(|id| format!("/memories/{id}"))
                .collect(),
            Page::Audit => vec!["/audit".to_owned()],
            Page::Members => vec!["/members".to_owned()],
        };
        paths
            .iter()
            .map(|path| Target::new(&format!("{}{path}", self.url))?.with_cookie(&self.cookie))
            .collect()
    }

    /// Makes the database log statements until `stop`.
    pub(super) async fn log_statements(&self) -> Result<StatementLog<'_>> {
        execute(&self.pool, "ALTER SYSTEM SET log_statement = 'all'").await?;
        reload(&self.pool).await?;
        Ok(StatementLog(self))
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        self.pool.close().await;
        stop(&mut self.process).await
    }
}

/// Ends a process by SIGTERM and waits for it.
pub(super) async fn stop(process: &mut Child) -> Result<()> {
    let pid = process
        .id()
        .and_then(|pid| Pid::from_raw(pid.cast_signed()));
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM)?;
    }
    process.wait().await?;
    Ok(())
}

/// The port of a server with this folder, the same in each run: at another
/// address the demo's issuer is another, and its people are new ones.
fn port_of(folder: &Path) -> Result<u16> {
    let file = folder.join("port");
    if let Ok(port) = fs::read_to_string(&file) {
        return Ok(port.trim().parse()?);
    }
    let port = free_port()?;
    fs::write(file, port.to_string())?;
    Ok(port)
}

fn search_path(text: &str) -> String {
    let mut url = Url::parse("http://localhost/memories").expect("a literal URL");
    url.query_pairs_mut().append_pair("query", text);
    url[url::Position::BeforePath..].to_owned()
}

/// The log of a database that logs all statements.
pub(super) struct StatementLog<'a>(&'a Server);

impl StatementLog<'_> {
    /// Counts what requests to the pages execute, on average. The few
    /// statements of workers in the same second are included.
    pub(super) async fn count(&self, targets: &[Target]) -> Result<Statements> {
        const REQUESTS: u32 = 50;
        let start = fs::metadata(&self.0.log)?.len();
        for target in targets.iter().cycle().take(REQUESTS as usize) {
            super::load::fetch(target).await?;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let log = fs::read(&self.0.log)?;
        let log = String::from_utf8_lossy(&log[usize::try_from(start)?..]).into_owned();
        let count = |what: &[&str]| {
            let lines = log
                .lines()
                .filter(|line| what.iter().any(|what| line.contains(what)));
            u32::try_from(lines.count()).map(|lines| f64::from(lines) / f64::from(REQUESTS))
        };
        Ok(Statements {
            statements: count(&["LOG:  execute ", "LOG:  statement: "])?,
            transactions: count(&["LOG:  statement: BEGIN", "LOG:  execute begin"])?,
        })
    }

    pub(super) async fn stop(self) -> Result<()> {
        execute(&self.0.pool, "ALTER SYSTEM RESET log_statement").await?;
        reload(&self.0.pool).await
    }
}

async fn reload(pool: &PgPool) -> Result<()> {
    execute(pool, "SELECT pg_reload_conf()").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}

/// Executes a statement without parameters.
pub(super) async fn execute(pool: &PgPool, sql: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(pool)
        .await
        .with_context(|| sql.to_owned())?;
    Ok(())
}

/// Signs in as the demo's owner and returns the value of the `Cookie` header.
async fn sign_in(url: &str) -> Result<String> {
    let client = client();
    let mut cookies = BTreeMap::new();
    let response = client.get(format!("{url}/auth/login")).send().await?;
    keep_cookies(&mut cookies, &response)?;
    let issuer: Url = location(url, &response)?;
    let mut form: Vec<(String, String)> = issuer.query_pairs().into_owned().collect();
    form.push(("person".to_owned(), "owner".to_owned()));
    let mut authorize = issuer.clone();
    authorize.set_query(None);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let response = client
        .post(authorize)
        .header(ORIGIN, url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await?;
    let callback = location(url, &response)?;
    let response = client
        .get(callback)
        .header(COOKIE, header(&cookies))
        .send()
        .await?;
    keep_cookies(&mut cookies, &response)?;
    if cookies.is_empty() {
        bail!("no session: {}", response.status());
    }
    Ok(header(&cookies))
}

fn location(base: &str, response: &Response) -> Result<Url> {
    let location = response.headers().get(LOCATION);
    let location = location.with_context(|| format!("no redirect: {}", response.status()))?;
    Ok(Url::parse(base)?.join(location.to_str()?)?)
}

fn keep_cookies(cookies: &mut BTreeMap<String, String>, response: &Response) -> Result<()> {
    for cookie in response.headers().get_all(SET_COOKIE) {
        let cookie = cookie.to_str()?;
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            if value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    Ok(())
}

fn header(cookies: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("; ")
}
