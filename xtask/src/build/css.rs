//! Bundles `style/main.css` and its imports into one minified style sheet.

use anyhow::{Result, anyhow};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::printer::PrinterOptions;
use lightningcss::stylesheet::{MinifyOptions, ParserOptions};
use std::fmt::Display;
use std::path::Path;

/// Bundles the imports with their layers and minifies. Does not down-level
/// nesting, `oklch` and `light-dark`, which all current browsers support.
pub(crate) fn bundle(entry: &Path) -> Result<String> {
    let failed = |error: &dyn Display| anyhow!("{} cannot be bundled: {error}", entry.display());
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler.bundle(entry).map_err(|error| failed(&error))?;
    sheet
        .minify(MinifyOptions::default())
        .map_err(|error| failed(&error))?;
    let options = PrinterOptions {
        minify: true,
        ..PrinterOptions::default()
    };
    Ok(sheet.to_css(options).map_err(|error| failed(&error))?.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn bundle_keeps_layers_and_modern_syntax() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join("main.css");
        fs::write(
            &entry,
            "@layer first, base;\n@import './base.css' layer(base);\n",
        )
        .unwrap();
        fs::write(
            folder.path().join("base.css"),
            ":root { color-scheme: light dark; --ink: light-dark(oklch(20% 0 0), white) }\n\
             a { color: var(--ink); &:hover { text-decoration: underline } }\n",
        )
        .unwrap();
        let css = bundle(&entry).unwrap();
        assert!(css.starts_with("@layer first;@layer base{:root{"), "{css}");
        assert!(css.contains("light-dark(oklch(20% 0 0),#fff)"), "{css}");
        assert!(css.contains("&:hover{"), "{css}");
    }

    #[test]
    fn syntax_error_is_reported_with_its_location() {
        let folder = tempfile::tempdir().unwrap();
        let entry = folder.path().join("main.css");
        fs::write(&entry, "a {\n  color: red;\n}}\n").unwrap();
        let message = bundle(&entry).unwrap_err().to_string();
        assert!(message.contains("main.css:3:1"), "{message}");
    }
}
