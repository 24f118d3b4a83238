//! Connections that others have announced, between two hosts of this shard.

use crate::app_layer::parser::Expectation;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::net::IpAddr;

/// The most announcements kept at once.
const MAX: usize = 1024;

/// How long an announcement is believed.
const LIFETIME_NS: u64 = 60_000_000_000;

/// Announced connections, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Expectations {
    waiting: VecDeque<(Timestamp, [IpAddr; 2], Expectation)>,
}

impl Expectations {
    /// Notes an announcement between two hosts; whether an older one had to make room.
    pub(super) fn add(&mut self, time: Timestamp, hosts: [IpAddr; 2], expectation: Expectation) -> bool {
        let full = self.waiting.len() >= MAX;
        if full {
            self.waiting.pop_front();
        }
        self.waiting.push_back((time, hosts, expectation));
        full
    }

    /// Takes the announcement of a connection that begins.
    pub(super) fn take(
        &mut self,
        time: Timestamp,
        client: (IpAddr, u16),
        server: (IpAddr, u16),
    ) -> Option<Expectation> {
        while self.waiting.front().is_some_and(|(since, ..)| time.nanos_since(*since) > LIFETIME_NS) {
            self.waiting.pop_front();
        }
        let fits = |hosts: &[IpAddr; 2], expectation: &Expectation| {
            hosts.contains(&client.0)
                && hosts.contains(&server.0)
                && expectation.port == server.1
                && expectation.address.is_none_or(|address| address == server.0)
        };
        let at = self.waiting.iter().position(|(_, hosts, expectation)| fits(hosts, expectation))?;
        self.waiting.remove(at).map(|(_, _, expectation)| expectation)
    }

    /// Whether nothing was announced.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Direction;
    use rules::header::protocol::AppProtocol;

    #[test]
    fn an_announcement_is_taken_once_by_the_connection_it_means() {
        let [a, b]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let expectation = Expectation {
            address: Some(b),
            port: 2020,
            protocol: AppProtocol::FtpData,
            data: Direction::ToClient,
            about: Vec::new(),
        };
        let mut expectations = Expectations::default();
        assert!(!expectations.add(Timestamp::ZERO, [a, b], expectation.clone()));
        assert_eq!(expectations.take(Timestamp::ZERO, (a, 9), (b, 2021)), None);
        assert_eq!(expectations.take(Timestamp::ZERO, (b, 9), (a, 2020)), None);
        assert_eq!(expectations.take(Timestamp::ZERO, (a, 9), (b, 2020)), Some(expectation));
        assert!(expectations.is_empty());
    }
}
