//! What can be wrong with a transaction of FTP.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Ftp];
    FileBeforePort = "file_before_port",
    FileWithoutName = "file_without_name",
    RequestCommandTooLong = "request_command_too_long",
    ResponseCommandTooLong = "response_command_too_long",
    TooManyTransactions = "too_many_transactions",
}
