//! The setup page: address, key, and the configuration of each client.

use leptos::prelude::*;

use super::{api::connect_get, setup::Setups};
use crate::ui::{CopyLine, Glyph, Icon, PageHead, load_page};

/// The page at `/connect`.
#[component]
pub(crate) fn ConnectPage() -> impl IntoView {
    let address = connect_get();
    load_page(address, show)
}

fn show(address: String) -> impl IntoView {
    view! {
        <PageHead
            title="Connect AI clients"
            lead="Let AI clients read and write memories with your access."
        >
            <a class="button button-primary" href="/keys/new?purpose=client">
                <Glyph icon=Icon::Key />
                "New key"
            </a>
        </PageHead>
        <section class="section" aria-labelledby="address">
            <h2 id="address">"Address"</h2>
            <p>
                "Connect any MCP client that supports streamable HTTP and custom headers to this address, with "
                <code>"Authorization: Bearer …"</code> " and one of your API keys:"
            </p>
            <CopyLine text=address.clone() what="address" />
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>
                    "Create a key for each client with " <code>"memory.read"</code> ", and " <code>"memory.write"</code>
                    " if it should save memories. Replace YOUR_KEY with your key."
                </span>
            </p>
        </section>
        <Setups address=address />
    }
}
