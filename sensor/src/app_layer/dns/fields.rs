//! Fields of DNS (Suricata documentation: "DNS Keywords"; names of RFC 1035, 3596, 6895 and the IANA registry "Domain
//! Name System Parameters").

use crate::app_layer::progress::COMPLETE;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Reach};

const DNS: &[AppProtocol] = &[AppProtocol::Dns];
const REQUEST: Reach = Reach::to_server(COMPLETE);
const RESPONSE: Reach = Reach::to_client(COMPLETE);
const EITHER: Reach = Reach::both(COMPLETE, COMPLETE);

fields! {
    /// Each name a request asks for.
    QUERY = Field::many_bytes("dns.query", DNS, REQUEST).alias(&["dns_query"]);
    /// Each name asked for, in requests and responses.
    QUERY_NAME = Field::many_bytes("dns.queries.rrname", DNS, EITHER).alias(&["dns.query.name"]);
    /// The owner of each answer.
    ANSWER_NAME = Field::many_bytes("dns.answers.rrname", DNS, EITHER).alias(&["dns.answer.name"]);
    /// The owner of each authority record.
    AUTHORITY_NAME = Field::many_bytes("dns.authorities.rrname", DNS, EITHER);
    /// The owner of each additional record.
    ADDITIONAL_NAME = Field::many_bytes("dns.additionals.rrname", DNS, EITHER);
    /// Each name in a response: asked for, owners, and names that records point to.
    RESPONSE_NAME = Field::many_bytes("dns.response.rrname", DNS, RESPONSE);
    /// The kind of operation.
    OPCODE = Field::number("dns.opcode", DNS, EITHER, 255).names(&[
        ("QUERY", 0), ("IQUERY", 1), ("STATUS", 2), ("NOTIFY", 4), ("UPDATE", 5), ("DSO", 6),
    ]);
    /// How the operation went.
    RCODE = Field::number("dns.rcode", DNS, EITHER, 65_535).names(&[
        ("NOERROR", 0), ("FORMERR", 1), ("SERVFAIL", 2), ("NXDOMAIN", 3), ("NOTIMP", 4), ("REFUSED", 5),
        ("YXDOMAIN", 6), ("YXRRSET", 7), ("NXRRSET", 8), ("NOTAUTH", 9), ("NOTZONE", 10), ("BADVERS", 16),
        ("BADSIG", 16), ("BADKEY", 17), ("BADTIME", 18), ("BADMODE", 19), ("BADNAME", 20), ("BADALG", 21),
        ("BADTRUNC", 22),
    ]);
    /// The type of each record and question.
    RRTYPE = Field::many_numbers("dns.rrtype", DNS, EITHER, 65_535).names(&[
        ("A", 1), ("NS", 2), ("MD", 3), ("MF", 4), ("CNAME", 5), ("SOA", 6), ("MB", 7), ("MG", 8), ("MR", 9),
        ("NULL", 10), ("WKS", 11), ("PTR", 12), ("HINFO", 13), ("MINFO", 14), ("MX", 15), ("TXT", 16),
        ("RP", 17), ("AFSDB", 18), ("X25", 19), ("ISDN", 20), ("RT", 21), ("NSAP", 22), ("NSAPPTR", 23),
        ("SIG", 24), ("KEY", 25), ("PX", 26), ("GPOS", 27), ("AAAA", 28), ("LOC", 29), ("NXT", 30), ("SRV", 33),
        ("ATMA", 34), ("NAPTR", 35), ("KX", 36), ("CERT", 37), ("A6", 38), ("DNAME", 39), ("OPT", 41),
        ("APL", 42), ("DS", 43), ("SSHFP", 44), ("IPSECKEY", 45), ("RRSIG", 46), ("NSEC", 47), ("DNSKEY", 48),
        ("DHCID", 49), ("NSEC3", 50), ("NSEC3PARAM", 51), ("TLSA", 52), ("SMIMEA", 53), ("HIP", 55),
        ("CDS", 59), ("CDNSKEY", 60), ("OPENPGPKEY", 61), ("CSYNC", 62), ("ZONEMD", 63), ("SVCB", 64),
        ("HTTPS", 65), ("SPF", 99), ("TKEY", 249), ("TSIG", 250), ("IXFR", 251), ("AXFR", 252), ("MAILB", 253),
        ("MAILA", 254), ("ANY", 255), ("URI", 256), ("CAA", 257),
    ]);
}
