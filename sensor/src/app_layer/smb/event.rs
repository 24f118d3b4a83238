//! What can be wrong with a transaction of SMB.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Smb];
    FileOverlap = "file_overlap",
    InternalError = "internal_error",
    MalformedData = "malformed_data",
    MalformedNtlmsspRequest = "malformed_ntlmssp_request",
    NegotiateMalformedDialects = "negotiate_malformed_dialects",
    NegotiateMaxReadSizeTooLarge = "negotiate_max_read_size_too_large",
    NegotiateMaxWriteSizeTooLarge = "negotiate_max_write_size_too_large",
    ReadQueueCntExceeded = "read_queue_cnt_exceeded",
    ReadQueueSizeExceeded = "read_queue_size_exceeded",
    ReadRequestTooLarge = "read_request_too_large",
    ReadResponseTooLarge = "read_response_too_large",
    RequestToClient = "request_to_client",
    ResponseToServer = "response_to_server",
    TooManyTransactions = "too_many_transactions",
    WriteQueueCntExceeded = "write_queue_cnt_exceeded",
    WriteQueueSizeExceeded = "write_queue_size_exceeded",
    WriteRequestTooLarge = "write_request_too_large",
}
