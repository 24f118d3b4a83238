use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use std::io::Write;

const TEXT: &[u8] = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lzma(bytes: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    lzma_rs::lzma_compress(&mut &bytes[..], &mut coded).unwrap();
    coded
}

/// `TEXT` as brotli: one uncompressed meta-block and an empty last one (RFC 7932, section 9.2).
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len() as u32 - 1;
    // WBITS 16 in one bit, ISLAST 0, MNIBBLES 4, MLEN-1, ISUNCOMPRESSED 1.
    let head = len << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], bytes, &[3]].concat()
}

struct Decoded {
    bytes: Vec<u8>,
    stopped: Option<Event>,
}

fn decode_in_pieces(field: &str, coded: &[u8], piece: usize) -> Decoded {
    let mut decoder = Decoder::of(field.as_bytes(), &mut Faults::new()).expect("a coding");
    let mut decoded = Decoded { bytes: Vec::new(), stopped: None };
    for bytes in coded.chunks(piece) {
        if let Err(Stopped(event)) = decoder.feed(bytes, &mut |bytes| decoded.bytes.extend_from_slice(bytes))
        {
            assert_eq!(decoded.stopped.replace(event), None, "told once");
        }
    }
    let finished = decoder.finish(&mut |bytes| decoded.bytes.extend_from_slice(bytes));
    decoded.stopped = decoded.stopped.or(finished.err().map(|Stopped(event)| event));
    decoded
}

#[track_caller]
fn assert_decodes(field: &str, coded: &[u8], expected: &[u8]) {
    for piece in [1, 2, 3, 7, 64, coded.len()] {
        let decoded = decode_in_pieces(field, coded, piece);
        assert_eq!(
            decoded.bytes.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{field} in pieces of {piece}"
        );
        assert_eq!(decoded.stopped, None);
    }
}

#[test]
fn each_coding_is_decoded() {
    for (field, coded) in [
        ("gzip", gzip(TEXT)),
        ("X-GZip", gzip(TEXT)),
        ("deflate", deflate(TEXT)),
        ("x-deflate", zlib(TEXT)),
        ("br", brotli(TEXT)),
        ("lzma", lzma(TEXT)),
        ("gzip\0", gzip(TEXT)),
    ] {
        assert_decodes(field, &coded, TEXT);
    }
}

#[test]
fn codings_are_undone_in_turn() {
    assert_decodes("gzip, deflate", &deflate(&gzip(TEXT)), TEXT);
    assert_decodes("gzip gzip", &gzip(&gzip(TEXT)), TEXT);
    assert_decodes("identity,br", &brotli(TEXT), TEXT);
}

#[test]
fn other_codings_are_tried() {
    assert_decodes("gzip", &deflate(TEXT), TEXT);
    assert_decodes("gzip", &zlib(TEXT), TEXT);
    assert_decodes("deflate", &gzip(TEXT), TEXT);
    assert_decodes("br", &gzip(TEXT), TEXT);
    assert_decodes("gzip,deflate", &gzip(TEXT), TEXT);
    assert_decodes("deflate,gzip", &deflate(TEXT), TEXT);
}

#[test]
fn plain_bytes_go_through() {
    for field in ["gzip", "gzip,deflate", "deflate,gzip", "x gzip", ": deflate", "gzip;"] {
        assert_decodes(field, TEXT, TEXT);
    }
    let like_deflate_for_a_while = br#"{"sdk_version":11026,"app_package":"com.example"}"#;
    assert_decodes("gzip", like_deflate_for_a_while, like_deflate_for_a_while);
}

#[test]
fn gzip_headers_have_optional_fields() {
    let coded = gzip(TEXT);
    let with = |flags: u8, fields: &[u8]| {
        let mut header = coded[..10].to_vec();
        header[3] = flags;
        [&header, fields, &coded[10..]].concat()
    };
    for (flags, fields) in [
        (2, &b"\0\0"[..]),
        (4, b"\x03\0abc"),
        (8, b"name\0"),
        (16, b"comment\0"),
        (0x1e, b"\0\0n\0c\0xx"),
        (0xe0, b""),
    ] {
        assert_decodes("gzip", &with(flags, fields), TEXT);
    }
}

#[test]
fn what_is_cut_off_or_corrupt_is_shown_as_far_as_it_goes() {
    let coded = gzip(TEXT);
    assert_decodes("gzip", &coded[..coded.len() - 8], TEXT);
    let mut wrong = coded.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 0xff;
    assert_decodes("gzip", &wrong, TEXT);
    assert_decodes("gzip", &[&coded[..], b"trailing"].concat(), TEXT);

    let long: Vec<u8> = (0..100_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut coded = gzip(&long);
    let middle = coded.len() / 2;
    coded.truncate(middle);
    coded.extend_from_slice(&[0xff; 100]);
    let decoded = decode_in_pieces("gzip", &coded, 1000);
    assert!(decoded.bytes.len() > 100_000 && long.starts_with(&decoded.bytes[..100_000]));
}

#[test]
fn what_the_field_says_is_judged() {
    let faults = |field: &str| {
        let mut faults = Faults::new();
        let decoder = Decoder::of(field.as_bytes(), &mut faults);
        (decoder.map_or(0, |decoder| decoder.stages.len()), faults.to_vec())
    };
    assert_eq!(faults("gzip"), (1, vec![]));
    assert_eq!(faults("none"), (0, vec![]));
    assert_eq!(faults("identity"), (0, vec![Event::AbnormalCeHeader]));
    assert_eq!(faults("gzip,"), (1, vec![]));
    assert_eq!(faults("gzip x"), (1, vec![Event::AbnormalCeHeader]));
    assert_eq!(faults("gzip, deflate, br"), (2, vec![Event::TooManyEncodingLayers]));
    let ten = ["gzip"; 10].join(",");
    assert_eq!(faults(&ten), (2, vec![Event::TooManyEncodingLayers]));
    assert_eq!(faults(""), (0, vec![]));
}

#[test]
fn bombs_are_stopped() {
    const MIB: usize = 1 << 20;
    for (field, coded) in [
        ("gzip", gzip(&vec![0; 64 * MIB])),
        ("gzip, gzip", gzip(&gzip(&vec![0; 64 * MIB]))),
        ("deflate", deflate(&vec![0; 64 * MIB])),
    ] {
        let decoded = decode_in_pieces(field, &coded, 1460);
        assert_eq!(decoded.stopped, Some(Event::CompressionBomb), "{field}: {}", decoded.bytes.len());
        assert!(decoded.bytes.len() < 6 * MIB, "{field}: {}", decoded.bytes.len());
    }
    let dense = gzip(&vec![0; 3 * MIB]);
    assert_eq!(decode_in_pieces("gzip", &dense, 1460).stopped, None, "small enough whatever it is made from");
}

#[test]
fn lzma_takes_little_memory() {
    let mut coded = lzma(&vec![7; 4 << 20]);
    // The dictionary's size follows the properties.
    coded[1..5].copy_from_slice(&(64u32 << 20).to_le_bytes());
    let decoded = decode_in_pieces("lzma", &coded, 1460);
    assert!(decoded.stopped.is_some(), "{:?}", decoded.bytes.len());
}
