//! Lists and searches of memories: 200 organisations of very different sizes
//! in one database.

mod data;
mod list;
mod meaning;
mod rest;
mod server;
mod speed;
mod world;

use crate::{SearchArguments, SearchTable};
use anyhow::Result;

/// Makes the data where it is missing, measures, prints.
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
    let wanted = |table| arguments.only.is_empty() || arguments.only.contains(&table);
    if wanted(SearchTable::RowSecurity) {
        meaning::row_security(&server, &world, arguments).await?;
    }
    if wanted(SearchTable::Recall) {
        meaning::recall(&server, &world, arguments).await?;
    }
    if wanted(SearchTable::Speed) {
        speed::hybrid(&server, &world, arguments).await?;
    }
    if wanted(SearchTable::List) {
        list::depth(&server, &world).await?;
    }
    if wanted(SearchTable::Rest) {
        rest::question(&server, &world, arguments).await?;
    }
    server.stop().await;
    Ok(())
}
