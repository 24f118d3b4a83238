//! One datagram: the fixed fields of RFC 951 and RFC 2131 §2, and the few options that events need.

use crate::event::{DhcpKind, HardwareAddress};
use std::net::Ipv4Addr;

/// Up to and including `file`: without it there is no message.
const FIXED_LEN: usize = 236;
/// What tells DHCP and vendor extensions from other contents of the BOOTP vendor area (RFC 2131 §3).
const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Options by their numbers (RFC 2132).
mod option {
    pub(super) const PAD: u8 = 0;
    pub(super) const REQUESTED_ADDRESS: u8 = 50;
    pub(super) const OVERLOAD: u8 = 52;
    pub(super) const MESSAGE_TYPE: u8 = 53;
    pub(super) const SERVER_ID: u8 = 54;
    pub(super) const END: u8 = 255;
}

/// Who speaks: `op`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// A client, BOOTREQUEST.
    Request,
    /// A server, BOOTREPLY.
    Reply,
}

/// What one message says, as far as events need it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub operation: Operation,
    /// `htype`; 1 is Ethernet.
    pub hardware_type: u8,
    /// `chaddr`, as far as `hlen` says.
    pub client: HardwareAddress,
    /// `xid`.
    pub transaction_id: u32,
    /// The address the client has.
    pub ciaddr: Ipv4Addr,
    /// The address the server gives.
    pub yiaddr: Ipv4Addr,
    /// The relay.
    pub giaddr: Ipv4Addr,
    /// Option 53, as events name it.
    pub kind: DhcpKind,
    /// Option 53; nothing in plain BOOTP.
    pub message_type: Option<u8>,
    /// Option 50.
    pub requested_address: Option<Ipv4Addr>,
    /// Option 54.
    pub server_id: Option<Ipv4Addr>,
}

/// A datagram that is neither DHCPv4 nor BOOTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// It ends within the fixed fields.
    #[error("shorter than a BOOTP message")]
    Short,
    /// `op` is neither BOOTREQUEST nor BOOTREPLY.
    #[error("neither a request nor a reply")]
    Operation,
    /// `hlen` exceeds `chaddr`.
    #[error("a hardware address longer than its field")]
    HardwareLength,
}

/// Reads the payload of a UDP datagram.
///
/// Options that are cut off or of the wrong length are passed over: whatever was readable before still counts.
/// Without the magic cookie it is plain BOOTP and has no options.
///
/// # Errors
/// When the fixed fields are not those of a message.
pub fn parse(payload: &[u8]) -> Result<Message, Malformed> {
    let (fixed, rest) = payload.split_first_chunk::<FIXED_LEN>().ok_or(Malformed::Short)?;
    let operation = match fixed[0] {
        1 => Operation::Request,
        2 => Operation::Reply,
        _ => return Err(Malformed::Operation),
    };
    if fixed[2] > 16 {
        return Err(Malformed::HardwareLength);
    }
    let options = rest.strip_prefix(&MAGIC_COOKIE).map(|options| Options::collect(options, fixed));
    let options = options.unwrap_or_default();
    let message_type = options.message_type.first().copied();
    Ok(Message {
        operation,
        hardware_type: fixed[1],
        client: HardwareAddress::new(array(fixed, 28), fixed[2]),
        transaction_id: u32::from_be_bytes(array(fixed, 4)),
        ciaddr: array::<4>(fixed, 12).into(),
        yiaddr: array::<4>(fixed, 16).into(),
        giaddr: array::<4>(fixed, 24).into(),
        kind: message_type.map_or(DhcpKind::Unspecified, DhcpKind::from_message_type),
        message_type,
        requested_address: options.requested_address.whole().map(Ipv4Addr::from),
        server_id: options.server_id.whole().map(Ipv4Addr::from),
    })
}

/// `N` bytes of the fixed fields; `at` is a constant within them.
fn array<const N: usize>(fixed: &[u8; FIXED_LEN], at: usize) -> [u8; N] {
    let (bytes, _) = fixed[at..].split_first_chunk().expect("within the fixed fields");
    *bytes
}

/// The options of interest. One that occurs several times is one option in pieces (RFC 3396 §5); of what is
/// longer than it may be, the beginning counts.
#[derive(Default)]
struct Options {
    message_type: Value<1>,
    requested_address: Value<4>,
    server_id: Value<4>,
    overload: Value<1>,
}

impl Options {
    /// Reads the option field, then `file` and `sname` where option 52 says that they hold options too
    /// (RFC 2131 §4.1; the order is that of RFC 3396 §5). Option 52 counts in the option field alone.
    fn collect(options: &[u8], fixed: &[u8; FIXED_LEN]) -> Self {
        let mut found = Self::default();
        found.read(options);
        let overload = found.overload.first().copied().unwrap_or(0);
        if matches!(overload, 1 | 3) {
            found.read(&fixed[108..]);
        }
        if matches!(overload, 2 | 3) {
            found.read(&fixed[44..108]);
        }
        found
    }

    fn read(&mut self, mut area: &[u8]) {
        while let [code, rest @ ..] = area {
            area = match (*code, rest) {
                (option::END, _) => return,
                (option::PAD, _) => rest,
                (code, [len, rest @ ..]) => {
                    let Some((value, rest)) = rest.split_at_checked(usize::from(*len)) else { return };
                    self.take(code, value);
                    rest
                }
                (_, []) => return,
            };
        }
    }

    fn take(&mut self, code: u8, value: &[u8]) {
        match code {
            option::MESSAGE_TYPE => self.message_type.append(value),
            option::REQUESTED_ADDRESS => self.requested_address.append(value),
            option::SERVER_ID => self.server_id.append(value),
            option::OVERLOAD => self.overload.append(value),
            _ => {}
        }
    }
}

/// The first `N` bytes of an option's value, put together from its pieces.
struct Value<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Default for Value<N> {
    fn default() -> Self {
        Self { bytes: [0; N], len: 0 }
    }
}

impl<const N: usize> Value<N> {
    fn append(&mut self, piece: &[u8]) {
        let taken = piece.len().min(N - self.len);
        self.bytes[self.len..self.len + taken].copy_from_slice(&piece[..taken]);
        self.len += taken;
    }

    fn whole(&self) -> Option<[u8; N]> {
        (self.len == N).then_some(self.bytes)
    }
}

impl Value<1> {
    fn first(&self) -> Option<&u8> {
        self.bytes[..self.len].first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixtures::dhcp as build;
    use fixtures::dhcp::option as code;
    use proptest::prelude::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

    fn read(message: &build::Message) -> Message {
        parse(&message.bytes()).unwrap()
    }

    #[test]
    fn reads_the_fixed_fields_and_options() {
        let message = build::Message::new(build::REQUEST, MAC, 0xfedc_ba98)
            .client_address([10, 0, 0, 1])
            .your_address([10, 0, 0, 2])
            .relay_address([10, 0, 0, 3])
            .option(code::HOST_NAME, b"name")
            .option(code::REQUESTED_ADDRESS, &[10, 0, 0, 4])
            .option(code::SERVER_IDENTIFIER, &[10, 0, 0, 5])
            .option(code::RELAY_AGENT, &[1, 2, 53, 5]);
        assert_eq!(
            read(&message),
            Message {
                operation: Operation::Request,
                hardware_type: 1,
                client: HardwareAddress::new(message.chaddr, 6),
                transaction_id: 0xfedc_ba98,
                ciaddr: [10, 0, 0, 1].into(),
                yiaddr: [10, 0, 0, 2].into(),
                giaddr: [10, 0, 0, 3].into(),
                kind: DhcpKind::Request,
                message_type: Some(3),
                requested_address: Some([10, 0, 0, 4].into()),
                server_id: Some([10, 0, 0, 5].into()),
            }
        );
    }

    #[test]
    fn knows_every_type_by_number() {
        let kinds: Vec<DhcpKind> =
            (0..=9).map(|message_type| read(&build::Message::new(message_type, MAC, 1)).kind).collect();
        use DhcpKind::*;
        let expected =
            [Unspecified, Discover, Offer, Request, Decline, Ack, Nack, Release, Inform, Unspecified];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn without_the_cookie_it_is_plain_bootp() {
        let mut message = build::Message::new(build::DISCOVER, MAC, 7);
        message.cookie = [1, 2, 3, 4];
        let bootp = read(&message);
        assert_eq!((bootp.kind, bootp.message_type), (DhcpKind::Unspecified, None));
        assert_eq!(bootp.transaction_id, 7);
        assert_eq!(parse(&message.bytes()[..FIXED_LEN]).unwrap(), bootp);
    }

    #[test]
    fn overloaded_fields_hold_options_in_the_order_file_sname() {
        let address = [10, 0, 0, 9];
        let in_both = |overload: u8| {
            let message = build::Message::bootp(MAC, 1)
                .option(code::OVERLOAD, &[overload])
                .option_in_file(code::MESSAGE_TYPE, &[build::REQUEST])
                .option_in_sname(code::MESSAGE_TYPE, &[build::DECLINE])
                .option_in_sname(code::REQUESTED_ADDRESS, &address);
            let message = read(&message);
            (message.message_type, message.requested_address.map(|address| address.octets()))
        };
        assert_eq!(in_both(0), (None, None));
        assert_eq!(in_both(1), (Some(build::REQUEST), None));
        assert_eq!(in_both(2), (Some(build::DECLINE), Some(address)));
        assert_eq!(in_both(3), (Some(build::REQUEST), Some(address)));
        assert_eq!(in_both(4), (None, None));
    }

    #[test]
    fn an_option_in_pieces_is_one() {
        let message = build::Message::new(build::REQUEST, MAC, 1)
            .option(code::REQUESTED_ADDRESS, &[10, 1])
            .option(43, &[0; 300])
            .option(code::REQUESTED_ADDRESS, &[2, 3])
            .option(code::SERVER_IDENTIFIER, &[10, 0, 0]);
        let message = read(&message);
        assert_eq!(message.requested_address, Some([10, 1, 2, 3].into()));
        assert_eq!(message.server_id, None);
    }

    #[test]
    fn options_end_with_the_mark_or_where_they_are_cut() {
        let mut message = build::Message::bootp(MAC, 1);
        message.options = vec![0, 0, 255, 53, 1, 5];
        assert_eq!(read(&message).message_type, None);
        message.options = vec![53, 1, 5, 50, 4, 10, 0];
        message.end = false;
        assert_eq!((read(&message).kind, read(&message).requested_address), (DhcpKind::Ack, None));
        message.options = vec![53, 1, 5, 50];
        assert_eq!(read(&message).kind, DhcpKind::Ack);
        message.options = vec![53, 0, 53, 1, 5];
        assert_eq!(read(&message).kind, DhcpKind::Ack);
    }

    #[test]
    fn refuses_what_is_no_message() {
        let mut message = build::Message::new(build::DISCOVER, MAC, 1);
        assert_eq!(parse(&message.bytes()[..FIXED_LEN - 1]), Err(Malformed::Short));
        assert_eq!(parse(&[]), Err(Malformed::Short));
        message.hardware_len = 17;
        assert_eq!(parse(&message.bytes()), Err(Malformed::HardwareLength));
        message.op = 3;
        assert_eq!(parse(&message.bytes()), Err(Malformed::Operation));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_fault(
            op in 0_u8..4,
            mut payload in prop::collection::vec(any::<u8>(), 236..700),
            cookie: bool,
        ) {
            payload[0] = op;
            if cookie && payload.len() >= 240 {
                payload[236..240].copy_from_slice(&MAGIC_COOKIE);
            }
            if let Ok(message) = parse(&payload) {
                prop_assert!(cookie || message.message_type.is_none() || payload[236..].starts_with(&MAGIC_COOKIE));
            }
        }

        #[test]
        fn whatever_is_cut_off_leaves_the_rest_as_it_was(cut in 236_usize..=310) {
            let whole = build::Message::new(build::REQUEST, MAC, 5)
                .option(code::REQUESTED_ADDRESS, &[10, 0, 0, 4])
                .option(code::HOST_NAME, &[b'x'; 40])
                .option(code::SERVER_IDENTIFIER, &[10, 0, 0, 5])
                .bytes();
            let message = parse(&whole[..cut.min(whole.len())]).unwrap();
            prop_assert_eq!(message.message_type, (cut >= 243).then_some(build::REQUEST));
            prop_assert_eq!(message.requested_address.is_some(), cut >= 249);
            prop_assert_eq!(message.server_id.is_some(), cut >= 297);
        }
    }
}
