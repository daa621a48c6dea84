use std::panic::catch_unwind;

use signed_note::{StandardVerifier, VerifierList};

use super::*;

/// The example of Go's `golang.org/x/mod/sumdb/note`, on which the
/// specification is based.
const EXAMPLE_SEED: &str = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
const EXAMPLE_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const EXAMPLE: &str = "If you think cryptography is the answer to your problem,\n\
     then you don't know what your problem is.\n\n\
     \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn example_key() -> NoteKey {
    let seed = BASE64_STANDARD.decode(EXAMPLE_SEED).unwrap();
    NoteKey::new("PeterNeumann", &Zeroizing::new(seed.try_into().unwrap())).unwrap()
}

fn key(name: &str, seed: u8) -> NoteKey {
    NoteKey::new(name, &Zeroizing::new([seed; 32])).unwrap()
}

#[test]
fn go_example_round_trips() {
    let (text, _) = EXAMPLE.rsplit_once("\n\n").unwrap();
    assert_eq!(example_key().sign(&format!("{text}\n")).unwrap(), EXAMPLE);
    let verifier: NoteVerifier = EXAMPLE_KEY.parse().unwrap();
    assert_eq!(verifier, example_key().verifier());
    assert_eq!(verifier.to_string(), EXAMPLE_KEY);
    assert_eq!(verifier.verify(&EXAMPLE.parse().unwrap()), Ok(()));
}

#[test]
fn notes_are_compatible_with_signed_note_crate() {
    for seed in 1..20_u8 {
        let key = key("atrium.example/audit/1", seed);
        let text = format!(
            "atrium.example/audit/1\n{seed}\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        );
        let ours = key.sign(&text).unwrap();
        let vkey = key.verifier().to_string();
        let theirs = signed_note::Note::from_bytes(ours.as_bytes()).unwrap();
        let verifier = StandardVerifier::new(&vkey).unwrap();
        let (accepted, _) = theirs
            .verify(&VerifierList::new(vec![Box::new(verifier)]))
            .unwrap();
        assert_eq!(accepted.len(), 1);
        assert_eq!(theirs.to_bytes(), ours.as_bytes());

        let seed = BASE64_STANDARD.encode([&[ED25519][..], &[seed; 32]].concat());
        let id = key.verifier().id();
        let skey = format!("PRIVATE+KEY+atrium.example/audit/1+{id}+{seed}");
        let signer = signed_note::StandardSigner::new(&skey).unwrap();
        let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        note.add_sigs(&[&signer]).unwrap();
        let theirs = String::from_utf8(note.to_bytes()).unwrap();
        assert_eq!(theirs, ours);
        assert_eq!(key.verifier().verify(&theirs.parse().unwrap()), Ok(()));
    }
}

#[test]
fn any_changed_byte_fails_verification() {
    let key = key("atrium.example/audit/1", 7);
    let note = key.sign("atrium.example/audit/1\n1\nroot\n").unwrap();
    let verifier = key.verifier();
    for index in 0..note.len() {
        for flip in [1, 32] {
            let mut bytes = note.clone().into_bytes();
            bytes[index] ^= flip;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            let outcome = changed.parse().map(|note| verifier.verify(&note));
            assert_ne!(outcome, Ok(Ok(())), "byte {index}: {changed:?}");
        }
    }
}

#[test]
fn signatures_are_matched_by_name_and_key_id() {
    let (ours, other) = (key("a", 1), key("a", 2));
    let signed = |key: &NoteKey| key.sign("text\n").unwrap().parse::<Note>().unwrap();
    let id = ours.verifier().id();
    assert_eq!(
        ours.verifier().verify(&signed(&other)),
        Err(NoteError::Unsigned(id))
    );
    assert_eq!(signed(&other).signatures[0].key, other.verifier().id());
    let renamed = ours.verifier().renamed("b").unwrap();
    assert_ne!(renamed.id(), id);
    assert_eq!(renamed.verify(&signed(&key("b", 1))), Ok(()));

    // A signature of another key with the same id proves nothing.
    let mut forged = signed(&other);
    forged.signatures[0].key = id;
    assert_eq!(ours.verifier().verify(&forged), Err(NoteError::Forged(id)));
    // A signature of another key next to ours is ignored.
    let mut cosigned = signed(&ours);
    cosigned.signatures.extend(signed(&other).signatures);
    assert_eq!(ours.verifier().verify(&cosigned), Ok(()));
    // A signature that claims to be ours but does not verify is an error, even
    // next to a good one.
    cosigned.signatures.extend(forged.signatures);
    assert_eq!(
        ours.verifier().verify(&cosigned),
        Err(NoteError::Forged(id))
    );
}

#[test]
fn malformed_notes_and_keys_are_rejected() {
    let good = EXAMPLE;
    let cases = [
        String::new(),
        "\n".to_owned(),
        "\n\n".to_owned(),
        "\n\n\n".to_owned(),
        good.trim_end().to_owned(),
        good.replace("\n\n", "\n"),
        good.replace('\u{2014}', "-"),
        good.replace("x08g", "x08!"),
        good.replace("PeterNeumann ", " "),
        good.replace("PeterNeumann ", "Peter+Neumann "),
        good.replace("PeterNeumann ", "Peter\u{a0}Neumann "),
        good.replace("think", "thi\tnk"),
        good.replace("think", "thi\rnk"),
        format!("{good}\n"),
        format!(
            "text\n\n{}",
            "\u{2014} a AAAAAAA=\n".repeat(MAX_SIGNATURES + 1)
        ),
        "text\n\n\u{2014} a AAAA\n".to_owned(),
        "text\n\n\u{2014} a AAAAAA==\n".to_owned(),
    ];
    for case in &cases {
        assert!(case.parse::<Note>().is_err(), "{case:?}");
        catch_unwind(|| Note::in_file(case)).unwrap();
    }
    for case in [
        "",
        "+",
        "++",
        "a+b",
        "a+b+c",
        &EXAMPLE_KEY.replace("c74f", "c740"),
        &EXAMPLE_KEY.replace("+ARpc", "+AhpC"),
        &EXAMPLE_KEY.replace("PeterNeumann", ""),
        &EXAMPLE_KEY.replace("TW", ""),
    ] {
        assert_eq!(case.parse::<NoteVerifier>(), Err(NoteError::Key), "{case}");
    }
    assert!(NoteKey::new("a b", &Zeroizing::new([1; 32])).is_err());
    assert!(key("a", 1).sign("no newline").is_err());
}

#[test]
fn notes_are_split_regardless_of_gaps() {
    let key = key("a", 1);
    let notes: Vec<String> = (0..4)
        .map(|n| key.sign(&format!("a\n{n}\nx\n")).unwrap())
        .collect();
    for gap in ["", "\n", "\n\n\n"] {
        let file = notes.join(gap);
        for file in [file.clone(), format!("\n{file}{gap}")] {
            let found = Note::in_file(&file);
            assert_eq!(found.len(), 4, "{file:?}");
            for (n, note) in found.into_iter().enumerate() {
                let note = note.unwrap();
                assert_eq!(note.text, format!("a\n{n}\nx\n"));
                assert_eq!(key.verifier().verify(&note), Ok(()));
            }
        }
    }
    assert!(Note::in_file("").is_empty() && Note::in_file("\n\n").is_empty());
}

/// A note cut off while it was written makes only itself unreadable, because
/// the next one begins with an empty line.
#[test]
fn torn_note_spoils_only_itself() {
    let key = key("a", 1);
    let [first, torn, last] =
        ["a\n1\nx\n", "a\n2\nx\n", "a\n3\nx\n"].map(|text| key.sign(text).unwrap());
    for cut in (1..torn.len() - 1).filter(|cut| torn.is_char_boundary(*cut)) {
        let file = format!("{first}\n{}\n\n{last}", &torn[..cut]);
        let good: Vec<_> = Note::in_file(&file)
            .into_iter()
            .filter_map(Result::ok)
            .filter(|note| key.verifier().verify(note) == Ok(()))
            .map(|note| note.text)
            .collect();
        assert_eq!(good, ["a\n1\nx\n", "a\n3\nx\n"], "cut at {cut}: {file:?}");
    }
}
