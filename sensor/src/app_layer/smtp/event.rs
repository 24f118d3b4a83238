//! What can be wrong with a transaction of SMTP.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Smtp];
    BdatChunkLenExceeded = "bdat_chunk_len_exceeded",
    DataCommandRejected = "data_command_rejected",
    DuplicateFields = "duplicate_fields",
    FailedProtocolChange = "failed_protocol_change",
    InvalidPipelinedSequence = "invalid_pipelined_sequence",
    InvalidReply = "invalid_reply",
    MaxCommandLineLenExceeded = "max_command_line_len_exceeded",
    MaxReplyLineLenExceeded = "max_reply_line_len_exceeded",
    MimeInvalidBase64 = "mime_invalid_base64",
    MimeInvalidQp = "mime_invalid_qp",
    MimeLongBoundary = "mime_long_boundary",
    MimeLongEncLine = "mime_long_enc_line",
    MimeLongFilename = "mime_long_filename",
    MimeLongHeaderName = "mime_long_header_name",
    MimeLongHeaderValue = "mime_long_header_value",
    MimeLongLine = "mime_long_line",
    MimeMalformedMsg = "mime_malformed_msg",
    MimeParseFailed = "mime_parse_failed",
    NoServerWelcomeMessage = "no_server_welcome_message",
    TlsRejected = "tls_rejected",
    UnableToMatchReplyWithRequest = "unable_to_match_reply_with_request",
    UnparsableContent = "unparsable_content",
}
