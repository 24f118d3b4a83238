//! What can be wrong with a transaction of SSH.

use rules::header::protocol::AppProtocol;
use rules::vocabulary::Field;

events! {
    &[AppProtocol::Ssh];
    InvalidBanner = "invalid_banner",
    InvalidRecord = "invalid_record",
    LongBanner = "long_banner",
}
