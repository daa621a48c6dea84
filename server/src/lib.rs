//! The server: configuration, command line, routes, sign-in, background jobs
//! and the embedded Postgres, around the use cases of `service` and the pages
//! of `app`.

pub mod assets;
pub mod auth;
pub mod boot;
pub mod cli;
pub mod config;
pub mod database;
pub mod demo;
mod download;
pub mod failure;
pub mod health;
pub mod http;
mod list_download;
pub mod listener;
pub mod live;
pub mod mcp;
pub mod rest;
pub mod routes;
mod secret_file;
mod telemetry;
mod upload;
