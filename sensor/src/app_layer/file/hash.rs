//! The hashes of files, as far as rules ask for them (Suricata documentation: "File Keywords").

use super::fields;
use crate::app_layer::parser::VisitWindow;
use md5::{Digest, Md5};
use rules::signature::Signature;
use rules::vocabulary::Field;
use sha1::Sha1;
use sha2::Sha256;

/// A hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha256,
}

/// All of them, with the fields that show them.
const ALGORITHMS: [(Algorithm, &Field); 3] =
    [(Algorithm::Md5, &fields::MD5), (Algorithm::Sha1, &fields::SHA1), (Algorithm::Sha256, &fields::SHA256)];

/// The hashes that rules ask for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Algorithms([bool; 3]);

impl Algorithms {
    /// Those that some rules ask for.
    pub fn by(signatures: &[Signature]) -> Self {
        let asks = |field: &Field| signatures.iter().any(|one| one.fields().any(|asked| asked == field));
        Self(ALGORITHMS.map(|(_, field)| asks(field)))
    }

    /// Those named.
    pub fn of(algorithms: &[Algorithm]) -> Self {
        Self(ALGORITHMS.map(|(algorithm, _)| algorithms.contains(&algorithm)))
    }

    fn has(self, algorithm: Algorithm) -> bool {
        self.0[algorithm as usize]
    }
}

/// The hashes of a file that is under way, or has ended.
#[derive(Debug, Default)]
pub enum Hashes {
    /// None is wanted, or something of the file was never seen.
    #[default]
    None,
    /// More of it comes.
    UnderWay(Box<UnderWay>),
    /// All of it was seen.
    Known(Box<Known>),
}

/// What has come so far.
#[derive(Debug, Default)]
pub struct UnderWay {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
}

/// The hashes of a whole file.
#[derive(Debug)]
pub struct Known {
    md5: Option<[u8; 16]>,
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
}

impl Hashes {
    /// Of a file that begins.
    pub fn new(wanted: Algorithms) -> Self {
        if wanted == Algorithms::default() {
            return Self::None;
        }
        Self::UnderWay(Box::new(UnderWay {
            md5: wanted.has(Algorithm::Md5).then(Md5::new),
            sha1: wanted.has(Algorithm::Sha1).then(Sha1::new),
            sha256: wanted.has(Algorithm::Sha256).then(Sha256::new),
        }))
    }

    /// Adds what comes next.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Self::UnderWay(hashes) = self {
            let UnderWay { md5, sha1, sha256 } = &mut **hashes;
            md5.iter_mut().for_each(|md5| md5.update(bytes));
            sha1.iter_mut().for_each(|sha1| sha1.update(bytes));
            sha256.iter_mut().for_each(|sha256| sha256.update(bytes));
        }
    }

    /// The file is whole.
    pub fn end(&mut self) {
        *self = match std::mem::take(self) {
            Self::UnderWay(hashes) => {
                let UnderWay { md5, sha1, sha256 } = *hashes;
                Self::Known(Box::new(Known {
                    md5: md5.map(|md5| md5.finalize().into()),
                    sha1: sha1.map(|sha1| sha1.finalize().into()),
                    sha256: sha256.map(|sha256| sha256.finalize().into()),
                }))
            }
            other => other,
        };
    }

    /// Something of the file was never seen.
    pub fn forget(&mut self) {
        *self = Self::None;
    }

    /// Shows one of them, if it is known; says whether that is enough.
    pub fn show(&self, algorithm: Algorithm, visit: &mut VisitWindow<'_>) -> bool {
        let Self::Known(known) = self else { return false };
        match algorithm {
            Algorithm::Md5 => known.md5.is_some_and(|md5| visit(0, &md5)),
            Algorithm::Sha1 => known.sha1.is_some_and(|sha1| visit(0, &sha1)),
            Algorithm::Sha256 => known.sha256.is_some_and(|sha256| visit(0, &sha256)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_layer::hex::hex;

    fn shown(hashes: &Hashes) -> Vec<String> {
        let mut values = Vec::new();
        for (algorithm, _) in ALGORITHMS {
            hashes.show(algorithm, &mut |_, value| {
                values.push(hex(value));
                false
            });
        }
        values
    }

    #[test]
    fn they_are_known_at_the_end_as_far_as_they_are_wanted() {
        // RFC 1321, section A.5; FIPS 180-4 examples.
        let (md5, sha1) = ("900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        use Algorithm::{Md5, Sha1, Sha256};
        for (wanted, expected) in
            [(&[Md5, Sha1, Sha256][..], &[md5, sha1, sha256][..]), (&[Sha1], &[sha1]), (&[], &[])]
        {
            let mut hashes = Hashes::new(Algorithms::of(wanted));
            hashes.push(b"ab");
            hashes.push(b"c");
            assert!(shown(&hashes).is_empty());
            hashes.end();
            hashes.push(b"late");
            hashes.end();
            assert_eq!(shown(&hashes), expected);
        }
    }

    #[test]
    fn what_is_not_whole_has_none() {
        let mut hashes = Hashes::new(Algorithms::of(&[Algorithm::Md5]));
        hashes.forget();
        hashes.push(b"abc");
        hashes.end();
        assert!(shown(&hashes).is_empty());
    }
}
