//! Opening a session at a host.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::endpoint::{ClientError, ClientOptions};
use crate::transport::{Dial, Transport};
use crate::wire::frame::Frame;

/// How long the answer is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A session that was opened, and how to come to its roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The session, as 32 hexadecimal digits.
    pub session: String,
    /// The name of the protocol.
    pub protocol: String,
    /// Each role with an invitation to it.
    pub invitations: Vec<(String, String)>,
}

/// PEER-7: opens a session of a protocol at a host, and brings the invitations to its roles. Each
/// edge holds `capacity` messages, or as many as the types ask for.
///
/// If this fails by a lost connection, a session may be open that nobody will ever join.
///
/// # Errors
/// [`ClientError::Rejected`] if the host refuses; [`ClientError::Unreachable`].
pub async fn open(
    dial: &mut impl Dial,
    protocol: &str,
    capacity: Option<u32>,
    options: &ClientOptions,
) -> Result<Opened, ClientError> {
    let unreachable =
        |why: &dyn std::fmt::Display| ClientError::Unreachable(why.to_string().into());
    let mut transport = dial.dial().await.map_err(|error| unreachable(&error))?;
    let auth = options.secret.clone().map(|secret| Frame::Auth { secret });
    let open = Frame::Open { protocol: protocol.into(), capacity };
    let asking = async {
        for frame in auth.into_iter().chain([open]) {
            transport.send(Bytes::from(options.form.encode(&frame))).await?;
        }
        transport.flush().await?;
        loop {
            let Some(bytes) = transport.receive(options.frame_bytes_max).await? else {
                return Err(std::io::Error::other("the host has closed the connection"));
            };
            let frame = options.form.decode(&bytes, options.frame_bytes_max);
            match frame.map_err(std::io::Error::other)? {
                Frame::Opened { session, protocol, invitations } => {
                    let each = invitations.into_iter();
                    return Ok(Ok(Opened {
                        session: session.into(),
                        protocol: protocol.into(),
                        invitations: each.map(|(role, text)| (role.into(), text.into())).collect(),
                    }));
                }
                Frame::Reject { code, message, .. } => {
                    return Ok(Err(ClientError::Rejected { code, message }));
                }
                Frame::Bye { reason } => return Err(std::io::Error::other(reason.as_str())),
                _ => {}
            }
        }
    };
    let answer = timeout(ANSWER_MAX, asking).await;
    let answer = answer.map_err(|_| unreachable(&"the host has not answered in time"))?;
    let opened = answer.map_err(|error| unreachable(&error))?;
    transport.close().await;
    opened
}
