//! The program `atrium`.

use std::process::ExitCode;

/// Pages are rendered from many small allocations, on several threads.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    server::cli::run().await
}
