//! Configuration texts for AI clients.

use leptos::prelude::*;

use crate::ui::CopyBlock;

/// Shown in place of the key if it is not known.
const PLACEHOLDER: &str = "YOUR_KEY";

/// The setup of one client.
struct Setup {
    client: &'static str,
    /// The place to paste the text into, as a sentence.
    place: &'static str,
    text: String,
    note: &'static str,
}

#[expect(clippy::too_many_lines, reason = "the texts are long")]
fn setups(address: &str, key: &str) -> [Setup; 5] {
    // mcp-remote rejects plain HTTP without this flag.
    let http = if address.starts_with("http://") {
        "\n        \"--allow-http\","
    } else {
        ""
    };
    [
        Setup {
            client: "Claude Code",
            place: "Run this once in a terminal:",
            text: format!(
                "claude mcp add --transport http --scope user atrium {address} \\\n  --header \"Authorization: Bearer {key}\""
            ),
            note: "Then “/mcp” inside Claude Code shows it as connected.",
        },
        Setup {
            client: "Claude Desktop",
            place: "Settings → Developer → Edit config, which opens claude_desktop_config.json:",
            text: format!(
                r#"{{
  "mcpServers": {{
    "atrium": {{
      "command": "npx",
      "args": [
        "-y",
        "mcp-remote",
        "{address}",{http}
        "--header",
        "Authorization:${{ATRIUM_AUTH}}"
      ],
      "env": {{
        "ATRIUM_AUTH": "Bearer {key}"
      }}
    }}
  }}
}}"#
            ),
            note: "Claude Desktop can't send a header itself, so the bridge mcp-remote does; it needs Node.js. \
                   Restart Claude Desktop afterwards.",
        },
        Setup {
            client: "Cursor",
            place: "In ~/.cursor/mcp.json for all projects, or .cursor/mcp.json for one:",
            text: format!(
                r#"{{
  "mcpServers": {{
    "atrium": {{
      "url": "{address}",
      "headers": {{
        "Authorization": "Bearer {key}"
      }}
    }}
  }}
}}"#
            ),
            note: "Don’t put the key in a shared file. Use ${env:ATRIUM_KEY} instead and set that variable before you \
                   start Cursor.",
        },
        Setup {
            client: "VS Code",
            place: "In .vscode/mcp.json of a folder, or with the command “MCP: Open User Configuration”:",
            text: format!(
                r#"{{
  "inputs": [
    {{
      "type": "promptString",
      "id": "atrium-key",
      "description": "Atrium API key",
      "password": true
    }}
  ],
  "servers": {{
    "atrium": {{
      "type": "http",
      "url": "{address}",
      "headers": {{
        "Authorization": "Bearer ${{input:atrium-key}}"
      }}
    }}
  }}
}}"#
            ),
            note: "VS Code asks for the key on first connection and stores it, so the file can be shared.",
        },
        Setup {
            client: "ChatGPT and OpenAI’s API",
            place: "As one of the tools of a request to OpenAI’s Responses API:",
            text: format!(
                r#"{{
  "type": "mcp",
  "server_label": "atrium",
  "server_url": "{address}",
  "headers": {{
    "Authorization": "Bearer {key}"
  }},
  "require_approval": "always"
}}"#
            ),
            note: "OpenAI has to reach this address over the internet. Connectors inside ChatGPT sign in by OAuth and \
                   can't send a key, so they can't be connected here yet; the tools search and fetch that they \
                   expect are there.",
        },
    ]
}

/// The setup of each client, with a placeholder if there is no key.
#[expect(
    clippy::needless_pass_by_value,
    reason = "components own what they show"
)]
#[component]
pub(crate) fn Setups(
    /// URL of the MCP endpoint.
    address: String,
    /// Set only on the page that shows a new key.
    #[prop(optional, into)]
    key: Option<String>,
) -> impl IntoView {
    let key = key.as_deref().unwrap_or(PLACEHOLDER);
    setups(&address, key)
        .into_iter()
        .map(|setup| {
            let id = setup.client.to_lowercase().replace([' ', '’'], "-");
            view! {
                <section class="section" aria-labelledby=id.clone()>
                    <h2 id=id.clone()>{setup.client}</h2>
                    <p>{setup.place}</p>
                    <CopyBlock text=setup.text what=setup.client />
                    <p class="muted">{setup.note}</p>
                </section>
            }
        })
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setups_contain_the_address_and_no_placeholder() {
        for address in ["https://atrium.example/mcp", "http://127.0.0.1:3000/mcp"] {
            for setup in setups(address, "atr_1") {
                assert!(setup.text.contains(address), "{}", setup.client);
                assert!(!setup.text.contains(PLACEHOLDER), "{}", setup.client);
                // VS Code prompts for the key.
                let has_key = setup.text.contains("Bearer atr_1");
                assert_eq!(has_key, setup.client != "VS Code", "{}", setup.client);
            }
            let bridge = &setups(address, "x")[1].text;
            let is_plain = address.starts_with("http://");
            assert_eq!(bridge.contains("--allow-http"), is_plain);
        }
    }

    #[test]
    fn files_are_json() {
        for setup in setups("http://127.0.0.1:3000/mcp", "atr_1") {
            if setup.text.starts_with('{') {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&setup.text);
                assert!(parsed.is_ok(), "{}: {parsed:?}", setup.client);
            }
        }
    }
}
