//! Digests in place of the buffer.

use super::plain;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

fn digest<D: Digest>(input: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(&D::digest(input));
}

plain!(
    TO_MD5,
    "to_md5",
    digest::<Md5>,
    "Puts the buffer's MD5 digest in its place, as 16 bytes.",
    "|90 01 50 98 3c d2 4f b0 d6 96 3f 7d 28 e1 7f 72|",
    b"abc",
    b"abd"
);

plain!(
    TO_SHA1,
    "to_sha1",
    digest::<Sha1>,
    "Puts the buffer's SHA-1 digest in its place, as 20 bytes.",
    "|a9 99 3e 36 47 06 81 6a ba 3e 25 71 78 50 c2 6c 9c d0 d8 9d|",
    b"abc",
    b"abd"
);

plain!(
    TO_SHA256,
    "to_sha256",
    digest::<Sha256>,
    "Puts the buffer's SHA-256 digest in its place, as 32 bytes.",
    "|ba 78 16 bf 8f 01 cf ea 41 41 40 de 5d ae 22 23|",
    b"abc",
    b"abd"
);
