//! Fields of SMB (Suricata documentation: "SMB Keywords").

use crate::app_layer::progress::STARTED;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Reach};

const SMB: &[AppProtocol] = &[AppProtocol::Smb];
const REQUEST: Reach = Reach::to_server(STARTED);

fields! {
    /// The named pipe of a tree connect.
    NAMED_PIPE = Field::bytes("smb.named_pipe", SMB, REQUEST).alias(&["smb_named_pipe"]);
    /// The share of a tree connect.
    SHARE = Field::bytes("smb.share", SMB, REQUEST).alias(&["smb_share"]);
    /// The user that NTLMSSP names in a session setup.
    NTLMSSP_USER = Field::bytes("smb.ntlmssp_user", SMB, REQUEST).alias(&["smb.ntlmssp.user"]);
    /// The domain that NTLMSSP names in a session setup.
    NTLMSSP_DOMAIN = Field::bytes("smb.ntlmssp_domain", SMB, REQUEST).alias(&["smb.ntlmssp.domain"]);
    /// The version: 1 or 2, where 2 also means 3.
    VERSION = Field::number("smb.version", SMB, Reach::both(STARTED, STARTED), 255);
}
