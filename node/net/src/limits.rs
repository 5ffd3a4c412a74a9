//! Every bound of this crate, each with why it has that size.

use std::time::Duration;

/// How long a handshake may take, from the first packet to the peer's first byte on the stream. Two
/// lost packets on a satellite link of 600 ms cost 0.6 + 1.2 + 2.4 s each way; 30 s allows for four.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a link may be silent before it counts as dead: a week of holidays. A silent link costs nothing,
/// and the first packet after an outage carries an edit instead of a handshake. A peer that was restarted
/// meanwhile says so at once (a stateless reset); a network that has forgotten the address gives another.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How often a caller says a word on a link that sleeps: 70 bytes, 7 KB a day. A form that is handed down, or a hub
/// that has given the link up, is noticed within this time.
pub const KNOCK_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// How long a finished link waits for the last bytes to be acknowledged.
pub const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the program that answers a join may take. It reads one row and signs once.
pub const JOIN_ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// First guess of the round trip when none is remembered: a satellite's. Too low sends a handshake twice, too
/// high costs seconds when one of its packets is lost; who has met once remembers better.
pub const INITIAL_RTT: Duration = Duration::from_millis(600);

/// Least first guess of the round trip, whatever is remembered: three of it pass before a handshake packet goes
/// twice, which a mobile link takes for its answer.
pub const INITIAL_RTT_LEAST: Duration = Duration::from_millis(200);

/// How long to wait for an answer from where nobody has been: the slowest links take as long for a handshake.
pub const ANSWER_UNKNOWN: Duration = Duration::from_secs(4);

/// What a link whose rate nobody has measured is taken to carry, in bytes a second: 64 kbit/s. Too little
/// makes patience longer, too much sends twice.
pub const RATE_UNKNOWN: u64 = 8_000;

/// Packets that are repeated while no answer comes: a flight of a handshake and what it carries.
pub const REPEATED_PACKETS_MAX: usize = 4;

/// Bytes of them.
pub const REPEATED_BYTES_MAX: usize = 4_800;

/// How long after a packet of a call its copy follows on a way that loses many: when all of its flight has left, so
/// that no first copy waits for a second.
pub const TWICE_AFTER: Duration = Duration::from_millis(20);

/// Callers of whose handshakes the last answers are kept, 5 KB each: as many as there may be handshakes.
pub const ANSWERED_CALLERS_MAX: usize = HANDSHAKES_MAX;

/// How soon an answer may be asked for again: a copy that was sent at once comes sooner on all but the slowest links,
/// and a caller's patience lasts longer.
pub const ANSWER_AGAIN_LEAST: Duration = Duration::from_millis(250);

/// A packet of so many bytes is more than an acknowledgement, to which nobody answers.
pub const ASKING_BYTES: usize = 100;

/// What asks a called node whether the way is open again: the fewest bytes that are answered by a node that does
/// not know of what link they are, less one (RFC 9000, section 10.3.3; quinn asks for 22). Nothing else that comes is so short.
pub const KNOCK_BYTES: usize = 23;

/// How long the last packet of a call that is given up takes to leave, which belongs to what it has cost.
pub const LAST_PACKET: Duration = Duration::from_millis(10);

/// How often somebody who has not answered for long is asked whether it does again: 0.7 KB a minute.
pub const KNOCK_WAIT: Duration = Duration::from_secs(2);

/// How long nothing may come from a peer that owes something, until an outage is supposed: longer than an answer takes
/// through the queue of the slowest link, and much shorter than a window.
pub const SILENCE: Duration = Duration::from_secs(5);

/// Peers of whom the last packet without an answer is kept, 1,200 bytes each.
pub const UNANSWERED_PEERS_MAX: usize = LINKS_MAX;

/// Repeats at even distance, about a round trip, before they become rarer: most outages of a mobile link
/// are over in a minute.
pub const REPEATS_EVENLY: u32 = 60;

/// Repeats for what a fast link has lost; what is still not answered then waits for a link that is down.
pub const REPEATS_SOON: u32 = 3;

/// Shortest distance between the others: no outage that people notice is over sooner.
pub const REPEAT_WAIT_LEAST: Duration = Duration::from_millis(500);

/// Longest distance between repeats. A window of three minutes must not pass unnoticed.
pub const REPEAT_WAIT_MAX: Duration = Duration::from_secs(20);

/// Packets on the way before anything has been acknowledged (RFC 9002, section 7.2).
pub const INITIAL_WINDOW_PACKETS: u64 = 10;

/// Fewest packets that may be on their way, whatever was measured: with less, one loss leaves nothing behind it
/// that would show it.
pub const MINIMUM_WINDOW_PACKETS: u64 = 4;

/// Sessions that callers may resume without a new handshake; the oldest makes room. Twice the links.
pub const SESSIONS_MAX: usize = 2 * LINKS_MAX;

/// Chains that were verified and are remembered, half a kilobyte each: those of all links.
pub const CHAINS_KEPT_MAX: usize = LINKS_MAX;

/// Called addresses of which a session is kept.
pub const CALLED_MAX: usize = 64;

/// How much a peer may have sent that we have not read, per link. 64 KiB every 600 ms are 850 kbit/s,
/// more than the links we are for; 600 links of a province then hold 38 MB at the very worst.
pub const WINDOW_BYTES: u32 = 64 * 1024;

/// How much may be sent and not yet acknowledged, per link; mirrors [`WINDOW_BYTES`].
pub const SEND_WINDOW_BYTES: u64 = 64 * 1024;

/// How many pieces may wait for the transport, per link: the sync layer hands over one at a time.
pub const SENDERS_MAX: usize = 1;

/// Largest piece handed up at once; a chunk of the sync layer has the same size.
pub const READ_BYTES_MAX: usize = 16 * 1024;

/// How many pieces wait to be taken up; then the window closes and the peer has to wait.
pub const EVENTS_MAX: usize = 4;

/// Most handshakes of callers under way. A province's 579 communes that all come back at once after a
/// power cut are through in a few seconds; more is a flood.
pub const HANDSHAKES_MAX: usize = 128;

/// From how many handshakes on a caller must first prove its address, at the cost of a round trip.
pub const HANDSHAKES_UNPROVEN_MAX: usize = 32;

/// Handshakes at once, and links beyond [`LINKS_MAX`] that are only told when to come again: a caller can be told
/// nothing before it has shaken hands.
pub const OPEN_MAX: usize = LINKS_MAX + HANDSHAKES_MAX;

/// Seconds after which a caller may come again when all links are taken, and as many again by chance. Links last, so
/// that it takes until somebody leaves; a window of three minutes must not pass meanwhile.
pub const FULL_AGAIN_S: u32 = 60;

/// Seconds after which a caller comes again that was refused without a word, and as many again by chance: handshakes
/// are through in a few seconds.
pub const REFUSED_AGAIN_S: u32 = 2;

/// Most links and join calls at once: the largest province (579 communes), its districts and offices.
pub const LINKS_MAX: usize = 1024;

/// Accepted callers that wait to be taken over by the program.
pub const ACCEPTED_MAX: usize = 16;

/// Join calls that one address may make at once before it has to wait. Many communes share one address
/// of their mobile network, and a whole district with its offices may be enrolled in one room.
pub const JOIN_BURST: u32 = 64;

/// How long until an address may make one more join call.
pub const JOIN_REFILL: Duration = Duration::from_secs(3);

/// Addresses remembered for that. When so many call within a minute it is a flood, and new ones wait.
pub const JOIN_ADDRS_MAX: usize = 1024;

/// Longest text of a peer's reason to close that is kept.
pub const REASON_BYTES_MAX: usize = 200;

/// How long the other way to an address waits for the first, as a multiple of the time in which the first should
/// have answered: one packet may be lost and sent again. Less costs a second handshake on a bad day, more costs
/// seconds where one way is blocked.
pub const HEAD_STARTS: u32 = 2;

/// Head starts that QUIC has left when TCP was refused: the machine is there, and nobody listens by TCP. A node of before
/// there was TCP may be one that still answers; one that is off need not hold up whoever stands by.
pub const REFUSED_HEAD_STARTS: u32 = 3;

/// Bytes of a call until it is answered, for reckoning when the answer should be there.
pub const FLIGHT_BYTES: usize = 3_000;

/// Ways to one name that are tried: by two transports, over two families of addresses.
pub const ATTEMPTS_MAX: usize = 4;

/// Ports that are tried until one is free for both transports, where any will do.
pub const PORT_TRIES_MAX: usize = 16;

/// Longest piece of a link in one record of a TCP link: between two of them a close is told and a knock is
/// answered. At 64 kbit/s that is half a second; the 25 bytes around it are 0.6 %.
pub const RECORD_BYTES_MAX: usize = 4 * 1024;

/// Fewest bytes written on a TCP link after which it is asked how fast they went: with less the round trip would be
/// most of what is seen. Asking takes 25 bytes each way.
pub const MEASURED_BYTES: u64 = 4 * 1024;

/// Shortest time between two such questions while bytes are written: five a second are enough to follow any link.
pub const MEASURED_REST: Duration = Duration::from_millis(200);

/// A pause in writing that ends what is measured at once: it would count as slowness of the link.
pub const MEASURED_PAUSE: Duration = Duration::from_secs(1);

/// What a TCP socket takes ahead of what the network does, where the system can be told so: what waits in the
/// kernel can be neither reordered nor taken back.
pub const UNSENT_BYTES: u32 = 4 * 1024;

/// What the system keeps for a TCP link each way, sent and not acknowledged or come and not read; mirrors
/// [`SEND_WINDOW_BYTES`], Linux doubles it for its own books.
pub const SOCKET_BUFFER_BYTES: u32 = 64 * 1024;

/// How long a TCP link may be silent before its caller asks whether anybody is there. Networks and proxies forget
/// silent connections after some minutes, and unlike QUIC it cannot be taken up again: a call is 3 KB, a question
/// with its answer 200 bytes.
pub const LINE_KNOCK_INTERVAL: Duration = Duration::from_secs(240);

/// How long an answer to that may take: behind a full queue of a slow link.
pub const LINE_ANSWER_MAX: Duration = Duration::from_secs(60);

/// How long the called end believes in a silent TCP link: two knocks may fail to come.
pub const LINE_SILENCE_MAX: Duration = Duration::from_secs(3 * 240);

/// How long to rest when the system takes no more connections: it is out of files.
pub const ACCEPT_REST: Duration = Duration::from_secs(1);

/// How long the machine's network must be quiet to have changed: an address comes with its routes, in one go.
pub const NETWORK_SETTLE: Duration = Duration::from_millis(500);

/// How long to wait for that on a network that is never quiet.
pub const NETWORK_REST: Duration = Duration::from_secs(5);

/// How often to look at the way out where the system does not tell: a change is noticed within a window of minutes.
pub const NETWORK_PROBE: Duration = Duration::from_secs(15);

/// Longest answer of an HTTP proxy, its headers included: none says more than a few lines.
pub const PROXY_ANSWER_BYTES_MAX: usize = 8 * 1024;

/// How long to look a name up; the system's own patience has no bound that holds everywhere.
pub const LOOKUP_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest message of a WebSocket: one TLS record of any length, which is 16 KiB and what encryption adds.
pub const WEB_MESSAGE_BYTES_MAX: usize = 18 * 1024;

/// What a WebSocket holds of messages that its socket has not taken: one, its frame, and an answer to a ping.
pub const WEB_WRITE_BYTES_MAX: usize = 2 * WEB_MESSAGE_BYTES_MAX;

/// Longest packet of mDNS that is read: what an Ethernet carries. Ours have some 250 bytes.
pub const NEAR_BYTES_MAX: usize = 1_500;

/// Networks of this machine on which neighbours are looked for: cables, radio, and those of virtual machines.
pub const NEAR_NETWORKS_MAX: usize = 8;

/// How often a node that is only asked looks up on which networks it is.
pub const NEAR_NETWORKS_REST: Duration = Duration::from_secs(60);

/// Milliseconds before an answer: drawn, so that those of many do not meet (RFC 6762, section 6).
pub const NEAR_ANSWER_WAIT_MS: std::ops::Range<u64> = 20..120;

/// How long between two answers, however many ask (the same section).
pub const NEAR_ANSWER_REST: Duration = Duration::from_secs(1);
