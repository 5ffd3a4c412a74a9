use tokio::time::timeout;

use super::*;

/// What `node/engine` waits for answers, and more.
const LIMIT: Duration = Duration::from_secs(3);

fn root(n: u8) -> Digest {
    Digest([n; 32])
}

#[test]
fn a_network_has_its_addresses_and_no_others() {
    let network = Network {
        here: Ipv4Addr::new(10, 99, 7, 1),
        mask: Ipv4Addr::new(255, 255, 255, 0).to_bits(),
    };
    assert!(network.has(Ipv4Addr::new(10, 99, 7, 200)));
    assert!(!network.has(Ipv4Addr::new(10, 99, 8, 1)));
}

#[test]
fn the_print_of_a_root_is_not_part_of_it() {
    assert_ne!(print_of(&root(1)), print_of(&root(2)));
    assert_ne!(print_of(&root(1)), [1; 8]);
}

/// Several at one port, as several programs on one machine are, on a network that ends in this machine.
#[cfg(target_os = "linux")]
#[test]
fn those_of_one_root_find_each_other_and_nobody_else() {
    const ME: &str = "near::tests::those_of_one_root_find_each_other_and_nobody_else";
    if !crate::tests::own_network::is_own(ME) {
        return;
    }
    if !crate::tests::own_network::has_card("10.99.7.1/24") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut asking = Near::start(&root(1), None).unwrap();
        let mut same = Near::start(&root(1), Some(7_710)).unwrap();
        let mut foreign = Near::start(&root(2), Some(7_711)).unwrap();
        let answering = async { tokio::join!(same.next(), foreign.next()) };
        let found = async {
            // The second question comes too soon to be answered by itself.
            asking.ask().await.unwrap();
            asking.ask().await.unwrap();
            let first = timeout(LIMIT, asking.next()).await.unwrap().unwrap();
            (
                first,
                timeout(NEAR_ANSWER_REST, asking.next()).await.is_err(),
            )
        };
        let at = SocketAddr::from(([10, 99, 7, 1], 7_710));
        tokio::select! {
            found = found => assert_eq!(found, (at, true)),
            heard = answering => panic!("nobody else listens: {heard:?}"),
        }
    });
}

/// No card but the loopback: nobody is asked, and whoever asks is told so.
#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_a_network_says_so() {
    const ME: &str = "near::tests::a_machine_without_a_network_says_so";
    if !crate::tests::own_network::is_own(ME) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let asked = Near::start(&root(1), None).unwrap().ask().await;
        assert_eq!(asked.unwrap_err().kind(), io::ErrorKind::NetworkUnreachable);
    });
}
