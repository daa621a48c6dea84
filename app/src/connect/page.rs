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
            title="Connect an AI client"
            lead="Your assistant finds and keeps memories as you: it sees what you see, and only while its key works."
        >
            <a class="button button-primary" href="/keys/new?purpose=client">
                <Glyph icon=Icon::Key />
                "New key"
            </a>
        </PageHead>
        <section class="section" aria-labelledby="address">
            <h2 id="address">"Address"</h2>
            <p>
                "Any client of the Model Context Protocol that speaks streamable HTTP and can send a header connects here, with "
                <code>"Authorization: Bearer …"</code> " and a key of yours:"
            </p>
            <CopyLine text=address.clone() what="address" />
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>
                    "Make a key for each client and allow it " <code>"memory.read"</code> ", and " <code>"memory.write"</code>
                    " if it may keep memories. The page that shows a new key has these texts with the key in them; here, put it in the place of YOUR_KEY."
                </span>
            </p>
        </section>
        <Setups address=address />
    }
}
