//! The database as the process and the command line open it: connect, provision,
//! migrate, check. Statements on data are not reachable through it.

pub use store::{ConnectOptions, Login, PerLogin, Store, migrate, provision};
