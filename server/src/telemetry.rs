//! The log: structured, with the request's id in every line of a request.

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{ConfigError, Log, LogFormat};

/// Starts logging to standard error for the rest of the process.
///
/// # Errors
/// When the filter doesn't parse.
pub(crate) fn start(log: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::builder()
        .parse(&log.filter)
        .map_err(|error| ConfigError::new(format!("log.filter: {error}.")))?;
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match log.format {
        LogFormat::Text => registry.with(layer).init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
    Ok(())
}
