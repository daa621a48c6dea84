//! Runs the built program.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use store::{PerLogin, testing::TestDb};

/// A temporary folder, removed at the end of the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The path is short, because the path of a socket in it must be, and open to
    /// the user that Postgres runs as.
    pub(crate) fn new() -> Self {
        let id: uuid::Uuid = store::testing::id();
        let path = std::env::temp_dir().join(format!("atrium-{}", id.simple()));
        let folder = Self(path);
        folder.write_site();
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn site(&self) -> PathBuf {
        self.0.join("site")
    }

    /// Writes a bundle of empty files: these tests load no page.
    fn write_site(&self) {
        let site = self.site();
        fs::create_dir_all(site.join("pkg")).unwrap();
        for file in ["a.js", "a.wasm", "a.css"] {
            fs::write(site.join("pkg").join(file), "").unwrap();
        }
        let manifest = r#"{"js":"/pkg/a.js","wasm":"/pkg/a.wasm","css":"/pkg/a.css"}"#;
        fs::write(site.join("manifest.json"), manifest).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program in `folder`, without a model, on a free port and with none of
/// the test's environment.
pub(crate) fn atrium(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atrium"));
    command
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", std::env::var_os("HOME").unwrap_or_default())
        .env("ATRIUM_ADDR", "127.0.0.1:0")
        .env("ATRIUM_DATA_DIR", folder.path().join("data"))
        .env("ATRIUM_SITE_DIR", folder.site())
        .env("ATRIUM_MODEL_DIR", folder.path().join("no-model"));
    command
}

/// The same on a test's database instead of the embedded one.
pub(crate) fn atrium_on(db: &TestDb, folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = atrium(folder, arguments);
    with_logins(&mut command, &db.urls());
    command.env("ATRIUM_DATABASE_ADMIN_URL", db.admin_url());
    command
}

/// Configures a database URL for every login.
pub(crate) fn with_logins(command: &mut Command, urls: &PerLogin<String>) {
    for (login, url) in urls.each() {
        command.env(login.variable(), url);
    }
}

/// Runs to the end and returns exit status, standard output and standard error.
pub(crate) fn run(mut command: Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts `command` and waits until it logs that it is ready.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .env("ATRIUM_LOG__FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the server ended before it was ready: {}", seen.join("\n"));
            };
            if let Ok(event) = serde_json::from_str::<serde_json::Value>(&line)
                && event["message"] == "Atrium is ready"
            {
                break event["listening"].as_str().unwrap().to_owned();
            }
            seen.push(line);
        };
        // A full pipe would block the server, so keep reading.
        thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: format!("http://{address}"),
        }
    }

    /// The status of a response to `GET path`.
    pub(crate) async fn status(&self, path: &str) -> reqwest::StatusCode {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build();
        let answer = client.unwrap().get(format!("{}{path}", self.url)).send();
        answer.await.unwrap().status()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the process to end.
    pub(crate) fn ended(&mut self, within: Duration) -> ExitStatus {
        let start = Instant::now();
        while start.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the server did not end within {within:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
