//! What can be wrong with a DNS message.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Dns];
    InfiniteLoop = "infinite_loop",
    InvalidAdditionals = "invalid_additionals",
    InvalidAuthorities = "invalid_authorities",
    InvalidOpcode = "invalid_opcode",
    MalformedData = "malformed_data",
    NameTooLong = "name_too_long",
    NotRequest = "not_request",
    NotResponse = "not_response",
    TooManyLabels = "too_many_labels",
    ZFlagSet = "z_flag_set",
}
