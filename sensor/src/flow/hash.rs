//! The keyed hash of a flow's key. Knows 48 bytes, nothing of what they say.

/// The secret of one process: without it nobody can choose packets whose flows collide.
#[derive(Clone)]
pub struct HashKey([u64; 6]);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(secret)")
    }
}

/// Digits of π: they keep the words of a key apart, and are nothing-up-my-sleeve.
const PI: [u64; 6] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7344,
    0xa409_3822_299f_31d0,
    0x082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377,
    0xbe54_66cf_34e9_0c6c,
];

/// The 128-bit product folded onto itself: every bit of either factor reaches every bit of the result.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl HashKey {
    /// A new secret from the operating system.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret)?;
        Ok(Self::from_bytes(secret))
    }

    /// From a known secret, for what has to be repeatable.
    pub fn from_bytes(secret: [u8; 16]) -> Self {
        let (low, high) = secret.split_at(8);
        let low = u64::from_le_bytes(low.try_into().expect("half of sixteen bytes"));
        let high = u64::from_le_bytes(high.try_into().expect("half of sixteen bytes"));
        let mut key = PI;
        for (at, word) in key.iter_mut().enumerate() {
            // Each word depends on the whole secret.
            let turn = 11 * at as u32;
            *word ^= fold(low.rotate_left(turn) ^ PI[(at + 1) % 6], high ^ PI[(at + 2) % 6])
                ^ low
                ^ high.rotate_left(turn);
        }
        Self(key)
    }

    /// No secret at all: every untagged IPv4 flow has the same hash.
    #[cfg(test)]
    pub(super) const WEAK: Self = Self([0; 6]);

    /// The hash of six words.
    ///
    /// Its high half chooses the shard, its low half the bucket: neither tells anything of the other.
    #[inline]
    pub(super) fn hash(&self, words: &[u64; 6]) -> u64 {
        let k = &self.0;
        let a = fold(words[0] ^ k[0], words[1] ^ k[1]);
        let b = fold(words[2] ^ k[2], words[3] ^ k[3]);
        let c = fold(words[4] ^ k[4], words[5] ^ k[5]);
        fold(a ^ b.rotate_left(23) ^ k[1], c ^ b ^ k[4])
    }
}

/// Which of `shards` a hash belongs to.
#[inline]
pub fn shard_of(hash: u64, shards: usize) -> usize {
    ((hash >> 32) as usize * shards) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_secret_decides() {
        let words = [1, 2, 3, 4, 5, 6];
        let one = HashKey::from_bytes([1; 16]);
        assert_eq!(one.hash(&words), HashKey::from_bytes([1; 16]).hash(&words));
        assert_ne!(one.hash(&words), HashKey::from_bytes([2; 16]).hash(&words));
        assert_ne!(
            HashKey::random().expect("the system has randomness").hash(&words),
            HashKey::random().expect("the system has randomness").hash(&words)
        );
    }

    #[test]
    fn flipping_any_bit_flips_half_of_both_halves() {
        let key = HashKey::from_bytes(*b"0123456789abcdef");
        for word in 0..6 {
            for bit in 0..64 {
                let mut flipped = 0;
                for n in 0..256_u64 {
                    let mut words = [n, n * 3, n << 32, 0, n << 16, 7];
                    let before = key.hash(&words);
                    words[word] ^= 1 << bit;
                    flipped += (before ^ key.hash(&words)).count_ones();
                }
                let mean = f64::from(flipped) / 256.0;
                assert!((28.0..36.0).contains(&mean), "word {word} bit {bit}: {mean}");
            }
        }
    }

    #[test]
    fn counting_addresses_spread_over_shards_and_tags() {
        let key = HashKey::from_bytes([9; 16]);
        let mut per_shard = [0; 3];
        let mut tags = HashSet::new();
        for n in 0..30_000_u64 {
            let hash =
                key.hash(&[0x0a00_0000 + n / 200, 0, 0xc0a8_0001, 0, (n % 200) << 16 | 80 | 6 << 32, 0]);
            per_shard[shard_of(hash, 3)] += 1;
            tags.insert(hash as u32);
        }
        assert!(per_shard.iter().all(|n| (9_500..10_500).contains(n)), "{per_shard:?}");
        assert!(tags.len() > 29_950, "a handful of 32-bit collisions at most: {}", tags.len());
    }
}
