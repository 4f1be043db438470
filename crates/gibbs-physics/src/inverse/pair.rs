//! The distribution of two spins.

/// Two spins with means `m` and connected correlation `c`:
///
/// ```text
/// p(s, t) = [(1 + s m_1)(1 + t m_2) + s t c] / 4 ∝ exp(J s t + u_1 s + u_2 t)
/// J   = ¼ ln (p(+,+) p(-,-) / p(+,-) p(-,+))
/// u_1 = ¼ ln (p(+,+) p(+,-) / p(-,+) p(-,-))
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// `ln p`, up to a constant, of `(+,+), (+,-), (-,+), (-,-)`.
    logs: [f64; 4],
}

impl Pair {
    /// `None` if a probability is not positive.
    pub(super) fn new([first, second]: [f64; 2], c: f64) -> Option<Self> {
        let signs = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
        let weights = signs.map(|(s, t)| (1.0 + s * first) * (1.0 + t * second) + s * t * c);
        weights.iter().all(|w| *w > 0.0).then(|| Self { logs: weights.map(f64::ln) })
    }

    /// `J`.
    pub(super) fn coupling(&self) -> f64 {
        let [pp, pm, mp, mm] = self.logs;
        0.25 * (pp + mm - pm - mp)
    }

    /// `u_1` and `u_2`.
    pub(super) fn fields(&self) -> [f64; 2] {
        let [pp, pm, mp, mm] = self.logs;
        [0.25 * (pp + pm - mp - mm), 0.25 * (pp + mp - pm - mm)]
    }
}
