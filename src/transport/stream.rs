//! A connection of bytes: TCP, with or without TLS.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// A connection of TCP, in the clear or under TLS.
#[derive(Debug)]
pub enum Stream {
    /// In the clear.
    Plain(TcpStream),
    /// Under TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A server's side of TLS.
#[derive(Clone)]
pub struct ServerTls(TlsAcceptor);

/// A client's side of TLS.
#[derive(Clone)]
pub struct ClientTls(TlsConnector);

fn invalid(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

fn named(path: &Path, error: impl std::fmt::Display) -> io::Error {
    invalid(format_args!("{}: {error}", path.display()))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| named(path, error))?;
    let all: Result<Vec<_>, _> = all.collect();
    match all {
        Ok(all) if all.is_empty() => Err(named(path, "there is no certificate in it")),
        all => all.map_err(|error| named(path, error)),
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl ServerTls {
    /// From files in PEM: the certificate with those behind it, and its key.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn of(certificate: &Path, key: &Path) -> io::Result<Self> {
        let chain = certificates(certificate)?;
        let key_of = PrivateKeyDer::from_pem_file(key).map_err(|error| named(key, error))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .with_no_client_auth()
            .with_single_cert(chain, key_of)
            .map_err(|error| named(key, error))?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Takes a connection.
    ///
    /// # Errors
    /// It is lost, or speaks no TLS.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Stream> {
        let stream = self.0.accept(stream).await?;
        Ok(Stream::Tls(Box::new(TlsStream::Server(stream))))
    }
}

impl ClientTls {
    /// Trusts the authorities of a file in PEM; or, if none is named, those that browsers trust.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn trusting(authorities: Option<&Path>) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        match authorities {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|error| named(path, error))?;
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Secures a connection to a server of this name.
    ///
    /// # Errors
    /// It is lost, or the server is not who it has to be.
    pub async fn connect(&self, name: &str, stream: TcpStream) -> io::Result<Stream> {
        let name = ServerName::try_from(name.to_owned()).map_err(invalid)?;
        let stream = self.0.connect(name, stream).await?;
        Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
    }
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerTls")
    }
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientTls")
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
