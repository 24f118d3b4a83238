//! How often a rule may alert: `threshold`, `detection_filter`, and the lines of threshold.config.

/// What a threshold lets through.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ThresholdKind {
    /// At most `count` in the time.
    Limit,
    /// Every `count`-th in the time.
    Threshold,
    /// One in the time, at the `count`-th.
    Both,
    /// All after `count` in the time (`detection_filter`).
    Filter,
    /// As `Limit`, with a delay that doubles.
    Backoff {
        /// The factor of the delay.
        multiplier: u32,
    },
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Track {
    /// Each sender.
    Source,
    /// Each receiver.
    Destination,
    /// Each pair of them.
    Both,
    /// The rule alone.
    Rule,
    /// Each flow.
    Flow,
}

/// A threshold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Threshold {
    /// What it lets through.
    pub kind: ThresholdKind,
    /// What is counted apart.
    pub track: Track,
    /// How many.
    pub count: u32,
    /// In how many seconds.
    pub seconds: u32,
}
