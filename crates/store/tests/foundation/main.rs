//! The foundation: schema, boot check, access, sessions, audit log.

mod access;
mod audit;
mod audit_upgrade;
mod boot;
mod current_schema;
mod hostile_append;
mod isolation;
mod migrations;
mod page;
mod schema_files;
mod session;
mod tampering;
