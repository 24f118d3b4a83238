//! How far a request or a response has come, for protocols whose messages come whole.

use rules::vocabulary::Hook;

/// Its first byte was seen.
pub const STARTED: u8 = 0;
/// All of it is there.
pub const COMPLETE: u8 = 1;

/// The states of transactions whose messages come whole.
pub static TWO_STATES: &[Hook] = &[
    Hook::request("request_started", STARTED),
    Hook::request("request_complete", COMPLETE),
    Hook::response("response_started", STARTED),
    Hook::response("response_complete", COMPLETE),
];
