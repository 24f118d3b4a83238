//! `ip_proto`: the protocol number of an IP packet.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::{IntegerMatch, parse_u64};
use crate::signature::{Condition, Scope};
use crate::view::View;

/// `ip_proto` (Suricata documentation: "IP Keywords", ip_proto).
#[derive(Debug)]
pub(super) struct IpProto;

impl Keyword for IpProto {
    fn name(&self) -> &'static str {
        "ip_proto"
    }

    fn doc(&self) -> &'static str {
        "The protocol of an IP packet, by number or IANA name; with `!` any other, with `<` or `>` a lower or \
         higher number. Several, all of which must hold, may stand in a rule, of which none may be a plain number."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert ip any any -> any any (ip_proto:PIM; sid:1;)",
                |stage| stage.network[9] = 103,
                |stage| stage.network[9] = 6,
            ),
            Example::staged(
                "alert ip any any -> any any (ip_proto:!tcp; ip_proto:!17; ip_proto:<50; sid:1;)",
                |stage| stage.network[9] = 47,
                |stage| stage.network[9] = 17,
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "ip_proto",
            "ip_proto:256",
            "ip_proto:nosuch",
            "ip_proto:6; ip_proto:17",
            "ip_proto:!1; ip_proto:6",
            "ip_proto:>10; ip_proto:>20",
            "ip_proto:<10; ip_proto:>20",
            "ip_proto:<0",
            "ip_proto:>255",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let form = read(&text).ok_or_else(|| {
            argument
                .error("bad-protocol-number", format!("`{text}` is no IP protocol"))
                .with_help("write a number up to 255 or a name such as `tcp`, with `!`, `<` or `>` before it")
        })?;
        if draft.ip_protocols.iter().any(|&other| contradict(form, other)) {
            return Err(argument
                .error(
                    "contradictory-protocols",
                    "this leaves nothing of what stands before it, or repeats it",
                )
                .with_help("keep one `ip_proto`, or combine `!` with at most one `<` and one `>`"));
        }
        draft.ip_protocols.push(form);
        draft.conditions.push(Box::new(Number(form)));
        Ok(())
    }
}

fn read(text: &str) -> Option<IntegerMatch> {
    let number = |text: &str| -> Option<u64> {
        let text = text.trim();
        let named = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|&(_, number)| number.into()).or_else(|| parse_u64(text).filter(|&number| number <= MAX))
    };
    let form = match text.as_bytes().first()? {
        b'!' => IntegerMatch::NotEqual(number(&text[1..])?),
        b'<' => IntegerMatch::Less(number(&text[1..])?),
        b'>' => IntegerMatch::Greater(number(&text[1..])?),
        _ => IntegerMatch::Equal(number(text)?),
    };
    (!matches!(form, IntegerMatch::Less(0) | IntegerMatch::Greater(MAX))).then_some(form)
}

fn contradict(one: IntegerMatch, other: IntegerMatch) -> bool {
    use IntegerMatch::{Equal, Greater, Less};
    match (one, other) {
        (Equal(_), _) | (_, Equal(_)) | (Less(_), Less(_)) | (Greater(_), Greater(_)) => true,
        (Less(high), Greater(low)) | (Greater(low), Less(high)) => high <= low + 1,
        _ => false,
    }
}

#[derive(Debug)]
struct Number(IntegerMatch);

impl Condition for Number {
    fn holds(&self, view: &View<'_>) -> bool {
        view.packet.is_ip() && self.0.holds(view.packet.protocol.into())
    }

    fn scope(&self) -> Scope {
        Scope::Address
    }

    fn explain(&self) -> String {
        format!("the IP protocol is {}", self.0)
    }
}

const MAX: u64 = u8::MAX as u64;

/// IANA, "Assigned Internet Protocol Numbers", with the names of the common `protocols` file beside.
const NAMES: &[(&str, u8)] = &[
    ("ip", 0),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ggp", 3),
    ("ipv4", 4),
    ("ipencap", 4),
    ("st", 5),
    ("tcp", 6),
    ("cbt", 7),
    ("egp", 8),
    ("igp", 9),
    ("bbn-rcc-mon", 10),
    ("nvp-ii", 11),
    ("pup", 12),
    ("argus", 13),
    ("emcon", 14),
    ("xnet", 15),
    ("chaos", 16),
    ("udp", 17),
    ("mux", 18),
    ("dcn-meas", 19),
    ("hmp", 20),
    ("prm", 21),
    ("xns-idp", 22),
    ("trunk-1", 23),
    ("trunk-2", 24),
    ("leaf-1", 25),
    ("leaf-2", 26),
    ("rdp", 27),
    ("irtp", 28),
    ("iso-tp4", 29),
    ("netblt", 30),
    ("mfe-nsp", 31),
    ("merit-inp", 32),
    ("dccp", 33),
    ("3pc", 34),
    ("idpr", 35),
    ("xtp", 36),
    ("ddp", 37),
    ("idpr-cmtp", 38),
    ("tp++", 39),
    ("il", 40),
    ("ipv6", 41),
    ("sdrp", 42),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("idrp", 45),
    ("rsvp", 46),
    ("gre", 47),
    ("dsr", 48),
    ("bna", 49),
    ("esp", 50),
    ("ipv6-crypt", 50),
    ("ah", 51),
    ("ipv6-auth", 51),
    ("i-nlsp", 52),
    ("swipe", 53),
    ("narp", 54),
    ("mobile", 55),
    ("tlsp", 56),
    ("skip", 57),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("icmp6", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("cftp", 62),
    ("sat-expak", 64),
    ("kryptolan", 65),
    ("rvd", 66),
    ("ippc", 67),
    ("sat-mon", 69),
    ("visa", 70),
    ("ipcv", 71),
    ("cpnx", 72),
    ("rspf", 73),
    ("cphb", 73),
    ("wsn", 74),
    ("pvp", 75),
    ("br-sat-mon", 76),
    ("sun-nd", 77),
    ("wb-mon", 78),
    ("wb-expak", 79),
    ("iso-ip", 80),
    ("vmtp", 81),
    ("secure-vmtp", 82),
    ("vines", 83),
    ("ttp", 84),
    ("iptm", 84),
    ("nsfnet-igp", 85),
    ("dgp", 86),
    ("tcf", 87),
    ("eigrp", 88),
    ("ospf", 89),
    ("ospfigp", 89),
    ("sprite-rpc", 90),
    ("larp", 91),
    ("mtp", 92),
    ("ax.25", 93),
    ("ipip", 94),
    ("micp", 95),
    ("scc-sp", 96),
    ("etherip", 97),
    ("encap", 98),
    ("gmtp", 100),
    ("ifmp", 101),
    ("pnni", 102),
    ("pim", 103),
    ("aris", 104),
    ("scps", 105),
    ("qnx", 106),
    ("a/n", 107),
    ("ipcomp", 108),
    ("snp", 109),
    ("compaq-peer", 110),
    ("ipx-in-ip", 111),
    ("vrrp", 112),
    ("carp", 112),
    ("pgm", 113),
    ("l2tp", 115),
    ("ddx", 116),
    ("iatp", 117),
    ("stp", 118),
    ("srp", 119),
    ("uti", 120),
    ("smp", 121),
    ("sm", 122),
    ("ptp", 123),
    ("isis", 124),
    ("fire", 125),
    ("crtp", 126),
    ("crudp", 127),
    ("sscopmce", 128),
    ("iplt", 129),
    ("sps", 130),
    ("pipe", 131),
    ("sctp", 132),
    ("fc", 133),
    ("rsvp-e2e-ignore", 134),
    ("mobility-header", 135),
    ("udplite", 136),
    ("mpls-in-ip", 137),
    ("manet", 138),
    ("hip", 139),
    ("shim6", 140),
    ("wesp", 141),
    ("rohc", 142),
];
