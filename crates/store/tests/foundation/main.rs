//! The store's ground floor: schema, boot check, access, sessions, audit.

mod access;
mod audit;
mod boot;
mod isolation;
mod migrations;
mod session;
mod tampering;
