//! A peer that joined with a good ticket and then does what it likes: frames made by hand after
//! docs/protocol.md, reports made from nothing, and callers without a certificate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hopluu_doc::{DocKey, Edit, FigureKey, LifecycleEvent, Report, SaveContext};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, Timestamp};
use hopluu_net::key::Subject;
use hopluu_net::{
    CloseReason, DialOptions, Endpoint, Link, LinkEvent, NetConfig, Tuning, call_join, key,
};
use hopluu_sync::RefusalCode;
use hopluu_tests::frames::{ACK, Group, Object, STREAM, hello, push};
use hopluu_tests::process::shipped_form;
use hopluu_trust::{Seal, Signer, Ticket};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;
use zstd::stream::raw::{Decoder, Operation as _};

use crate::world::{Node, WAIT_MAX, YEARS, rows};

/// The flag of a stream's first piece.
const BEGINS: u8 = 1;

/// docs/protocol.md, stream: a piece by itself, and what it is sent without.
const ALONE: u8 = 3;
const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// docs/protocol.md, ack.
#[derive(Deserialize)]
struct Ack {
    pushes: u64,
    refused: Vec<(u32, u8)>,
}

#[derive(Serialize)]
struct SealedChange {
    seal: Vec<u8>,
    change: Vec<u8>,
}

/// A node that joined with a good ticket and then does what it likes.
pub(crate) struct Rogue {
    endpoint: Endpoint,
    pub(crate) signer: Signer,
    chain: Vec<Vec<u8>>,
    to: SocketAddr,
}

impl Rogue {
    pub(crate) async fn join(node: &Node, unit: &str) -> Self {
        Self::join_as(node, &[unit]).await
    }

    /// Joins as whom the words of a ticket say.
    pub(crate) async fn join_as(node: &Node, whom: &[&str]) -> Self {
        let ticket = Ticket::decode(&node.home.ticket(whom)).expect("a good ticket");
        let signer = key::generate().expect("the system has randomness");
        let tuning = Tuning::default();
        let joined = call_join(&ticket, &signer, &tuning)
            .await
            .expect("it is let in");
        let config = NetConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            signer: signer.clone(),
            chain: joined.chain.clone(),
            root: ticket.root,
            tuning,
        };
        let to = ticket.addrs.first().and_then(|addr| addr.parse().ok());
        Self {
            endpoint: Endpoint::bind(config).expect("its chain is good"),
            signer,
            chain: joined.chain,
            to: to.expect("the ticket names an address"),
        }
    }

    /// Certifies a fresh key for any unit, as a main node can that asks no tree.
    pub(crate) fn certifies(&self, unit: &str) -> (Signer, Vec<Vec<u8>>) {
        let signer = key::generate().expect("the system has randomness");
        let subject = Subject {
            node: signer.node_id(),
            unit: unit.parse().expect("a unit"),
            office: None,
            not_after: Timestamp(2_000_000_000_000),
        };
        let chain = key::issue(&self.signer, &self.chain, &subject).expect("it may issue");
        (signer, chain)
    }

    /// A link, on which it has said something.
    pub(crate) async fn say(&self, bytes: Vec<u8>) -> Talk {
        let dialled = self.endpoint.dial(self.to, &DialOptions::default()).await;
        let talk = Talk {
            link: dialled.expect("the certificate is good"),
            heard: Vec::new(),
            unpacked: Vec::new(),
            unpacker: None,
            pushes: 0,
        };
        talk.say(bytes).await;
        talk
    }

    /// With how many refusals and whether linked the node shows it.
    pub(crate) fn as_seen_by(&self, node: &Node) -> (u64, bool) {
        let status = node.home.ask(&["status"]);
        let id = self.signer.node_id().to_string();
        let peer = rows(&status, "/peers")
            .iter()
            .find(|peer| peer["node"] == *id);
        peer.map_or((0, false), |peer| {
            let refused = peer["refused"].as_u64().expect("a number");
            (refused, peer["is_linked"] == json!(true))
        })
    }
}

/// Takes the first whole frame from the front.
fn whole(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (length, rest) = postcard::take_from_bytes::<u32>(bytes).ok()?;
    let (whole, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let (kind, body) = whole.split_first().expect("a frame has a kind");
    let frame = (*kind, body.to_vec());
    *bytes = after.to_vec();
    Some(frame)
}

/// A link to the node under test.
pub(crate) struct Talk {
    link: Link,
    heard: Vec<u8>,
    /// What the node's packed stream held.
    unpacked: Vec<u8>,
    unpacker: Option<Decoder<'static>>,
    pushes: u64,
}

impl Talk {
    pub(crate) async fn say(&self, bytes: Vec<u8>) {
        for piece in bytes.chunks(16 << 10) {
            // The node may have closed already; what it closed with is looked at afterwards.
            if self.link.handle().send(piece.to_vec()).await.is_err() {
                break;
            }
        }
    }

    async fn event(&mut self) -> LinkEvent {
        let event = timeout(WAIT_MAX, self.link.next()).await;
        event
            .expect("in time")
            .expect("a link ends with its reason")
    }

    /// The number that the node closes with.
    pub(crate) async fn closed(mut self) -> u32 {
        loop {
            match self.event().await {
                LinkEvent::Received(_) => {}
                LinkEvent::Closed(CloseReason::Peer { code, .. }) => return code.0,
                LinkEvent::Closed(other) => unreachable!("the node closes with a number: {other}"),
            }
        }
    }

    /// The next whole frame, packed or not.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            if let Some(frame) = whole(&mut self.unpacked) {
                return frame;
            }
            match whole(&mut self.heard) {
                Some((STREAM, body)) => self.unpack(&body),
                Some(frame) => return frame,
                None => match self.event().await {
                    LinkEvent::Received(bytes) => self.heard.extend(bytes),
                    LinkEvent::Closed(reason) => unreachable!("the link is closed: {reason}"),
                },
            }
        }
    }

    fn unpack(&mut self, body: &[u8]) {
        let (flag, mut packed) = body.split_first().expect("a piece has a flag");
        if *flag == BEGINS || *flag == ALONE {
            // The rogue knows no dictionary, and is sent none.
            packed = packed.strip_prefix(&[0]).expect("dictionary 0");
        }
        if *flag == ALONE {
            let whole = [ZSTD_MAGIC.as_slice(), packed].concat();
            let unpacked = zstd::bulk::decompress(&whole, 16 << 10);
            return self.unpacked.extend(unpacked.expect("the node packs well"));
        }
        if *flag == BEGINS {
            self.unpacker = Some(Decoder::new().expect("there is memory"));
        }
        let Some(unpacker) = &mut self.unpacker else {
            return;
        };
        let mut room = vec![0; 16 << 10];
        let done = unpacker.run_on_buffers(packed, &mut room);
        let written = done.expect("the node packs well").bytes_written;
        self.unpacked.extend(room.into_iter().take(written));
    }

    /// Pushes one entry and says what became of it: none when it was merged.
    pub(crate) async fn offer(
        &mut self,
        object: Object,
        kind: u8,
        body: Vec<u8>,
    ) -> Option<RefusalCode> {
        self.say(push(vec![Group::of(object, kind, body)])).await;
        self.pushes += 1;
        loop {
            let (kind, body) = self.frame().await;
            if kind != ACK {
                continue;
            }
            let ack: Ack = postcard::from_bytes(&body).expect("an ack decodes");
            assert_eq!(ack.pushes, self.pushes);
            return ack.refused.first().map(|(_, code)| RefusalCode(*code));
        }
    }
}

/// A unit's report of the annex with one figure, made from nothing, and how it travels.
pub(crate) struct Forged {
    pub(crate) key: DocKey,
    hash: ChangeHash,
    pub(crate) bytes: Vec<u8>,
    next: (ChangeHash, Vec<u8>),
}

pub(crate) const ACTOR: ActorId = ActorId([7; 8]);

impl Forged {
    pub(crate) fn of(unit: &str) -> Self {
        Self::within(unit, "")
    }

    /// The same in a compartment.
    pub(crate) fn within(unit: &str, compartment: &str) -> Self {
        let text = shipped_form("pcmd-review.toml").expect("the form ships");
        let form = Arc::new(Form::parse(&text).expect("it is sound"));
        let mut key = DocKey::report(
            unit.parse().expect("a unit"),
            form.id().clone(),
            form.version().major,
            YEARS.parse().expect("a period"),
        );
        key.compartment = compartment.parse().expect("a compartment");
        let mut report = Report::create(key.clone(), &form).expect("a report");
        let context = SaveContext {
            actor: ACTOR,
            at: Timestamp(1_600_000_000_000),
            office: None,
            message: String::new(),
        };
        let figure = Edit::SetFigure {
            key: FigureKey::whole("II.1.1.a".parse().expect("a code")),
            value: "666".parse().expect("a value"),
        };
        let edits = [Edit::Event(LifecycleEvent::Opened), figure];
        let saved = report.save(&context, &edits).expect("a save");
        let saved = saved.expect("something is new");
        let next = Edit::SetFigure {
            key: FigureKey::whole("II.1.1.a".parse().expect("a code")),
            value: "777".parse().expect("a value"),
        };
        let next = report.save(&context, &[next]).expect("a save");
        let next = next.expect("something is new");
        Self {
            key,
            hash: saved.hash,
            bytes: saved.bytes,
            next: (next.hash, next.bytes),
        }
    }

    /// The save after it.
    pub(crate) fn next(self) -> Self {
        let (hash, bytes) = self.next.clone();
        Self {
            hash,
            bytes,
            ..self
        }
    }

    pub(crate) fn name(&self) -> String {
        self.hash.to_string()
    }

    pub(crate) fn object(&self) -> Object {
        Object::New {
            id: self.key.id().0,
            descriptor: self.key.encode(),
        }
    }

    /// With this signer's seal, for this document or, lying, for another.
    pub(crate) fn sealed(&self, signer: &Signer) -> Vec<u8> {
        self.sealed_for(signer, &self.key)
    }

    pub(crate) fn sealed_for(&self, signer: &Signer, key: &DocKey) -> Vec<u8> {
        let seal = Seal::sign(signer, key.id(), vec![ACTOR], self.hash, String::new());
        travelling(seal.expect("a seal").to_wire(), self.bytes.clone())
    }
}

/// docs/protocol.md, packets.
const RAW_PACKET: u8 = 0;

/// A change as it travels.
pub(crate) fn travelling(seal: Vec<u8>, change: Vec<u8>) -> Vec<u8> {
    let mut packet = vec![RAW_PACKET];
    let members = [SealedChange { seal, change }];
    packet.extend(postcard::to_stdvec(&members[..]).expect("it encodes"));
    packet
}

/// Takes any certificate of the server: these callers do not care who answers.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// A caller with these credentials, or none, that speaks the protocol of links, says a hello, and
/// listens for as long as the node lets it. Answers what it heard.
pub(crate) async fn heard_by_caller(
    to: SocketAddr,
    credentials: Option<(Vec<Vec<u8>>, &Signer)>,
) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3 is there")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone));
    let mut tls = match credentials {
        None => builder.with_no_client_auth(),
        Some((chain, signer)) => {
            let chain = chain.into_iter().map(Into::into).collect();
            let key = PrivatePkcs8KeyDer::from(signer.pkcs8().to_vec());
            builder
                .with_client_auth_cert(chain, key.into())
                .expect("a key and its chain")
        }
    };
    tls.alpn_protocols = vec![b"hopluu/1".to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).expect("a cipher suite");
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let endpoint = quinn::Endpoint::client(local).expect("a socket");
    let connecting = endpoint
        .connect_with(config, to, "hopluu.invalid")
        .expect("it can call");
    // In TLS 1.3 a client may think it is through before the server has judged it.
    let Ok(Ok(connection)) = timeout(WAIT_MAX, connecting).await else {
        return Vec::new();
    };
    let mut heard = Vec::new();
    if let Ok((mut send, mut recv)) = connection.open_bi().await {
        let _sent = send.write_all(&hello()).await;
        while let Ok(Ok(Some(chunk))) =
            timeout(Duration::from_secs(5), recv.read_chunk(64, true)).await
        {
            heard.extend_from_slice(&chunk.bytes);
        }
    }
    let reason = timeout(WAIT_MAX, connection.closed()).await;
    assert!(reason.is_ok(), "the node closes the connection");
    heard
}
