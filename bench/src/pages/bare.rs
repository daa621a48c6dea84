//! A handler that answers every request with the same bytes: the most that
//! this machine's HTTP stack can do for a page of that size.

use anyhow::Result;
use axum::{Router, body::Bytes, http::header, routing::get};
use clap::Parser;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// Answer every request with the same bytes
#[derive(Debug, Parser)]
pub(crate) struct BareArguments {
    /// The file to answer with
    #[arg(long)]
    file: PathBuf,
    /// Value of `Content-Encoding`
    #[arg(long, default_value = "identity")]
    encoding: String,
    #[arg(long)]
    port: u16,
}

pub(crate) async fn bare(arguments: &BareArguments) -> Result<()> {
    let body = Bytes::from(std::fs::read(&arguments.file)?);
    let encoding = arguments.encoding.clone();
    let handler = move || async move {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_ENCODING, encoding),
        ];
        (headers, body)
    };
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    axum::serve(listener, Router::new().route("/", get(handler))).await?;
    Ok(())
}
