//! Precompressed copies of files, so that the server need not compress them.

use anyhow::Result;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Extensions of files worth compressing; images and fonts already are.
const COMPRESSIBLE: [&str; 8] = [
    "css",
    "html",
    "js",
    "json",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
];

/// True if a file of this name is worth compressing.
pub(crate) fn is_compressible(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| COMPRESSIBLE.contains(&extension))
}

/// Path of the compressed copy beside the original: `a.js` and `a.js.br`.
pub(crate) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Compresses with brotli: best quality for a release, otherwise fast.
pub(crate) fn brotli(content: &[u8], release: bool) -> Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: if release { 11 } else { 3 },
        lgwin: 22,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut output = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut output, &parameters)?;
    Ok(output)
}

/// Compresses with gzip: best quality for a release, otherwise fast.
pub(crate) fn gzip(content: &[u8], release: bool) -> Result<Vec<u8>> {
    let level = if release {
        Compression::best()
    } else {
        Compression::fast()
    };
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn both_encodings_round_trip() {
        let content = "the same again and again ".repeat(100);
        for release in [false, true] {
            let mut text = String::new();
            let packed = gzip(content.as_bytes(), release).unwrap();
            flate2::read::GzDecoder::new(&*packed)
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, content);
            let mut unpacked = Vec::new();
            let packed = brotli(content.as_bytes(), release).unwrap();
            brotli::BrotliDecompress(&mut &*packed, &mut unpacked).unwrap();
            assert_eq!(unpacked, content.as_bytes());
        }
    }

    #[test]
    fn sibling_appends_an_extension() {
        assert_eq!(
            sibling(Path::new("pkg/a.js"), "br"),
            Path::new("pkg/a.js.br")
        );
        assert!(is_compressible(Path::new("a.svg")) && !is_compressible(Path::new("a.woff2")));
    }
}
