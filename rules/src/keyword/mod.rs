//! Keywords: one file a family, one row each.
//!
//! A row carries its own doc, an example that hits, one that misses and one that is refused; one loop tests them all,
//! and README's table and `sensor rules keywords` are made from the rows.

mod argument;
pub mod example;

mod absent;
mod app_event;
mod app_protocol;
mod app_state;
mod asn1;
mod base64;
mod bits;
mod bsize;
mod buffer;
mod byte_extract;
mod byte_jump;
mod byte_read;
mod byte_test;
mod checksum;
mod content;
mod control;
pub(crate) mod dataset;
mod dsize;
mod entropy;
mod event;
mod flow;
mod flow_number;
mod flow_way;
mod flowint;
mod frame;
mod icmp;
mod ip_bits;
mod ip_header;
mod ip_proto;
mod isdataat;
mod limit;
mod meta;
mod not_yet;
mod number;
pub(crate) mod pcre;
mod report;
mod reputation;
pub(crate) mod requires;
mod rpc;
mod tag;
mod tcp_flags;
mod tcp_header;
mod unsupported;
mod variable;
mod vlan;

pub use app_state::{REQUEST_PROGRESS, RESPONSE_PROGRESS};
pub use argument::Argument;
pub use example::Example;
pub use frame::STREAM;
pub use not_yet::NOT_YET;
pub use pcre::MatchMemory;

use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::transform;

/// A word that rules may use as an option.
pub trait Keyword: Sync {
    /// The word.
    fn name(&self) -> &'static str;

    /// Other words meaning the same.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// What it does, for the user: one or two sentences.
    fn doc(&self) -> &'static str;

    /// Rules that show it, each with a packet on which it matches and one on which it doesn't.
    fn examples(&self) -> Vec<Example>;

    /// Values that are refused, as whole options.
    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    /// Why the word is refused wherever it stands; nothing for one that is understood.
    fn unsupported(&self) -> Option<&'static str> {
        None
    }

    /// Reads the option into the draft.
    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic>;
}

/// Every keyword of the language, in the order in which they are shown.
pub static KEYWORDS: &[&dyn Keyword] = &[
    &meta::Msg,
    &meta::Sid,
    &meta::Gid,
    &meta::Rev,
    &meta::Classtype,
    &meta::Priority,
    &meta::Reference,
    &meta::Metadata,
    &report::TargetKeyword,
    &requires::Requires,
    &content::ContentKeyword,
    &content::Nocase,
    &content::Offset,
    &content::Depth,
    &content::Distance,
    &content::Within,
    &content::StartsWith,
    &content::EndsWith,
    &content::FastPattern,
    &content::RawBytes,
    &content::Replace,
    &pcre::Pcre,
    &isdataat::IsDataAt,
    &byte_test::ByteTest,
    &byte_jump::ByteJump,
    &byte_extract::ByteExtract,
    &byte_extract::ByteMath,
    &dsize::Dsize,
    &bsize::Bsize,
    &absent::AbsentKeyword,
    &entropy::Entropy,
    &asn1::Asn1,
    &dataset::DatasetKeyword,
    &dataset::DatarepKeyword,
    &base64::Base64Decode,
    &base64::Base64Data,
    &transform::DOTPREFIX,
    &transform::TO_LOWERCASE,
    &transform::TO_UPPERCASE,
    &transform::STRIP_WHITESPACE,
    &transform::COMPRESS_WHITESPACE,
    &transform::URL_DECODE,
    &transform::XorKeyword,
    &transform::HEADER_LOWERCASE,
    &transform::STRIP_PSEUDO_HEADERS,
    &transform::TO_MD5,
    &transform::TO_SHA1,
    &transform::TO_SHA256,
    &transform::PcreTransform,
    &transform::FromBase64,
    &transform::GUNZIP,
    &transform::ZLIB_DEFLATE,
    &transform::Subslice,
    &transform::DOMAIN,
    &transform::TLD,
    &buffer::PktData,
    &buffer::IPV4_HDR,
    &buffer::IPV6_HDR,
    &buffer::TCP_HDR,
    &buffer::UDP_HDR,
    &buffer::ICMPV4_HDR,
    &buffer::ICMPV6_HDR,
    &buffer::IP_SRC,
    &buffer::IP_DST,
    &flow::Flow,
    &flow_number::AGE,
    &flow_way::PACKETS,
    &flow_number::PACKETS_TO_SERVER,
    &flow_number::PACKETS_TO_CLIENT,
    &flow_way::BYTES,
    &flow_number::BYTES_TO_SERVER,
    &flow_number::BYTES_TO_CLIENT,
    &flow_way::ELEPHANT,
    &flow_way::STREAM_SIZE,
    &bits::Flowbits,
    &bits::Xbits,
    &bits::Hostbits,
    &flowint::Flowint,
    &variable::FLOWVAR,
    &variable::PKTVAR,
    &ip_header::TTL,
    &ip_header::TOS,
    &ip_header::ID,
    &ip_bits::FragBits,
    &ip_header::FRAGMENT_OFFSET,
    &ip_bits::IpOpts,
    &ip_proto::IpProto,
    &ip_header::SameIp,
    &reputation::IpRep,
    &reputation::GeoIp,
    &tcp_flags::TcpFlags,
    &tcp_header::SEQUENCE,
    &tcp_header::ACKNOWLEDGEMENT,
    &tcp_header::WINDOW,
    &tcp_header::MAXIMUM_SEGMENT_SIZE,
    &tcp_header::WINDOW_SCALE,
    &icmp::TYPE,
    &icmp::CODE,
    &icmp::ID,
    &icmp::SEQUENCE,
    &icmp::MTU,
    &vlan::VlanId,
    &vlan::LAYERS,
    &checksum::IPV4,
    &checksum::TCP_V4,
    &checksum::TCP_V6,
    &checksum::UDP_V4,
    &checksum::UDP_V6,
    &checksum::ICMP_V4,
    &checksum::ICMP_V6,
    &rpc::Rpc,
    &app_protocol::AppLayerProtocol,
    &app_state::AppLayerState,
    &app_event::AppLayerEvent,
    &event::DecodeEventKeyword,
    &event::StreamEventKeyword,
    &report::NoAlert,
    &report::Alert,
    &limit::ThresholdKeyword,
    &limit::DetectionFilter,
    &tag::Tag,
    &control::Prefilter,
    &control::Bypass,
    &control::Config,
    &control::NfqSetMark,
    &unsupported::LUA,
    &unsupported::LUAJIT,
    &unsupported::LUAXFORM,
    &frame::FrameKeyword,
];
