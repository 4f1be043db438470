//! The rectangle between the axes of a panel.

use crate::axis::Span;

/// A rectangle of the picture and its ranges of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) x: Span,
    pub(crate) y: Span,
}

impl Frame {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The place of a point in the picture; NaN if the axes cannot show it.
    pub(crate) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + self.width * self.x.part(x), self.bottom() - self.height * self.y.part(y))
    }

    pub(crate) fn holds(&self, (x, y): (f64, f64)) -> bool {
        let inside = |v: f64, low: f64, high: f64| v >= low - 1e-6 && v <= high + 1e-6;
        inside(x, self.left, self.right()) && inside(y, self.top, self.bottom())
    }

    pub(crate) fn clamped(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (x.clamp(self.left, self.right()), y.clamp(self.top, self.bottom()))
    }

    /// The pieces of a line inside the frame.
    pub(crate) fn cut(&self, line: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut open = false;
        for pair in line.windows(2) {
            let Some((from, to)) = self.clip(pair[0], pair[1]) else {
                open = false;
                continue;
            };
            match pieces.last_mut() {
                Some(piece) if open && from == pair[0] => piece.push(to),
                _ => pieces.push(vec![from, to]),
            }
            open = to == pair[1];
        }
        pieces
    }

    /// The part of a segment inside the frame (Liang and Barsky 1984).
    fn clip(&self, a: (f64, f64), b: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        if !(dx.is_finite() && dy.is_finite()) {
            return None;
        }
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        let edges = [
            (-dx, a.0 - self.left),
            (dx, self.right() - a.0),
            (-dy, a.1 - self.top),
            (dy, self.bottom() - a.1),
        ];
        for (speed, room) in edges {
            if speed == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if speed < 0.0 {
                enter = enter.max(room / speed);
            } else {
                leave = leave.min(room / speed);
            }
        }
        if enter > leave {
            return None;
        }
        // If an end lies far away, the cut may be outside by rounding. Hence the clamp and the check.
        let at = |t: f64| self.clamped((a.0 + t * dx, a.1 + t * dy));
        Some((if self.holds(a) { a } else { at(enter) }, if self.holds(b) { b } else { at(leave) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let x = Span::linear(0.0, 10.0);
        Frame { left: 100.0, top: 50.0, width: 10.0, height: 10.0, x, y: x }
    }

    #[test]
    fn numbers_land_where_they_should() {
        assert_eq!(frame().place(0.0, 0.0), (100.0, 60.0));
        assert_eq!(frame().place(10.0, 5.0), (110.0, 55.0));
        assert!(frame().place(f64::NAN, 5.0).0.is_nan());
    }

    #[test]
    fn lines_are_cut_at_the_frame() {
        let line = [(95.0, 55.0), (105.0, 55.0), (105.0, 70.0), (105.0, 55.0), (105.0, 52.0)];
        let pieces = frame().cut(&line);
        assert_eq!(
            pieces,
            [
                vec![(100.0, 55.0), (105.0, 55.0), (105.0, 60.0)],
                vec![(105.0, 60.0), (105.0, 55.0), (105.0, 52.0)]
            ]
        );
        assert!(frame().cut(&[(0.0, 0.0), (1.0, 99.0)]).is_empty());
        assert!(frame().cut(&[(100.0, 55.0)]).is_empty());
        assert!(frame().cut(&[(f64::MIN, 55.0), (f64::MAX, 55.0)]).is_empty());
    }
}
