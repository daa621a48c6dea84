//! Benchmarks for listing and searching memories: 200 organisations of very
//! different sizes in one database.

mod data;
mod list;
mod meaning;
mod rest;
mod server;
mod speed;
mod world;

use crate::{SearchArguments, SearchTable};
use anyhow::Result;

/// Writes the data if it is missing, measures, and prints the tables.
pub(crate) async fn search(arguments: &SearchArguments) -> Result<()> {
    let server = server::Server::start(arguments).await?;
    let world = data::ensure(&server, arguments).await?;
    println!(
        "{} memories in {} organisations, the largest of {}",
        world
            .tenants
            .iter()
            .map(|tenant| tenant.rows)
            .sum::<usize>(),
        world.tenants.len(),
        world.tenants[0].rows
    );
    let is_selected = |table| arguments.only.is_empty() || arguments.only.contains(&table);
    if is_selected(SearchTable::RowSecurity) {
        meaning::row_security(&server, &world, arguments).await?;
    }
    if is_selected(SearchTable::Recall) {
        meaning::recall(&server, &world, arguments).await?;
    }
    if is_selected(SearchTable::Speed) {
        speed::hybrid(&server, &world, arguments).await?;
    }
    if is_selected(SearchTable::List) {
        list::depth(&server, &world).await?;
    }
    if is_selected(SearchTable::Rest) {
        rest::question(&server, &world, arguments).await?;
    }
    server.stop().await;
    Ok(())
}
