//! Connection parameters of a cluster: socket, port and superuser password.

use crate::directory::{data_in, password_file_in};
use crate::error::Error;
use crate::leftover::PidFile;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Name of the superuser that initdb creates.
pub(crate) const SUPERUSER: &str = "postgres";

/// What a part of a URL can't hold as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Part of the socket's name; the server does not listen on TCP.
pub(crate) const PORT: u16 = 5432;

/// Connection parameters of a running cluster.
#[derive(Clone)]
pub struct Connection {
    socket_folder: PathBuf,
    password: String,
}

impl Connection {
    pub(crate) fn new(socket_folder: PathBuf, directory: &Path) -> Result<Self, Error> {
        let path = password_file_in(directory);
        let password = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Ok(Self {
            socket_folder,
            password: password.trim().to_owned(),
        })
    }

    /// Parameters of a cluster that another process runs in `directory`; `None`
    /// if no cluster runs there.
    ///
    /// # Errors
    ///
    /// If a cluster runs but its password can't be read.
    pub fn to_running(directory: &Path) -> Result<Option<Self>, Error> {
        let Some(found) = PidFile::read(&data_in(directory)) else {
            return Ok(None);
        };
        match found.socket_folder {
            Some(folder) if folder.join(format!(".s.PGSQL.{PORT}")).exists() => {
                Self::new(folder, directory).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Connection URL for the superuser, for sqlx and psql.
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, &self.password, database)
    }

    /// Connection URL for another role.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        format!(
            "postgres://{}:{}@localhost:{PORT}/{}?host={}",
            encode(role.as_bytes()),
            encode(password.as_bytes()),
            encode(database.as_bytes()),
            encode(self.socket_folder.as_os_str().as_bytes()),
        )
    }

    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// The port number in the socket's name.
    pub fn port(&self) -> u16 {
        PORT
    }
}

impl std::fmt::Debug for Connection {
    /// Omits the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("socket_folder", &self.socket_folder)
            .finish_non_exhaustive()
    }
}

fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_encodes_special_characters() {
        let connection = Connection {
            socket_folder: "/a b/ü?#".into(),
            password: "p".into(),
        };
        assert_eq!(
            connection.url_as("o'role", "p@:/%", "data base"),
            "postgres://o%27role:p%40%3A%2F%25@localhost:5432/data%20base?host=%2Fa%20b%2F%C3%BC%3F%23"
        );
    }

    #[test]
    fn debug_output_omits_the_password() {
        let connection = Connection {
            socket_folder: "/run".into(),
            password: "secret".into(),
        };
        assert!(!format!("{connection:?}").contains("secret"));
    }
}
