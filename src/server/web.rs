//! What is spoken on the port of the web: HTTP, until a WebSocket is agreed upon.

use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::ListenOptions;
use crate::transport::websocket::{BINARY, JSON, chosen};
use crate::transport::{Stream, WebSocket};

/// The most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The most headers.
const HEADERS_MAX: usize = 64;

/// What was agreed upon, once it was.
type Agreed = Mutex<Option<(OnUpgrade, bool)>>;

/// Answers requests until one of them becomes a WebSocket.
///
/// # Errors
/// The peer has left before that.
pub(super) async fn agree(stream: Stream, options: &ListenOptions) -> io::Result<WebSocket> {
    let agreed = Agreed::default();
    let service = service_fn(|request| {
        let answer = answer(request, options, &agreed);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    connection.await.map_err(io::Error::other)?;
    let agreed = agreed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (upgrade, is_text) = agreed.ok_or(io::ErrorKind::NotConnected)?;
    let upgraded = upgrade.await.map_err(io::Error::other)?;
    // What HTTP needed is gone with it; the stream is what it was.
    let parts = upgraded.downcast::<TokioIo<Stream>>();
    let parts = parts.map_err(|_| io::Error::other("the connection is another one"))?;
    let (stream, read) = (parts.io.into_inner(), parts.read_buf);
    Ok(WebSocket::accepted(stream, read, is_text, options.frame_bytes_max).await)
}

fn answer(
    mut request: Request<Incoming>,
    options: &ListenOptions,
    agreed: &Agreed,
) -> Response<String> {
    let headers = request.headers();
    if !has_word(headers, &UPGRADE, "websocket") {
        return match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/health") => text(StatusCode::OK, "ok\n"),
            (_, "/health") => text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n"),
            _ => text(StatusCode::NOT_FOUND, "here a WebSocket is spoken, and GET /health\n"),
        };
    }
    let is_agreeable = request.method() == Method::GET
        && has_word(headers, &CONNECTION, "upgrade")
        && headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_agreeable) else {
        return text(StatusCode::BAD_REQUEST, "this is no handshake of a WebSocket (RFC 6455)\n");
    };
    // SERV-4: a page of somebody else does not speak for whoever looks at it.
    if !is_known(headers, &options.origins) {
        return text(StatusCode::FORBIDDEN, "this page is of another origin, and not allowed\n");
    }
    let offers = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let Some((name, is_text)) = chosen(offers.filter_map(|offer| offer.to_str().ok())) else {
        let spoken = format!("the subprotocols {JSON} and {BINARY} are spoken\n");
        return text(StatusCode::BAD_REQUEST, &spoken);
    };
    let accept = derive_accept_key(key.as_bytes());
    let accept = HeaderValue::from_str(&accept).expect("it is base64");
    let upgrade = hyper::upgrade::on(&mut request);
    *agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some((upgrade, is_text));
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
    response
}

fn text(status: StatusCode, body: &str) -> Response<String> {
    let mut response = Response::new(body.to_owned());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// Whether a header is a list with this word.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let all = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

/// Whether the page that connects is of this host, or one of those that are allowed. What is no
/// browser names none. A name may lead here that is somebody else's (DNS rebinding), so that a host
/// with a name has to be allowed, too.
fn is_known(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    let is_own = own.filter(|_| own == host).is_some_and(is_no_name);
    is_own || allowed.iter().any(|one| one == origin)
}

/// Whether a host, with or without a port, is an address, or this machine.
fn is_no_name(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let name = name.map_or(host, |(name, _)| name);
    let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || inside.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(origin: Option<&'static str>, host: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
        is_known(&headers, &["https://example.org".into()])
    }

    /// SERV-4.
    #[test]
    fn pages_of_others_are_told_from_own_ones() {
        assert!(known(None, "anything"));
        assert!(known(Some("http://127.0.0.1:8080"), "127.0.0.1:8080"));
        assert!(known(Some("http://localhost:8080"), "localhost:8080"));
        assert!(known(Some("http://[::1]:8080"), "[::1]:8080"));
        assert!(known(Some("https://example.org"), "10.0.0.1"));
        assert!(!known(Some("https://evil.example"), "127.0.0.1:8080"));
        assert!(!known(Some("http://127.0.0.1:9999"), "127.0.0.1:8080"));
        // The name leads here, and the page is somebody else's all the same.
        assert!(!known(Some("http://evil.example:8080"), "evil.example:8080"));
        assert!(!known(Some("null"), "127.0.0.1:8080"));
    }
}
