//! The frames of FTP (Suricata documentation: "Frame Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Ftp], Carried::Tcp;
    /// A line of the client, with its end.
    CommandLine = "ftp.command_line",
    /// A line of the server, with its end.
    ResponseLine = "ftp.response_line",
}
