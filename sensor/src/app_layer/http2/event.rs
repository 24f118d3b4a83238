//! What can be wrong with a transaction of HTTP/2.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Http2];
    AuthorityHostMismatch = "authority_host_mismatch",
    CompressionBomb = "compression_bomb",
    DataStreamZero = "data_stream_zero",
    DnsRequestTooLong = "dns_request_too_long",
    DnsResponseTooLong = "dns_response_too_long",
    ExtraHeaderData = "extra_header_data",
    FailedDecompression = "failed_decompression",
    HeaderIntegerOverflow = "header_integer_overflow",
    InvalidClientMagic = "invalid_client_magic",
    InvalidFrameData = "invalid_frame_data",
    InvalidFrameHeader = "invalid_frame_header",
    InvalidFrameLength = "invalid_frame_length",
    InvalidHeader = "invalid_header",
    InvalidHttp1Settings = "invalid_http1_settings",
    InvalidRange = "invalid_range",
    LongFrameData = "long_frame_data",
    ReassemblyLimitReached = "reassembly_limit_reached",
    StreamIdReuse = "stream_id_reuse",
    TooManyFrames = "too_many_frames",
    TooManyStreams = "too_many_streams",
    UserinfoInUri = "userinfo_in_uri",
}
