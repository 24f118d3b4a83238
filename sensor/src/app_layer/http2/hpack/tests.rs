use super::*;

/// The fields of a block, a line each.
fn decode(decoder: &mut Decoder, block: &[u8]) -> (Vec<String>, Faults) {
    let mut lines = Vec::new();
    let faults = decoder.decode(block, &mut |item| {
        lines.push(match item {
            Item::Field(field) => {
                format!("{}: {}", field.name().escape_ascii(), field.value().escape_ascii())
            }
            Item::SizeUpdate(size) => format!("size {size}"),
        });
        true
    });
    (lines, faults)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.bytes().filter_map(|digit| (digit as char).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

const REQUESTS: [&[&str]; 3] = [
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    &[
        ":method: GET",
        ":scheme: https",
        ":path: /index.html",
        ":authority: www.example.com",
        "custom-key: custom-value",
    ],
];

#[test]
fn requests_of_the_standard() {
    let plain = [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ];
    let huffman = [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ];
    for blocks in [plain, huffman] {
        let mut decoder = Decoder::default();
        for (block, expected) in blocks.iter().zip(REQUESTS) {
            let (lines, faults) = decode(&mut decoder, &bytes(block));
            assert_eq!((lines, faults.len()), (expected.iter().map(|line| (*line).to_owned()).collect(), 0));
        }
    }
}

#[test]
fn responses_of_the_standard_evict() {
    let mut decoder = Decoder::default();
    assert_eq!(decode(&mut decoder, &bytes("3fe101")).0, ["size 256"]);
    for (block, expected) in [
        (
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
            &[
                ":status: 302",
                "cache-control: private",
                "date: Mon, 21 Oct 2013 20:13:21 GMT",
                "location: https://www.example.com",
            ][..],
        ),
        (
            "4883640effc1c0bf",
            &[
                ":status: 307",
                "cache-control: private",
                "date: Mon, 21 Oct 2013 20:13:21 GMT",
                "location: https://www.example.com",
            ],
        ),
        (
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            &[
                ":status: 200",
                "cache-control: private",
                "date: Mon, 21 Oct 2013 20:13:22 GMT",
                "location: https://www.example.com",
                "content-encoding: gzip",
                "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ],
        ),
    ] {
        let (lines, faults) = decode(&mut decoder, &bytes(block));
        assert_eq!(
            (lines.iter().map(String::as_str).collect::<Vec<_>>(), faults.len()),
            (expected.to_vec(), 0)
        );
    }
    assert!(decoder.table.get(62 + 3).is_none(), "three are left in 256 bytes");
}

#[test]
fn what_is_wrong_ends_a_block_at_most() {
    let mut decoder = Decoder::default();
    for (block, lines, fault) in [
        (&b"\x82\x80\x84"[..], &[":method: GET", ":path: /"][..], Fault::Index),
        (b"\x82\xfe\x84", &[":method: GET", ":path: /"], Fault::Index),
        (b"\x0f\x70\x01x\x84", &[":path: /"], Fault::Index),
        (b"\x82\x00\x05ab", &[":method: GET"], Fault::Truncated),
        (b"\x82\x00", &[":method: GET"], Fault::Truncated),
        (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", &[":method: GET"], Fault::Overflow),
    ] {
        let (found, faults) = decode(&mut decoder, block);
        assert_eq!(
            (found, &faults[..]),
            (lines.iter().map(|line| (*line).to_owned()).collect(), &[fault][..])
        );
    }
}

#[test]
fn a_block_goes_on_as_long_as_it_is_wanted() {
    let mut taken = 0;
    Decoder::default().decode(&[0x82; 1000], &mut |_| {
        taken += 1;
        taken < 10
    });
    assert_eq!(taken, 10);
}
