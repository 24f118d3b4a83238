//! Which application protocols rules can be written for, and which of them mean one another.

use crate::header::protocol::AppProtocol;

/// What rules of a protocol may expect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Support {
    /// They load.
    Loaded,
    /// They are refused as not supported yet.
    NotYet,
    /// They are refused, as Suricata's default configuration refuses them.
    Disabled,
}

impl AppProtocol {
    /// What rules of this protocol may expect.
    pub const fn support(self) -> Support {
        match self {
            Self::Http
            | Self::Http1
            | Self::Http2
            | Self::Doh2
            | Self::Dns
            | Self::Mdns
            | Self::Tls
            | Self::Ssh => Support::Loaded,
            Self::Smtp | Self::Ftp | Self::FtpData | Self::Smb | Self::Dcerpc => Support::Loaded,
            Self::Modbus | Self::Dnp3 | Self::Enip | Self::Pgsql => Support::Disabled,
            _ => Support::NotYet,
        }
    }

    /// Whether a flow that speaks `self` is meant by a rule for `wanted`: `http` means every version, DCERPC also
    /// travels within SMB, DNS and HTTP/2 within DNS over HTTP/2.
    pub fn is(self, wanted: Self) -> bool {
        self == wanted
            || matches!(
                (wanted, self),
                (Self::Http, Self::Http1 | Self::Http2)
                    | (Self::Dcerpc, Self::Smb)
                    | (Self::Dns | Self::Http2, Self::Doh2)
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_means_both_versions() {
        assert!(AppProtocol::Http2.is(AppProtocol::Http));
        assert!(!AppProtocol::Http.is(AppProtocol::Http2));
        assert!(AppProtocol::Smb.is(AppProtocol::Dcerpc));
    }
}
