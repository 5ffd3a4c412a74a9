//! Links within something else: through an HTTP proxy, behind a web server.

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use super::join::{serve_join, ticket};
use super::streams::serving;
use super::*;

/// Serves every connection by itself for as long as it is held.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    each: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut served = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            served.spawn(each(stream));
        }
    });
    (at, tasks)
}

async fn carry(mut near: impl AsyncRead + AsyncWrite + Unpin, to: &str) {
    if let Ok(mut far) = TcpStream::connect(to).await {
        // However it ends, it ends for both.
        let _carried = copy_bidirectional(&mut near, &mut far).await;
    }
}

/// An HTTP proxy that lets in who knows the password, and knows one name that nobody else does.
async fn proxy(district: SocketAddr) -> (SocketAddr, JoinSet<()>) {
    serve(move |mut near| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        if !head.contains("Proxy-Authorization: Basic eGE6bWF0\r\n") {
            near.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                .await
                .unwrap();
            return;
        }
        assert!(head.starts_with("CONNECT 465.example.invalid:"), "{head}");
        near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
            .unwrap();
        carry(near, &district.to_string()).await;
    })
    .await
}

fn commune_with(proxy: &str) -> Endpoint {
    let mut config = config(3, chain(3));
    config.tuning.tcp = Tcp::Calls;
    config.tuning.proxy = Some(proxy.parse().unwrap());
    Endpoint::bind(config).unwrap()
}

async fn exchange_by(commune: &Endpoint, district: &Endpoint, name: &str) -> (Via, Via) {
    let called = commune.call(name, &DialOptions::default()).await;
    let up = called.unwrap_or_else(|failed| panic!("{}", ErrorChain(&failed.error)));
    up.handle().send(pattern(50_000, 1)).await.unwrap();
    let mut down = accept_link(district).await;
    assert_eq!(receive(&mut down, 50_000).await, pattern(50_000, 1));
    let vias = (up.handle().via(), down.handle().via());
    up.handle().finish(CloseCode(7), "done");
    let told = CloseReason::Peer {
        code: CloseCode(7),
        text: "done".to_owned(),
    };
    assert_eq!(closed(&mut down).await, told);
    vias
}

#[tokio::test]
async fn a_link_goes_through_a_proxy_that_alone_knows_the_name() {
    let district = serving(2);
    let (at, _proxy) = proxy(addr(&district)).await;
    let name = format!("465.example.invalid:{}", addr(&district).port());
    let commune = commune_with(&format!("http://xa:mat@{at}"));
    let vias = exchange_by(&commune, &district, &name).await;
    assert_eq!(vias, (Via::Tcp, Via::Tcp));

    let stranger = commune_with(&format!("http://{at}"));
    let refused = stranger
        .call(&name, &DialOptions::default())
        .await
        .unwrap_err();
    assert!(
        ErrorChain(&refused.error).to_string().contains("407"),
        "{}",
        ErrorChain(&refused.error)
    );
    nobody_came(&district).await;

    let mut ticket = ticket(&district);
    ticket.addrs = vec![name];
    let tuning = Tuning {
        proxy: Some(format!("http://xa:mat@{at}").parse().unwrap()),
        ..Tuning::default()
    };
    let key = signer(3);
    let (joined, ()) = tokio::join!(
        call_join(&ticket, &key, &tuning),
        serve_join(&district, &ticket)
    );
    joined.unwrap();
}

/// A web server that ends TLS, as those in front of programs do.
async fn web_server(to: SocketAddr) -> (SocketAddr, JoinSet<()>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap().der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = rustls::ServerConfig::builder_with_provider(crate::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(tls));
    serve(move |near| {
        let tls = tls.clone();
        async move {
            if let Ok(near) = tls.accept(near).await {
                carry(near, &to.to_string()).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_node_behind_a_web_server_is_called_and_joined_by_websocket() {
    let district = serving(2);
    let mut config = config(3, chain(3));
    config.tuning.tcp = Tcp::Calls;
    let commune = Endpoint::bind(config).unwrap();
    let (server, _server) = web_server(addr(&district)).await;
    let (plain, around) = (
        format!("ws://{}/hopluu", addr(&district)),
        format!("wss://localhost:{}/hopluu", server.port()),
    );
    for name in [&plain, &around] {
        let vias = exchange_by(&commune, &district, name).await;
        assert_eq!(vias, (Via::WebSocket, Via::WebSocket), "{name}");
    }
    let mut ticket = ticket(&district);
    ticket.addrs = vec![around];
    let (key, tuning) = (signer(3), Tuning::default());
    let (joined, ()) = tokio::join!(
        call_join(&ticket, &key, &tuning),
        serve_join(&district, &ticket)
    );
    joined.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_stalls_in_the_upgrade_is_thrown_out() {
    let district = serving(2);
    let begun = Instant::now();
    let mut silent = TcpStream::connect(addr(&district)).await.unwrap();
    silent.write_all(b"GET /hopluu HTTP/1.1\r\n").await.unwrap();
    assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or_default(), 0);
    assert!(begun.elapsed() <= HANDSHAKE_TIMEOUT + Duration::from_secs(1));
    nobody_came(&district).await;
}

#[tokio::test]
async fn headers_without_end_and_messages_of_no_link_are_refused() {
    let district = serving(2);
    let mut endless = TcpStream::connect(addr(&district)).await.unwrap();
    let flood = async {
        endless.write_all(b"GET / HTTP/1.1\r\n").await?;
        for _ in 0..1_000 {
            endless
                .write_all(&[b"X: ".as_slice(), &[b'x'; 1021], b"\r\n"].concat())
                .await?;
        }
        // Whoever may write a megabyte of headers is read from for ever.
        Ok::<(), std::io::Error>(())
    };
    assert!(timeout(LIMIT, flood).await.unwrap().is_err());

    // A message longer than a TLS record, by its head alone.
    let mut long = TcpStream::connect(addr(&district)).await.unwrap();
    let ask = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    long.write_all(ask.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let head = [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4];
    long.write_all(&head).await.unwrap();
    let mut said = Vec::new();
    let _end = timeout(LIMIT, long.read_to_end(&mut said)).await.unwrap();
    assert!(
        said.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    nobody_came(&district).await;
}
