//! A mail server for tests: it speaks SMTP on a port of its own and keeps what
//! it is given.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{MailSettings, MailTls};

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// It takes every message.
    #[default]
    Takes,
    /// It knows no recipient.
    Refuses,
    /// It lets nobody in.
    RefusesLogin,
    /// It takes the connection and says nothing.
    IsSilent,
    /// It hangs up in the middle of a message.
    HangsUp,
}

/// What somebody sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Every command, as it came.
    pub commands: Vec<String>,
    /// The message with its headers; empty when none came.
    pub data: String,
}

impl Received {
    /// The values of `RCPT TO`.
    pub fn recipients(&self) -> Vec<&str> {
        self.commands
            .iter()
            .filter_map(|line| line.strip_prefix("RCPT TO:<")?.split('>').next())
            .collect()
    }

    /// The header lines called `name`, without it.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let prefix = format!("{name}: ");
        head.split("\r\n")
            .filter_map(|line| line.strip_prefix(&prefix))
            .collect()
    }

    /// The message with soft line breaks of quoted-printable undone.
    pub fn text(&self) -> String {
        self.data.replace("=\r\n", "").replace("=3D", "=")
    }
}

/// A running mail server; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub struct Sink {
    addr: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Sink {
    /// Starts one.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let sink = Self {
            addr: listener.local_addr().unwrap(),
            received: Arc::default(),
        };
        let received = sink.received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, manner, received.clone()));
            }
        });
        sink
    }

    /// What reaches it.
    pub fn settings(&self) -> MailSettings {
        MailSettings {
            host: "127.0.0.1".into(),
            port: self.addr.port(),
            tls: MailTls::None,
            username: None,
            password: None,
            from: "Atrium <atrium@atrium.example>".into(),
            limit: Some(Duration::from_secs(2)),
        }
    }

    /// Everything that came, one for each connection that has ended.
    pub fn received(&self) -> Vec<Received> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The messages that came.
    pub fn messages(&self) -> Vec<Received> {
        let mut all = self.received();
        all.retain(|one| !one.data.is_empty());
        all
    }
}

/// Keeps what came when the conversation ends, however it does.
struct Kept {
    log: Arc<Mutex<Vec<Received>>>,
    place: usize,
}

impl Kept {
    fn new(log: Arc<Mutex<Vec<Received>>>) -> Self {
        let place = {
            let mut all = log.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(Received::default());
            all.len() - 1
        };
        Self { log, place }
    }

    fn with(&self, change: impl FnOnce(&mut Received)) {
        let mut all = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut all[self.place]);
    }
}

async fn converse(stream: TcpStream, manner: Manner, log: Arc<Mutex<Vec<Received>>>) {
    let kept = Kept::new(log);
    if manner == Manner::IsSilent {
        std::future::pending::<()>().await;
    }
    let mut stream = BufReader::new(stream);
    let mut is_open = say(&mut stream, "220 sink.example ESMTP").await;
    while is_open {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let command = line.trim_end_matches(['\r', '\n']).to_owned();
        kept.with(|one| one.commands.push(command.clone()));
        let verb: String = command.chars().take(4).collect::<String>().to_uppercase();
        is_open = match (verb.as_str(), manner) {
            ("EHLO", _) => say(&mut stream, "250-sink.example\r\n250 AUTH PLAIN LOGIN").await,
            ("AUTH", Manner::RefusesLogin) => say(&mut stream, "535 5.7.8 Wrong password").await,
            ("AUTH", _) => say(&mut stream, "235 2.7.0 Welcome").await,
            ("RCPT", Manner::Refuses) => {
                say(&mut stream, "550 5.1.1 Nobody here by that name").await
            }
            ("DATA", Manner::HangsUp) => false,
            ("DATA", _) => {
                let mut is_open = say(&mut stream, "354 Go on").await;
                while is_open {
                    let mut line = String::new();
                    is_open = stream.read_line(&mut line).await.is_ok_and(|read| read > 0);
                    if line == ".\r\n" {
                        break;
                    }
                    kept.with(|one| one.data.push_str(&line));
                }
                is_open && say(&mut stream, "250 2.0.0 Taken").await
            }
            ("QUIT", _) => {
                say(&mut stream, "221 Bye").await;
                false
            }
            _ => say(&mut stream, "250 OK").await,
        };
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> bool {
    let stream = stream.get_mut();
    let said = stream.write_all(format!("{line}\r\n").as_bytes()).await;
    said.is_ok() && stream.flush().await.is_ok()
}
