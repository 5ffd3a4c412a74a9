//! Calling through an HTTP proxy: it is asked to connect (RFC 9110, section 9.3.6) and sees TLS and nothing else.

use std::str::FromStr;
use std::{fmt, io};

use data_encoding::BASE64;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use crate::limits::PROXY_ANSWER_BYTES_MAX;

/// A proxy of the office, as `http://[user:password@]host:port`.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    text: Zeroizing<String>,
    /// `host:port`.
    place: String,
    /// User and password as HTTP's basic scheme sends them; in clear, to the proxy only.
    basic: Option<Zeroizing<String>>,
}

/// A text names no proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proxy is written `http://host:port` or `http://user:password@host:port`")]
pub struct BadProxy;

impl FromStr for Proxy {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let rest = text.strip_prefix("http://").ok_or(BadProxy)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = place.rsplit_once(':').ok_or(BadProxy)?;
        let is_plain = |letter: char| letter.is_ascii_graphic() && !"/@".contains(letter);
        if host.is_empty() || !host.chars().all(is_plain) {
            return Err(BadProxy);
        }
        port.parse::<u16>().map_err(|_| BadProxy)?;
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            place: place.to_owned(),
            basic: user.map(|user| Zeroizing::new(BASE64.encode(user.as_bytes()))),
        })
    }
}

/// Its address alone.
impl fmt::Display for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.place)
    }
}

/// Without the password.
impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Proxy({self})")
    }
}

/// A proxy that does not connect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the proxy's connection broke off")]
    Broken(#[from] io::Error),
    #[error("the proxy answers {0}")]
    Refused(u16),
    #[error("the proxy does not answer as HTTP does")]
    NotHttp,
}

impl From<ProxyError> for io::Error {
    fn from(error: ProxyError) -> Self {
        match error {
            ProxyError::Broken(error) => error,
            other => Self::other(other),
        }
    }
}

impl Proxy {
    /// As it was written, the password included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Asks the proxy at the other end of a stream to connect to `host:port`; what follows on the stream is between
    /// the two. Reads byte by byte what it says, so that nothing of that is taken.
    pub(crate) async fn connect(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        to: &str,
    ) -> Result<(), ProxyError> {
        let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
        if let Some(basic) = &self.basic {
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(basic);
            request.push_str("\r\n");
        }
        let request = Zeroizing::new(request + "\r\n");
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= PROXY_ANSWER_BYTES_MAX {
                return Err(ProxyError::NotHttp);
            }
            answer.push(stream.read_u8().await?);
        }
        match status(&answer).ok_or(ProxyError::NotHttp)? {
            200..=299 => Ok(()),
            code => Err(ProxyError::Refused(code)),
        }
    }
}

/// The number in the first line of an answer.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split(' ');
    let is_http = words.next()?.starts_with("HTTP/1.");
    let code = words.next()?.parse().ok()?;
    is_http.then_some(code)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[test]
    fn a_proxy_is_read_and_its_password_is_not_shown() {
        let proxy: Proxy = "http://xa:mật khẩu@proxy.example.vn:3128".parse().unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(proxy.example.vn:3128)");
        assert!(proxy.basic.is_some());
        let plain: Proxy = "http://10.0.0.1:8080/".parse().unwrap();
        assert_eq!(
            (plain.to_string().as_str(), plain.basic),
            ("10.0.0.1:8080", None)
        );
        for bad in [
            "proxy:3128",
            "https://proxy:3128",
            "http://proxy",
            "http://:1",
            "http://a b:1",
        ] {
            assert_eq!(bad.parse::<Proxy>(), Err(BadProxy), "{bad}");
        }
    }

    /// What becomes of an answer, and what is left on the stream behind it.
    async fn answered(answer: &[u8]) -> (Result<(), ProxyError>, String, Vec<u8>) {
        let proxy: Proxy = "http://u:p@proxy:1".parse().unwrap();
        let (mut near, mut far) = duplex(1 << 16);
        far.write_all(answer).await.unwrap();
        let connected = proxy.connect(&mut near, "465.example:7710").await;
        let mut asked = vec![0; 4096];
        let length = far.read(&mut asked).await.unwrap();
        asked.truncate(length);
        drop(far);
        let mut left = Vec::new();
        near.read_to_end(&mut left).await.unwrap();
        (connected, String::from_utf8(asked).unwrap(), left)
    }

    #[tokio::test]
    async fn a_proxy_is_asked_once_and_its_answer_is_bounded() {
        let (connected, asked, left) = answered(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n\x16\x03").await;
        connected.unwrap();
        assert_eq!(left, [0x16, 3], "what is behind the answer is TLS");
        let expected = "CONNECT 465.example:7710 HTTP/1.1\r\nHost: 465.example:7710\r\n\
            Proxy-Authorization: Basic dTpw\r\n\r\n";
        assert_eq!(asked, expected);

        let (refused, ..) = answered(b"HTTP/1.0 407 Who are you\r\n\r\n").await;
        assert!(
            matches!(refused, Err(ProxyError::Refused(407))),
            "{refused:?}"
        );
        let long = [
            b"HTTP/1.1 200 OK\r\nX: ".as_slice(),
            &[b'x'; PROXY_ANSWER_BYTES_MAX],
        ]
        .concat();
        for bad in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"HTTP/1.1 \xff\r\n\r\n",
            &long,
        ] {
            let (refused, ..) = answered(bad).await;
            assert!(matches!(refused, Err(ProxyError::NotHttp)), "{refused:?}");
        }
    }
}
