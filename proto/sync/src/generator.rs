//! The hub's own chance, repeatable from one seed: jitter and nonces.

/// Draws numbers that nobody can predict without the seed. Nonces must be that; jitter need not,
/// but one source is simpler than two.
pub(crate) struct Generator {
    key: [u8; 32],
    drawn: u64,
}

impl Generator {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            key: seed,
            drawn: 0,
        }
    }

    pub(crate) fn draw(&mut self) -> [u8; 8] {
        self.drawn += 1;
        let mut bytes = [0; 8];
        blake3::Hasher::new_keyed(&self.key)
            .update(&self.drawn.to_le_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    }

    /// A number below `bound`, or 0 when there is none. The bias of the remainder is far below
    /// what jitter could show.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        u64::from_le_bytes(self.draw())
            .checked_rem(bound)
            .unwrap_or(0)
    }
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Generator(drawn {})", self.drawn)
    }
}
