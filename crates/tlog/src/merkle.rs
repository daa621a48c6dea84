//! The Merkle tree of RFC 6962, stored as its right edge, which is enough to
//! append and to compute the root: at most 64 hashes for any size.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

const LEAF_PREFIX: [u8; 1] = [0];
const NODE_PREFIX: [u8; 1] = [1];

pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new()
        .chain_update(LEAF_PREFIX)
        .chain_update(data)
        .finalize()
        .into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update(NODE_PREFIX)
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// The number of leaves.
    pub size: u64,
    pub root: Hash,
}

/// The roots of the perfect subtrees of a tree, largest first: one for each one
/// bit of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    roots: Vec<Hash>,
}

impl Edge {
    /// `None` if the number of roots does not match `size`.
    pub fn new(size: u64, roots: Vec<Hash>) -> Option<Self> {
        let expected = size.count_ones();
        (usize::try_from(expected) == Ok(roots.len())).then_some(Self { size, roots })
    }

    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Each trailing one bit is a subtree as large as the node so far.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// The root of the empty tree is the hash of the empty string.
    pub fn head(&self) -> TreeHead {
        let root = self
            .roots
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(|| Sha256::digest([]).into());
        TreeHead {
            size: self.size,
            root,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursive definition of RFC 6962, section 2.1.
    fn root_by_definition(leaves: &[&[u8]]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [only] => leaf_hash(only),
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(
                    &root_by_definition(&leaves[..split]),
                    &root_by_definition(&leaves[split..]),
                )
            }
        }
    }

    fn hex(hash: Hash) -> String {
        hash.iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    #[test]
    fn roots_match_certificate_transparency_test_vectors() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut edge = Edge::default();
        assert_eq!(
            hex(edge.head().root),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in leaves.iter().zip(roots) {
            edge.push(leaf_hash(leaf));
            assert_eq!(hex(edge.head().root), root, "size {}", edge.size());
        }
    }

    #[test]
    fn root_matches_recursive_definition_at_every_size() {
        let leaves: Vec<Vec<u8>> = (0_u32..300).map(|n| n.to_be_bytes().to_vec()).collect();
        let mut edge = Edge::default();
        for size in 1..=leaves.len() {
            edge.push(leaf_hash(&leaves[size - 1]));
            let data: Vec<&[u8]> = leaves[..size].iter().map(Vec::as_slice).collect();
            assert_eq!(edge.head().root, root_by_definition(&data), "size {size}");
            let again = Edge::new(edge.size(), edge.roots().to_vec());
            assert_eq!(again.as_ref(), Some(&edge));
        }
    }

    #[test]
    fn wrong_number_of_roots_is_rejected() {
        assert!(Edge::new(0, Vec::new()).is_some());
        assert!(Edge::new(5, vec![[0; 32]; 2]).is_some());
        for (size, roots) in [(0, 1), (5, 1), (5, 3), (8, 2), (u64::MAX, 63)] {
            assert_eq!(Edge::new(size, vec![[0; 32]; roots]), None);
        }
    }
}
