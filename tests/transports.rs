//! Connections in memory, and what wear does to them.
#![cfg(feature = "driver")]

use std::time::Duration;

use antiphon::transport::memory::FRAMES_MAX;
use antiphon::transport::{Chaos, Transport, Wear, memory};
use bytes::Bytes;

const MOST: usize = 1 << 20;

/// TRAN-1, TRAN-2: frames as they were sent, and an end.
#[tokio::test]
async fn frames_arrive_whole_and_in_order_until_the_other_end_closes() {
    let (mut a, mut b) = memory(true);
    assert!(a.is_text() && b.is_text());
    for text in ["to", "be", ""] {
        a.send(Bytes::from(text)).await.unwrap();
    }
    a.close().await;
    for text in ["to", "be", ""] {
        assert_eq!(b.receive(MOST).await.unwrap().unwrap(), text);
    }
    assert_eq!(b.receive(MOST).await.unwrap(), None);
    assert!(a.send(Bytes::new()).await.is_err());
    let (mut a, mut b) = memory(false);
    a.send(Bytes::from(vec![0; 11])).await.unwrap();
    let error = b.receive(10).await.unwrap_err();
    assert_eq!(error.to_string(), "a frame of 11 bytes; at most 10 are read");
}

/// TRAN-3: who sends to somebody that takes nothing waits.
#[tokio::test(start_paused = true)]
async fn a_sender_waits_while_nothing_is_taken() {
    let (mut a, mut b) = memory(false);
    for _ in 0..FRAMES_MAX {
        a.send(Bytes::from("x")).await.unwrap();
    }
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, a.send(Bytes::from("y"))).await.is_err());
    b.receive(MOST).await.unwrap();
    assert!(tokio::time::timeout(second, a.send(Bytes::from("y"))).await.is_ok());
}

async fn worn(wear: Wear, seed: u64, count: u8) -> Vec<Vec<u8>> {
    let (a, mut b) = memory(false);
    let sending = tokio::spawn(async move {
        let mut a = Chaos::new(a, wear, seed);
        for number in 0..count {
            if a.send(Bytes::from(vec![number; 8])).await.is_err() {
                break;
            }
        }
    });
    let mut all = Vec::new();
    while let Ok(Some(frame)) = b.receive(MOST).await {
        all.push(frame.to_vec());
    }
    sending.await.unwrap();
    all
}

/// TRAN-4: the same wear for the same seed, and each kind of it.
#[tokio::test]
async fn wear_follows_its_seed() {
    let wear = Wear { loss: 0.1, dup: 0.1, reorder: 0.1, truncate: 0.1, ..Wear::default() };
    let once = worn(wear, 7, 200).await;
    assert_eq!(once, worn(wear, 7, 200).await);
    assert_ne!(once, worn(wear, 8, 200).await);
    let whole: Vec<u8> = once.iter().filter(|frame| frame.len() == 8).map(|f| f[0]).collect();
    let is_there = |number: u8| whole.contains(&number);
    assert!((0..200).any(|number| !is_there(number)), "nothing was lost");
    assert!(whole.windows(2).any(|two| two[0] == two[1]), "nothing came twice");
    assert!(whole.windows(2).any(|two| two[0] > two[1]), "nothing was overtaken");
    assert!(once.iter().any(|frame| frame.len() < 8), "nothing was cut short");
    assert_eq!(worn(Wear::default(), 7, 200).await.len(), 200);
}

/// TRAN-4: a cut is told to both ends, and one that is half open to nobody.
#[tokio::test(start_paused = true)]
async fn a_connection_is_cut_or_half_open() {
    let cut = Some(Duration::from_millis(50));
    let (a, _b) = memory(false);
    let mut a = Chaos::new(a, Wear { cut, ..Wear::default() }, 1);
    assert!(a.receive(MOST).await.is_err());
    assert!(a.send(Bytes::new()).await.is_err());
    let (a, _b) = memory(false);
    let mut a = Chaos::new(a, Wear { cut, half_open: 1.0, ..Wear::default() }, 1);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, a.receive(MOST)).await.is_err());
    assert!(a.send(Bytes::new()).await.is_ok());
}
