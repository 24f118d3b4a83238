//! A body as rules look at it: first what has come once there is enough of it, then in windows that overlap
//! (Suricata documentation: "suricata.yaml", request-body-minimal-inspect-size and its neighbours).

/// How much of a body is looked at, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WindowConfig {
    /// Bytes of the body that are looked at, at most; 0 for all.
    pub limit: u64,
    /// Bytes that have to be there before the first look, unless the body ends before.
    pub first: usize,
    /// Bytes that have to be new for another look; of what was looked at already, a quarter of that is shown again.
    pub step: usize,
}

/// A growing body.
#[derive(Debug)]
pub struct Window {
    config: WindowConfig,
    /// What has not been let go of yet.
    kept: Vec<u8>,
    /// Where `kept` begins in the body.
    base: u64,
    /// How far rules have looked.
    inspected: u64,
    ended: bool,
    /// Whether rules have looked at the body when it had ended.
    looked_at_end: bool,
}

impl Window {
    /// An empty body.
    pub fn new(config: WindowConfig) -> Self {
        Self { config, kept: Vec::new(), base: 0, inspected: 0, ended: false, looked_at_end: false }
    }

    /// Adds bytes, as far as the limit lets them be looked at.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = match self.config.limit {
            0 => u64::MAX,
            limit => limit.saturating_sub(self.len()),
        };
        let taken = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.kept.extend_from_slice(&bytes[..taken]);
        if taken < bytes.len() {
            self.ended = true;
        }
    }

    /// Nothing more comes.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Bytes taken so far.
    pub fn len(&self) -> u64 {
        self.base + self.kept.len() as u64
    }

    /// Whether nothing has come.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is to be looked at now, with its offset in the body; nothing while there is not enough that is new.
    pub fn view(&self) -> Option<(u64, &[u8])> {
        let new = self.len() - self.inspected;
        let wanted = if self.inspected == 0 { self.config.first } else { self.config.step };
        let ready =
            if self.ended { !self.looked_at_end && !self.is_empty() } else { new >= wanted.max(1) as u64 };
        ready.then_some((self.base, self.kept.as_slice()))
    }

    /// Rules have looked at [`view`](Self::view): the window moves on.
    pub fn inspected(&mut self) {
        if self.view().is_none() {
            return;
        }
        self.looked_at_end = self.ended;
        self.inspected = self.len();
        let again = if self.ended { 0 } else { self.config.step / 4 };
        let gone = self.kept.len().saturating_sub(again);
        self.kept.drain(..gone);
        self.base += gone as u64;
        if self.ended {
            self.kept = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: WindowConfig = WindowConfig { limit: 100, first: 10, step: 8 };

    #[test]
    fn a_short_body_is_looked_at_once_it_ends() {
        let mut window = Window::new(CONFIG);
        window.push(b"12345");
        assert_eq!(window.view(), None);
        window.end();
        assert_eq!(window.view(), Some((0, &b"12345"[..])));
        window.inspected();
        assert_eq!(window.view(), None);
    }

    #[test]
    fn windows_overlap_by_a_quarter() {
        let mut window = Window::new(CONFIG);
        window.push(b"0123456789");
        assert_eq!(window.view().map(|(at, bytes)| (at, bytes.len())), Some((0, 10)));
        window.inspected();
        window.push(b"abcdefg");
        assert_eq!(window.view(), None, "seven of eight");
        window.push(b"h");
        assert_eq!(window.view(), Some((8, &b"89abcdefgh"[..])));
        window.inspected();
        window.end();
        assert_eq!(window.view(), Some((16, &b"gh"[..])), "what is left, once more at the end");
        window.inspected();
        assert_eq!(window.view(), None);
    }

    #[test]
    fn the_limit_ends_a_body() {
        let mut window = Window::new(CONFIG);
        window.push(&[b'x'; 300]);
        assert_eq!(window.view().map(|(_, bytes)| bytes.len()), Some(100));
        window.inspected();
        window.push(b"more");
        assert_eq!((window.view(), window.len()), (None, 100));
    }
}
