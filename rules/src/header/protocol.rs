//! The protocols that a rule's header can name.

use crate::diagnostic::Diagnostic;
use crate::text::Text;

macro_rules! protocols {
    (
        $(#[$meta:meta])* $type:ident;
        $($(#[$doc:meta])* $variant:ident = $name:literal $(| $alias:literal)*,)+
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $type {
            $($(#[$doc])* $variant,)+
        }

        impl $type {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in rules and events.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Every spelling that rules may use, the name first.
            pub const fn spellings(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$name $(, $alias)*],)+ }
            }

            /// The one of that name or alias, in any case.
            pub fn from_name(name: &[u8]) -> Option<Self> {
                let spelled = |one: &Self| one.spellings().iter().any(|s| s.as_bytes().eq_ignore_ascii_case(name));
                Self::ALL.iter().copied().find(spelled)
            }
        }
    };
}

protocols! {
    /// What a packet itself shows (Suricata documentation: "Rules Format", Protocol).
    PacketProtocol;
    /// Any IP packet.
    Ip = "ip" | "any",
    /// IPv4 alone.
    Ipv4 = "ipv4" | "ip4",
    /// IPv6 alone.
    Ipv6 = "ipv6" | "ip6",
    /// TCP: packets and the reassembled stream.
    Tcp = "tcp",
    /// TCP, each packet by itself.
    TcpPkt = "tcp-pkt",
    /// TCP, the reassembled stream alone.
    TcpStream = "tcp-stream",
    /// UDP.
    Udp = "udp",
    /// ICMP of either version.
    Icmp = "icmp",
    /// ICMP for IPv4.
    Icmpv4 = "icmpv4",
    /// ICMP for IPv6.
    Icmpv6 = "icmpv6",
    /// SCTP.
    Sctp = "sctp",
    /// Ethernet frames.
    Ether = "ether",
    /// ARP.
    Arp = "arp",
    /// Any packet, even one that could not be decoded.
    Pkthdr = "pkthdr",
}

protocols! {
    /// What a flow was found to speak (Suricata documentation: "Rules Format", Protocol).
    AppProtocol;
    /// The BitTorrent DHT.
    BittorrentDht = "bittorrent-dht",
    /// DCE/RPC.
    Dcerpc = "dcerpc",
    /// DHCP.
    Dhcp = "dhcp",
    /// DNP3.
    Dnp3 = "dnp3",
    /// DNS, also over HTTP/2.
    Dns = "dns",
    /// DNS over HTTP/2.
    Doh2 = "doh2",
    /// EtherNet/IP.
    Enip = "enip",
    /// FTP, control connection.
    Ftp = "ftp",
    /// FTP, data connection.
    FtpData = "ftp-data",
    /// HTTP of any version.
    Http = "http",
    /// HTTP/1.
    Http1 = "http1",
    /// HTTP/2.
    Http2 = "http2",
    /// IKE.
    Ike = "ike" | "ikev2",
    /// IMAP.
    Imap = "imap",
    /// IRC.
    Irc = "irc",
    /// Jabber (XMPP).
    Jabber = "jabber",
    /// Kerberos 5.
    Krb5 = "krb5",
    /// LDAP.
    Ldap = "ldap",
    /// Multicast DNS.
    Mdns = "mdns",
    /// Modbus.
    Modbus = "modbus",
    /// MQTT.
    Mqtt = "mqtt",
    /// NFS.
    Nfs = "nfs",
    /// NTP.
    Ntp = "ntp",
    /// PostgreSQL.
    Pgsql = "pgsql",
    /// POP3.
    Pop3 = "pop3",
    /// QUIC.
    Quic = "quic",
    /// RDP.
    Rdp = "rdp",
    /// RFB (VNC).
    Rfb = "rfb",
    /// SIP.
    Sip = "sip",
    /// SMB.
    Smb = "smb",
    /// SMTP.
    Smtp = "smtp",
    /// SNMP.
    Snmp = "snmp",
    /// SSH.
    Ssh = "ssh",
    /// Telnet.
    Telnet = "telnet",
    /// TFTP.
    Tftp = "tftp",
    /// TLS, SSL included.
    Tls = "tls" | "ssl",
    /// WebSocket.
    Websocket = "websocket",
}

/// The protocol of a rule.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Protocol {
    /// Seen in the packet.
    Packet(PacketProtocol),
    /// Seen in the flow.
    App(AppProtocol),
}

impl Protocol {
    /// The protocol of that name or alias, in any case.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let packet = PacketProtocol::from_name(name).map(Self::Packet);
        packet.or_else(|| AppProtocol::from_name(name).map(Self::App))
    }

    /// Its name in rules and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packet(protocol) => protocol.name(),
            Self::App(protocol) => protocol.name(),
        }
    }

    /// The protocol that a rule names.
    ///
    /// Parsing leaves this to the compiler: a rule whose `requires` is not met may name protocols of the future.
    ///
    /// # Errors
    ///
    /// When there is none of that name; the help names a similar one.
    pub fn resolve(name: &Text) -> Result<Self, Diagnostic> {
        Self::from_name(name).ok_or_else(|| {
            let written = name.to_str_lossy();
            let help = similar(&written).map_or_else(
                || "use `tcp`, `udp`, `icmp`, `ip` or an application protocol such as `http`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("there is no protocol `{written}`");
            Diagnostic::error("unknown-protocol", name.span(), message).with_help(help)
        })
    }
}

fn similar(written: &str) -> Option<&'static str> {
    let packet = PacketProtocol::ALL.iter().flat_map(|protocol| protocol.spellings());
    let app = AppProtocol::ALL.iter().flat_map(|protocol| protocol.spellings());
    let likeness = |name: &&str| strsim::jaro_winkler(name, &written.to_ascii_lowercase());
    packet
        .chain(app)
        .copied()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|name| likeness(name) > 0.8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_found_in_any_case_and_belong_to_one_protocol() {
        let packet = PacketProtocol::ALL.iter().map(|&one| (Protocol::Packet(one), one.spellings()));
        let app = AppProtocol::ALL.iter().map(|&one| (Protocol::App(one), one.spellings()));
        for (protocol, spellings) in packet.chain(app) {
            assert_eq!(protocol.name(), spellings[0]);
            for spelling in spellings {
                assert_eq!(Protocol::from_name(spelling.to_uppercase().as_bytes()), Some(protocol));
            }
        }
    }

    #[test]
    fn an_unknown_protocol_is_refused_with_a_similar_name() {
        let refusal = |name: &str| Protocol::resolve(&Text::detached(name).unwrap()).unwrap_err();
        assert_eq!(refusal("htpp").help.as_deref(), Some("did you mean `http`?"));
        assert_eq!(refusal("tcp_pkt").help.as_deref(), Some("did you mean `tcp-pkt`?"));
        assert!(refusal("asdf").help.unwrap().starts_with("use `tcp`"));
    }
}
