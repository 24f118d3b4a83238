//! The frames of SMTP (Suricata documentation: "SMTP Keywords").

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Carried, Field};

frames! {
    &[AppProtocol::Smtp], Carried::Tcp;
    /// A line of the client outside a mail; a frame with its end, and another without.
    CommandLine = "smtp.command_line",
    /// A mail as it is sent.
    Data = "smtp.data",
    /// A line of the server, with its end.
    ResponseLine = "smtp.response_line",
}
