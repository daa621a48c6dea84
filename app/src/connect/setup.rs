//! Configuration texts for AI clients.

use domain::Vendor;
use leptos::prelude::*;

use crate::ui::CopyBlock;

/// Shown in place of the key if it is not known.
const PLACEHOLDER: &str = "YOUR_KEY";

/// A client that Atrium has instructions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    VsCode,
    OpenAi,
}

impl Client {
    pub(super) const ALL: [Self; 5] = [
        Self::ClaudeCode,
        Self::ClaudeDesktop,
        Self::Cursor,
        Self::VsCode,
        Self::OpenAi,
    ];

    /// Its name in forms and in the ids of a page.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::VsCode => "vs-code",
            Self::OpenAi => "chatgpt",
        }
    }

    pub(super) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.key() == key)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::OpenAi => "ChatGPT and OpenAI’s API",
        }
    }

    /// The vendor of a key for the client.
    pub(super) const fn vendor(self) -> Vendor {
        match self {
            Self::ClaudeCode | Self::ClaudeDesktop => Vendor::Claude,
            Self::Cursor => Vendor::Cursor,
            Self::VsCode => Vendor::Copilot,
            Self::OpenAi => Vendor::Chatgpt,
        }
    }

    /// The place to paste the text into, as a sentence.
    const fn place(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Run this once in a terminal:",
            Self::ClaudeDesktop => {
                "Settings → Developer → Edit config, which opens claude_desktop_config.json:"
            }
            Self::Cursor => "In ~/.cursor/mcp.json for all projects, or .cursor/mcp.json for one:",
            Self::VsCode => {
                "In .vscode/mcp.json of a folder, or with the command “MCP: Open User Configuration”:"
            }
            Self::OpenAi => "As one of the tools of a request to OpenAI’s Responses API:",
        }
    }

    const fn note(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Then “/mcp” inside Claude Code shows it as connected.",
            Self::ClaudeDesktop => {
                "Claude Desktop can't send a header itself, so the bridge mcp-remote does; it needs Node.js. \
                 Restart Claude Desktop afterwards."
            }
            Self::Cursor => {
                "Don’t put the key in a shared file. Use ${env:ATRIUM_KEY} instead and set that variable before you \
                 start Cursor."
            }
            Self::VsCode => {
                "VS Code asks for the key on first connection and stores it, so the file can be shared."
            }
            Self::OpenAi => {
                "OpenAI has to reach this address over the internet. Connectors inside ChatGPT sign in by OAuth and \
                 can't send a key, so they can't be connected here yet; the tools search and fetch that they \
                 expect are there."
            }
        }
    }

    /// The command or configuration, which has `key` in it unless the client
    /// asks for it.
    fn text(self, address: &str, key: &str) -> String {
        match self {
            Self::ClaudeCode => format!(
                "claude mcp add --transport http --scope user atrium {address} \\\n  --header \"Authorization: Bearer {key}\""
            ),
            Self::ClaudeDesktop => claude_desktop(address, key),
            Self::Cursor => format!(
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
            Self::VsCode => format!(
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
            Self::OpenAi => format!(
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
        }
    }
}

fn claude_desktop(address: &str, key: &str) -> String {
    // mcp-remote rejects plain HTTP without this flag.
    let http = if address.starts_with("http://") {
        "\n        \"--allow-http\","
    } else {
        ""
    };
    format!(
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
    )
}

/// The setup of one client.
#[expect(
    clippy::needless_pass_by_value,
    reason = "components own what they show"
)]
#[component]
pub(super) fn Setup(
    client: Client,
    /// URL of the MCP endpoint.
    #[prop(into)]
    address: String,
    #[prop(into)] key: String,
) -> impl IntoView {
    let id = client.key();
    let text = client.text(&address, &key);
    view! {
        <section class="section" aria-labelledby=id>
            <h2 id=id>{client.name()}</h2>
            <p>{client.place()}</p>
            <CopyBlock text=text what=client.name() />
            <p class="muted">{client.note()}</p>
        </section>
    }
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
    Client::ALL
        .into_iter()
        .map(|client| view! { <Setup client=client address=address.as_str() key=key /> })
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setups_contain_the_address_and_no_placeholder() {
        for address in ["https://atrium.example/mcp", "http://127.0.0.1:3000/mcp"] {
            for client in Client::ALL {
                let text = client.text(address, "atr_1");
                assert!(text.contains(address), "{client:?}");
                assert!(!text.contains(PLACEHOLDER), "{client:?}");
                // VS Code prompts for the key.
                let has_key = text.contains("Bearer atr_1");
                assert_eq!(has_key, client != Client::VsCode, "{client:?}");
            }
            let bridge = Client::ClaudeDesktop.text(address, "x");
            let is_plain = address.starts_with("http://");
            assert_eq!(bridge.contains("--allow-http"), is_plain);
        }
    }

    #[test]
    fn files_are_json() {
        for client in Client::ALL {
            let text = client.text("http://127.0.0.1:3000/mcp", "atr_1");
            if text.starts_with('{') {
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
                assert!(parsed.is_ok(), "{client:?}: {parsed:?}");
            }
        }
    }

    #[test]
    fn clients_are_found_by_their_key() {
        for client in Client::ALL {
            assert_eq!(Client::from_key(client.key()), Some(client));
        }
        assert_eq!(Client::from_key(""), None);
    }
}
