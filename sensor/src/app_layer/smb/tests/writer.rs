//! Messages as tests write them.

/// A packet of NetBIOS.
pub(super) fn packet(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[kind][..], &len[1..], bytes].concat()
}

/// A message of SMB 2.
pub(super) fn smb2(command: u16, response: bool, status: u32, id: u64, tree: u32, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 64];
    message[..4].copy_from_slice(b"\xfeSMB");
    message[8..12].copy_from_slice(&status.to_le_bytes());
    message[12..14].copy_from_slice(&command.to_le_bytes());
    message[16] = response.into();
    message[24..32].copy_from_slice(&id.to_le_bytes());
    message[36..40].copy_from_slice(&tree.to_le_bytes());
    message.extend_from_slice(body);
    message
}

/// Fields at their places in a body of so many bytes, and what stands behind them.
pub(super) fn body(len: usize, fields: &[(usize, &[u8])], behind: &[u8]) -> Vec<u8> {
    let mut body = vec![0; len];
    for (at, field) in fields {
        body[*at..*at + field.len()].copy_from_slice(field);
    }
    body.extend_from_slice(behind);
    body
}

/// The header of a message of SMB 1, with texts in Unicode.
pub(super) fn smb1_header(command: u8, response: bool, status: u32, tree: u16, id: u16) -> Vec<u8> {
    let mut header = vec![0; 32];
    header[..5].copy_from_slice(&[0xff, b'S', b'M', b'B', command]);
    header[5..9].copy_from_slice(&status.to_le_bytes());
    header[9] = if response { 0x80 } else { 0 };
    header[11] = 0x80;
    header[24..26].copy_from_slice(&tree.to_le_bytes());
    header[30..32].copy_from_slice(&id.to_le_bytes());
    header
}

/// A message of SMB 1 in its packet: its header, and one command's words and data.
pub(super) fn smb1(header: &[u8], words: &[u8], data: &[u8]) -> Vec<u8> {
    packet(0, &[header, &block(words, data)].concat())
}

/// One command's words and data.
pub(super) fn block(words: &[u8], data: &[u8]) -> Vec<u8> {
    let count = u16::try_from(data.len()).unwrap().to_le_bytes();
    [&[u8::try_from(words.len() / 2).unwrap()][..], words, &count, data].concat()
}

/// Text as it is sent in Unicode.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
