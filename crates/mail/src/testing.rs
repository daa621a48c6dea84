//! An SMTP server for tests: listens on a port of its own and records what it
//! receives.

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

/// Behaviour of the test server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// Accepts every message.
    #[default]
    Accept,
    /// Rejects every recipient.
    RejectRecipient,
    /// Rejects every sign-in.
    RejectLogin,
    /// Accepts the connection and never responds.
    NoResponse,
    /// Closes the connection in the middle of a message.
    Disconnect,
}

/// Data received over one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Every SMTP command, verbatim.
    pub commands: Vec<String>,
    /// The message with its headers; empty if none arrived.
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

    /// The values of all header lines called `name`.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let prefix = format!("{name}: ");
        head.split("\r\n")
            .filter_map(|line| line.strip_prefix(&prefix))
            .collect()
    }

    /// The message with quoted-printable partly decoded: soft line breaks
    /// and `=3D`.
    pub fn text(&self) -> String {
        self.data.replace("=\r\n", "").replace("=3D", "=")
    }
}

/// A running mail server; stops with the test's runtime.
#[derive(Clone, Debug)]
pub struct Sink {
    addr: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Sink {
    /// Starts a server on a free port.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(manner: Behavior) -> Self {
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

    /// Settings with which a [`crate::Mailer`] reaches this server.
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

    /// One element for each connection so far.
    pub fn received(&self) -> Vec<Received> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The connections that delivered a message.
    pub fn messages(&self) -> Vec<Received> {
        let mut all = self.received();
        all.retain(|one| !one.data.is_empty());
        all
    }
}

/// Records one connection's data as it arrives.
struct Recording {
    log: Arc<Mutex<Vec<Received>>>,
    index: usize,
}

impl Recording {
    fn new(log: Arc<Mutex<Vec<Received>>>) -> Self {
        let index = {
            let mut all = log.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(Received::default());
            all.len() - 1
        };
        Self { log, index }
    }

    fn with(&self, change: impl FnOnce(&mut Received)) {
        let mut all = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut all[self.index]);
    }
}

async fn converse(stream: TcpStream, manner: Behavior, log: Arc<Mutex<Vec<Received>>>) {
    let recording = Recording::new(log);
    if manner == Behavior::NoResponse {
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
        recording.with(|one| one.commands.push(command.clone()));
        let verb: String = command.chars().take(4).collect::<String>().to_uppercase();
        is_open = match (verb.as_str(), manner) {
            ("EHLO", _) => say(&mut stream, "250-sink.example\r\n250 AUTH PLAIN LOGIN").await,
            ("AUTH", Behavior::RejectLogin) => say(&mut stream, "535 5.7.8 Wrong password").await,
            ("AUTH", _) => say(&mut stream, "235 2.7.0 Welcome").await,
            ("RCPT", Behavior::RejectRecipient) => {
                say(&mut stream, "550 5.1.1 Nobody here by that name").await
            }
            ("DATA", Behavior::Disconnect) => false,
            ("DATA", _) => {
                let mut is_open = say(&mut stream, "354 Go on").await;
                while is_open {
                    let mut line = String::new();
                    is_open = stream.read_line(&mut line).await.is_ok_and(|read| read > 0);
                    if line == ".\r\n" {
                        break;
                    }
                    recording.with(|one| one.data.push_str(&line));
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
    let written = stream.write_all(format!("{line}\r\n").as_bytes()).await;
    written.is_ok() && stream.flush().await.is_ok()
}
