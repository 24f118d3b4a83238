//! Countries of addresses: `geoip` (Suricata documentation: "IP Keywords", geoip), from a database in MaxMind's
//! format ("MaxMind DB File Format Specification", version 2.0).

use maxminddb::{MaxMindDbError, PathElement, Reader};
use std::fmt;
use std::net::IpAddr;

/// A database of countries, in memory.
pub struct Countries {
    database: Reader<Vec<u8>>,
}

/// Where in the record of an address its country stands.
const COUNTRY: &[PathElement<'static>] = &[PathElement::Key("country"), PathElement::Key("iso_code")];

impl Countries {
    /// The database in these bytes.
    ///
    /// # Errors
    ///
    /// When they are no database.
    pub fn new(bytes: Vec<u8>) -> Result<Self, MaxMindDbError> {
        Reader::from_source(bytes).map(|database| Self { database })
    }

    /// The country of an address, by two capital letters (ISO 3166-1). Of one that the database does not have, or has
    /// without a country, nothing is known.
    pub fn country(&self, address: IpAddr) -> Option<[u8; 2]> {
        let found = self.database.lookup(address).ok()?;
        let code: &str = found.decode_path(COUNTRY).ok()??;
        code.as_bytes().try_into().ok()
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Countries").field("nodes", &self.database.metadata().node_count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixtures::mmdb;

    #[test]
    fn addresses_are_in_the_country_of_their_network() {
        let bytes = mmdb::countries(&[("203.0.113.0", 24, "NZ"), ("192.0.2.128", 25, "CA")]);
        let countries = Countries::new(bytes).unwrap();
        for (address, country) in [
            ("203.0.113.7", Some(*b"NZ")),
            ("192.0.2.129", Some(*b"CA")),
            ("192.0.2.1", None),
            ("203.0.112.255", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(countries.country(address.parse().unwrap()), country, "{address}");
        }
    }

    #[test]
    fn what_is_no_database_is_refused_and_a_country_in_more_letters_is_none() {
        assert!(Countries::new(b"no database".to_vec()).is_err());
        let countries = Countries::new(mmdb::countries(&[("203.0.113.0", 24, "NZL")])).unwrap();
        assert_eq!(countries.country(IpAddr::from([203, 0, 113, 7])), None);
    }
}
