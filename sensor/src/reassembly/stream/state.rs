//! How far a session has come.

use crate::flow::Lifecycle;

/// The state of a session (RFC 9293 §3.3.2), as it looks between the two hosts. Where they differ, the responder's.
///
/// The order is Suricata's, by which rules of thumb such as "beyond TIME-WAIT" go.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum State {
    /// SYN was seen.
    SynSent,
    /// SYN/ACK was seen.
    SynReceived,
    /// The handshake is complete.
    Established,
    /// The responder has sent FIN.
    FinWait1,
    /// The responder's FIN was acknowledged.
    FinWait2,
    /// Both have sent FIN, the responder first and had an answer to it.
    TimeWait,
    /// Both have sent FIN, the opener first.
    LastAck,
    /// The opener has sent FIN.
    CloseWait,
    /// Both have sent FIN, the responder first and without an answer to it.
    Closing,
    /// It is over.
    Closed,
}

impl State {
    /// What the flow table makes of it.
    pub fn lifecycle(self, reset: bool) -> Lifecycle {
        match self {
            Self::SynSent | Self::SynReceived => Lifecycle::New,
            Self::Established | Self::FinWait1 | Self::FinWait2 | Self::CloseWait | Self::Closing => {
                Lifecycle::Established
            }
            Self::Closed if reset => Lifecycle::Reset,
            Self::TimeWait | Self::LastAck | Self::Closed => Lifecycle::Closed,
        }
    }
}
