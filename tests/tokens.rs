//! Sealed tokens: what is sealed is read back, and nothing else is read at all.
#![cfg(feature = "driver")]

use antiphon::machine::*;
use antiphon::types::ProtocolDigest;
use antiphon::wire::seal::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;
use serde_json::Value as Tree;

/// What a stranger is told, whatever is wrong.
const ANSWER: &str = "the token is not valid";

fn key(id: u32) -> Key {
    Key::new(id, [id as u8 ^ 0x5a; 32])
}

fn keys(current: u32, previous: Option<u32>) -> Keys {
    Keys::new(key(current), previous.map(key)).unwrap()
}

fn owner(name: &str) -> Owner {
    Owner::new(name).unwrap()
}

fn receipt(to: Recipient) -> Receipt {
    let (session, id, generation) = (SessionId(7 << 64), ReceiptId(3), Generation(2));
    Receipt { session, id, from: owner("phone"), generation, to, scope: Scope::from_bits(6) }
}

/// One of each purpose, all of them valid before tick 100.
fn each() -> Vec<Token> {
    let resume = Resume {
        session: SessionId(7 << 64),
        owner: owner("phone"),
        generation: Generation(2),
        scope: Scope::from_bits(6),
        serial: 3,
        expires: Tick(100),
    };
    let handoff = Handoff::new(receipt(Recipient::Owner(owner("tablet"))), Tick(100)).unwrap();
    let protocol = ProtocolDigest([9; 32]);
    let invitation = Invitation::new(receipt(Recipient::Bearer), protocol, Tick(100)).unwrap();
    vec![resume.into(), handoff.into(), invitation.into()]
}

/// The reason why a text is refused for every purpose.
#[track_caller]
fn refused(keys: &Keys, text: &str, now: u64) -> Flaw {
    let reasons = Purpose::ALL.map(|purpose| {
        let bad = keys.open(text, purpose, Tick(now)).unwrap_err();
        assert_eq!(bad.to_string(), ANSWER);
        bad.reason()
    });
    assert!(reasons.iter().all(|reason| *reason == reasons[0]), "{reasons:?}");
    reasons[0]
}

/// The HMAC is the one of RFC 2104: the first test of RFC 4231, through the crate that seals.
#[test]
fn the_crate_computes_the_hmac_of_the_rfc() {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[0x0b; 20]).unwrap();
    mac.update(b"Hi There");
    let shown: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(shown, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

fn hex<const N: usize>(text: &Tree) -> [u8; N] {
    let text = text.as_str().unwrap();
    assert_eq!(text.len(), 2 * N);
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

fn described(token: &Tree) -> Token {
    let number = |field: &str| token[field].as_u64().unwrap();
    let named = |field: &str| owner(token[field].as_str().unwrap());
    let session = token["session"].as_str().unwrap().parse().unwrap();
    let bits = u128::from_str_radix(token["scope"].as_str().unwrap(), 16).unwrap();
    let (generation, scope) = (Generation(number("generation")), Scope::from_bits(bits));
    let expires = Tick(number("expires"));
    let receipt = |to| {
        let (id, from) = (ReceiptId(number("receipt")), named("from"));
        Receipt { session, id, from, generation, to, scope }
    };
    match token["purpose"].as_str().unwrap() {
        "resume" => {
            let (owner, serial) = (named("owner"), number("serial"));
            Resume { session, owner, generation, scope, serial, expires }.into()
        }
        "handoff" => Handoff::new(receipt(Recipient::Owner(named("to"))), expires).unwrap().into(),
        "invitation" => {
            let protocol = ProtocolDigest(hex(&token["protocol"]));
            Invitation::new(receipt(Recipient::Bearer), protocol, expires).unwrap().into()
        }
        other => panic!("{other}"),
    }
}

/// Two programs that share a key must understand each other's tokens for ever: the vectors were made
/// by another program, and are compared byte for byte.
#[test]
fn the_vectors_hold() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/vectors/tokens.json");
    let vectors: Tree = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let key = |id: &Tree| {
        let listed = vectors["keys"].as_array().unwrap();
        let found = listed.iter().find(|key| key["id"] == *id).unwrap();
        Key::new(u32::try_from(id.as_u64().unwrap()).unwrap(), hex(&found["secret"]))
    };
    let mut purposes = std::collections::BTreeSet::new();
    for vector in vectors["tokens"].as_array().unwrap() {
        let keys = Keys::new(key(&vector["key"]), None).unwrap();
        let (token, text) = (described(&vector["token"]), vector["text"].as_str().unwrap());
        assert_eq!(keys.seal(&token), text);
        assert!(text.len() <= TOKEN_TEXT_MAX);
        let before = Tick(token.expires().0 - 1);
        assert_eq!(keys.open(text, token.purpose(), before).as_ref(), Ok(&token));
        purposes.insert(token.purpose());
    }
    assert_eq!(purposes.len(), Purpose::ALL.len());
    // The longest token there is, is among them.
    let longest = vectors["tokens"].as_array().unwrap().iter().map(|vector| &vector["text"]);
    assert_eq!(longest.map(|text| text.as_str().unwrap().len()).max(), Some(TOKEN_TEXT_MAX));
}

#[test]
fn a_token_with_one_byte_changed_is_refused() {
    let keys = keys(1, Some(2));
    for token in each() {
        let text = keys.seal(&token);
        for at in 0..text.len() {
            for byte in 0..=127_u8 {
                let mut bytes = text.clone().into_bytes();
                if std::mem::replace(&mut bytes[at], byte) == byte {
                    continue;
                }
                refused(&keys, &String::from_utf8(bytes).unwrap(), 0);
            }
        }
    }
}

/// As above, below the base64: each bit of version, key id, body and seal.
#[test]
fn a_token_with_one_bit_changed_says_why_to_the_log() {
    let keys = keys(1, Some(2));
    for token in each() {
        let bytes = BASE64.decode(keys.seal(&token)).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let id = u32::from_le_bytes(bytes[1..5].try_into().unwrap());
            let expected = match bit / 8 {
                0 => Flaw::UnknownVersion,
                1..5 if ![1, 2].contains(&id) => Flaw::UnknownKey,
                _ => Flaw::Forged,
            };
            assert_eq!(refused(&keys, &BASE64.encode(bytes), 0), expected, "bit {bit}");
        }
    }
}

#[test]
fn a_token_that_is_cut_or_longer_is_refused() {
    let keys = keys(1, None);
    for token in each() {
        let text = keys.seal(&token);
        for length in 0..text.len() {
            refused(&keys, &text[..length], 0);
            refused(&keys, &text[length + 1..], 0);
        }
        for more in ["A", "=", "==", "AA", "AAA", "AAAA", "\n", " "] {
            refused(&keys, &format!("{text}{more}"), 0);
            refused(&keys, &format!("{more}{text}"), 0);
        }
        assert_eq!(refused(&keys, &text.repeat(1_000), 0), Flaw::Malformed);
    }
    for length in (0..2_000).chain([1 << 20]) {
        assert!(matches!(
            refused(&keys, &"A".repeat(length), 0),
            Flaw::Malformed | Flaw::UnknownVersion
        ));
    }
}

#[test]
fn a_token_of_one_purpose_is_taken_for_no_other() {
    let keys = keys(1, None);
    for token in each() {
        let text = keys.seal(&token);
        for purpose in Purpose::ALL {
            let opened = keys.open(&text, purpose, Tick(0));
            match purpose == token.purpose() {
                true => assert_eq!(opened.as_ref(), Ok(&token)),
                false => assert_eq!(opened.unwrap_err().reason(), Flaw::WrongPurpose),
            }
        }
        let opened = [
            keys.open_resume(&text, Tick(0)).map(Token::from),
            keys.open_handoff(&text, Tick(0)).map(Token::from),
            keys.open_invitation(&text, Tick(0)).map(Token::from),
        ];
        for (purpose, opened) in Purpose::ALL.into_iter().zip(opened) {
            assert_eq!(opened.ok(), (purpose == token.purpose()).then(|| token.clone()));
        }
    }
}

/// The receipt of a handoff that anybody could commit would be an invitation.
#[test]
fn a_receipt_is_sealed_for_whom_it_is_for() {
    let named = receipt(Recipient::Owner(owner("tablet")));
    let bearer = receipt(Recipient::Bearer);
    assert_eq!(Handoff::new(bearer, Tick(1)), Err(RecipientError::Bearer));
    let invitation = Invitation::new(named, ProtocolDigest([0; 32]), Tick(1));
    assert_eq!(invitation, Err(RecipientError::Owner));
}

#[test]
fn keys_rotate_and_old_ones_are_forgotten() {
    let [first, second, third] = [keys(1, None), keys(2, Some(1)), keys(3, Some(2))];
    for token in each() {
        let opens = |keys: &Keys, text: &str| keys.open(text, token.purpose(), Tick(0));
        let text = first.seal(&token);
        assert_eq!(opens(&first, &text).as_ref(), Ok(&token));
        assert_eq!(opens(&second, &text).as_ref(), Ok(&token));
        assert_eq!(refused(&third, &text, 0), Flaw::UnknownKey);
        // The current key seals, and who does not know it yet refuses.
        let text = second.seal(&token);
        assert_eq!(opens(&second, &text).as_ref(), Ok(&token));
        assert_eq!(opens(&third, &text).as_ref(), Ok(&token));
        assert_eq!(refused(&first, &text, 0), Flaw::UnknownKey);
        // The id is only a name.
        let other = Keys::new(Key::new(1, [1; 32]), None).unwrap();
        assert_eq!(refused(&other, &first.seal(&token), 0), Flaw::Forged);
    }
    assert_eq!(Keys::new(key(1), Some(key(1))).unwrap_err(), KeysError(1));
}

/// A key that is not there must not be one that everybody knows.
#[test]
fn what_is_sealed_under_zeros_is_refused() {
    let zeros = Keys::new(Key::new(0, [0; 32]), None).unwrap();
    for token in each() {
        assert_eq!(refused(&keys(1, None), &zeros.seal(&token), 0), Flaw::UnknownKey);
    }
}

#[test]
fn a_token_ends_at_its_tick() {
    let keys = keys(1, None);
    for token in each() {
        let text = keys.seal(&token);
        let at = |now| keys.open(&text, token.purpose(), Tick(now)).map_err(BadToken::reason);
        assert!(at(0).is_ok() && at(99).is_ok());
        for now in [100, 101, u64::MAX] {
            assert_eq!(at(now), Err(Flaw::Expired));
        }
    }
}

#[test]
fn a_secret_is_not_shown() {
    let keys = Keys::new(Key::new(7, [0xab; 32]), Some(Key::new(8, [0xcd; 32]))).unwrap();
    let shown = format!("{keys:?}").to_lowercase();
    for secret in ["ab", "171", "cd", "205"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("id: 7") && shown.contains("id: 8"));
}

#[test]
fn a_resume_token_presents_what_was_presented() {
    let session = SessionId(4);
    let (generation, scope) = (Generation(5), Scope::LIFECYCLE);
    let presented =
        Presented { session, owner: owner("a"), generation, scope, hint: 12, over: None };
    let resume = Resume::of(&presented, 1, Tick(2));
    assert_eq!(resume.presented(), Presented { hint: u32::MAX, ..presented });
}

fn owners() -> impl Strategy<Value = Owner> {
    prop_oneof!["[a-z]{1,9}", "\\PC{1,60}", Just("é".repeat(127)), Just("x".repeat(255))]
        .prop_map(|name| owner(&name))
}

fn tokens() -> impl Strategy<Value = Token> {
    let numbers = (any::<u128>(), any::<u64>(), any::<u128>(), any::<u64>(), 1..=u64::MAX);
    (numbers, owners(), owners(), any::<[u8; 32]>(), 0..3_u8).prop_map(
        |((session, generation, scope, number, expires), from, to, protocol, purpose)| {
            let (session, generation) = (SessionId(session), Generation(generation));
            let (scope, expires) = (Scope::from_bits(scope), Tick(expires));
            let receipt =
                |from, to| Receipt { session, id: ReceiptId(number), from, generation, to, scope };
            match purpose {
                0 => {
                    let (owner, serial) = (from, number);
                    Resume { session, owner, generation, scope, serial, expires }.into()
                }
                1 => Handoff::new(receipt(from, Recipient::Owner(to)), expires).unwrap().into(),
                _ => {
                    let receipt = receipt(from, Recipient::Bearer);
                    Invitation::new(receipt, ProtocolDigest(protocol), expires).unwrap().into()
                }
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_sealed_is_read_back(token in tokens(), now in any::<u64>()) {
        let keys = keys(1, Some(2));
        let text = keys.seal(&token);
        prop_assert!(text.len() <= TOKEN_TEXT_MAX);
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(keys.open(&text, token.purpose(), Tick(0)), Ok(token.clone()));
        let opened = keys.open(&text, token.purpose(), Tick(now));
        prop_assert_eq!(opened.is_ok(), now < token.expires().0);
    }

    #[test]
    fn different_tokens_have_different_texts(one in tokens(), other in tokens()) {
        let keys = keys(1, None);
        prop_assert_eq!(keys.seal(&one) == keys.seal(&other), one == other);
    }

    #[test]
    fn hostile_text_is_refused(text in prop_oneof!["\\PC{0,300}", "[A-Za-z0-9_-]{0,900}"]) {
        refused(&keys(1, Some(2)), &text, 0);
    }

    /// The right version and key, and anything behind it.
    #[test]
    fn hostile_bytes_are_refused(body in proptest::collection::vec(any::<u8>(), 0..700)) {
        let bytes = [vec![1, 1, 0, 0, 0], body].concat();
        refused(&keys(1, Some(2)), &BASE64.encode(bytes), 0);
    }
}
