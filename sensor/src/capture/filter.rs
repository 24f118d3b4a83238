//! BPF filter expressions, applied to frames from files. The expression's language and compiler are libpcap's.

use std::fmt;

use pcap::{BpfProgram, Capture, Linktype};

use super::frame::LinkType;

/// A filter expression that does not compile.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("filter \"{expression}\" does not compile for link type {}: {reason}", .link.0)]
pub struct FilterError {
    /// The expression.
    pub expression: String,
    /// The link type for which it was compiled; an expression may make sense for some only.
    pub link: LinkType,
    /// What libpcap said.
    pub reason: String,
}

/// A filter expression (pcap-filter(7)), compiled for each link type that occurs.
///
/// Sees the captured bytes alone: to `len` and `greater` a frame is as long as what was captured of it.
pub struct FrameFilter {
    expression: String,
    /// libpcap knows some hundred link types and refuses the others, so this stays short.
    programs: Vec<(LinkType, BpfProgram)>,
}

impl fmt::Debug for FrameFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameFilter").field("expression", &self.expression).finish_non_exhaustive()
    }
}

impl FrameFilter {
    /// Compiles `expression` for Ethernet, which finds what is wrong with its words.
    pub fn compile(expression: &str) -> Result<Self, FilterError> {
        let ethernet = program(expression, LinkType::ETHERNET)?;
        Ok(Self { expression: expression.to_owned(), programs: vec![(LinkType::ETHERNET, ethernet)] })
    }

    /// Whether a frame of this link type matches.
    pub fn matches(&mut self, link: LinkType, bytes: &[u8]) -> Result<bool, FilterError> {
        if let Some((_, program)) = self.programs.iter().find(|(known, _)| *known == link) {
            return Ok(program.filter(bytes));
        }
        let program = program(&self.expression, link)?;
        let matches = program.filter(bytes);
        self.programs.push((link, program));
        Ok(matches)
    }
}

fn program(expression: &str, link: LinkType) -> Result<BpfProgram, FilterError> {
    let fault = |reason: pcap::Error| FilterError {
        expression: expression.to_owned(),
        link,
        reason: reason.to_string(),
    };
    Capture::dead(Linktype(data_link_type(link)))
        .and_then(|dead| dead.compile(expression, true))
        .map_err(fault)
}

/// libpcap's own number (`DLT_`) for a link type. They differ where systems disagreed before there was a registry.
/// Source: the Linux column of <https://www.tcpdump.org/linktypes.html>.
fn data_link_type(link: LinkType) -> i32 {
    match link.0 {
        100 => 11,
        101 => 12,
        102 => 15,
        103 => 16,
        106 => 19,
        other => i32::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4_UDP: [u8; 28] =
        [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 68, 0, 67, 0, 8, 0, 0];

    fn ethernet(ip: &[u8]) -> Vec<u8> {
        [&[0; 12][..], &[8, 0], ip].concat()
    }

    #[test]
    fn matches_frames_of_several_link_types() {
        let mut filter = FrameFilter::compile("udp port 67").expect("a valid expression");
        assert_eq!(filter.matches(LinkType::ETHERNET, &ethernet(&IPV4_UDP)), Ok(true));
        assert_eq!(filter.matches(LinkType::RAW, &IPV4_UDP), Ok(true));
        assert_eq!(filter.matches(LinkType::RAW, &IPV4_UDP[..21]), Ok(false));
        assert_eq!(filter.matches(LinkType::ETHERNET, &IPV4_UDP), Ok(false));
        assert_eq!(filter.matches(LinkType::ETHERNET, &[]), Ok(false));
    }

    #[test]
    fn a_bad_expression_is_named() {
        let error = FrameFilter::compile("udp prot 67").expect_err("no such word");
        assert_eq!(error.expression, "udp prot 67");
        assert!(!error.reason.is_empty());
    }

    #[test]
    fn an_expression_may_not_fit_a_link_type() {
        let mut filter = FrameFilter::compile("ether host 00:11:22:33:44:55").expect("fits Ethernet");
        let error = filter.matches(LinkType::RAW, &IPV4_UDP).expect_err("raw IP has no such addresses");
        assert_eq!(error.link, LinkType::RAW);
    }
}
