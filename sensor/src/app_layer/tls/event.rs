//! What can be wrong with a transaction of TLS.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Tls];
    CertificateInvalidAlgorithmidentifier = "certificate_invalid_algorithmidentifier",
    CertificateInvalidDate = "certificate_invalid_date",
    CertificateInvalidDer = "certificate_invalid_der",
    CertificateInvalidExtensions = "certificate_invalid_extensions",
    CertificateInvalidIssuer = "certificate_invalid_issuer",
    CertificateInvalidLength = "certificate_invalid_length",
    CertificateInvalidSerial = "certificate_invalid_serial",
    CertificateInvalidSubject = "certificate_invalid_subject",
    CertificateInvalidValidity = "certificate_invalid_validity",
    CertificateInvalidVersion = "certificate_invalid_version",
    CertificateInvalidX509name = "certificate_invalid_x509name",
    DataleakHeartbeatMismatch = "dataleak_heartbeat_mismatch",
    ErrorMessageEncountered = "error_message_encountered",
    HandshakeInvalidLength = "handshake_invalid_length",
    HeartbeatMessage = "heartbeat_message",
    InvalidAlertMessage = "invalid_alert_message",
    InvalidCertificate = "invalid_certificate",
    InvalidHandshakeMessage = "invalid_handshake_message",
    InvalidHeartbeatMessage = "invalid_heartbeat_message",
    InvalidRecordType = "invalid_record_type",
    InvalidRecordVersion = "invalid_record_version",
    InvalidSniLength = "invalid_sni_length",
    InvalidSniType = "invalid_sni_type",
    InvalidSslRecord = "invalid_ssl_record",
    InvalidSslv2Header = "invalid_sslv2_header",
    InvalidTlsHeader = "invalid_tls_header",
    MultipleSniExtensions = "multiple_sni_extensions",
    OverflowHeartbeatMessage = "overflow_heartbeat_message",
    TooManyRecordsInPacket = "too_many_records_in_packet",
}
