//! Regular lattices as lists of bonds.

use gibbs_core::ConfigError;

use crate::{error::PhysicsError, named::named};

named! {
    /// What follows the last site of an axis.
    Boundary {
        /// Nothing.
        Open = "open",
        /// The first site.
        Periodic = "periodic",
    }
}

named! {
    /// Which sites of a lattice are neighbors.
    Geometry {
        /// Neighbors along the axes: chains, squares, cubes and so on.
        Hypercubic = "hypercubic",
        /// Neighbors along the sides of a square and along one of its diagonals.
        Triangular = "triangular",
    }
}

/// One direction of a lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Number of sites.
    pub length: usize,
    /// What follows the last site.
    pub boundary: Boundary,
}

impl Axis {
    /// `length` sites in a row.
    pub fn open(length: usize) -> Self {
        Self { length, boundary: Boundary::Open }
    }

    /// `length` sites in a ring. A ring of two sites has two bonds, both between the same sites.
    pub fn periodic(length: usize) -> Self {
        Self { length, boundary: Boundary::Periodic }
    }

    /// Checks the length: an open axis has at least one site, a periodic axis two, as the bond of one site would join it with
    /// itself.
    pub(crate) fn check(self, axis: usize) -> Result<Self, PhysicsError> {
        let least = if self.boundary == Boundary::Open { 1 } else { 2 };
        if self.length < least {
            return Err(PhysicsError::AxisLength { axis, length: self.length });
        }
        Ok(self)
    }

    fn successor(self, i: usize) -> Option<usize> {
        if i + 1 < self.length { Some(i + 1) } else { (self.boundary == Boundary::Periodic).then_some(0) }
    }
}

/// Sites and the bonds between nearest neighbors. Sites are numbered in row-major order: the last axis runs fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lattice {
    axes: Vec<Axis>,
    bonds: Vec<(usize, usize)>,
}

impl Lattice {
    /// The `length × length` square lattice, open or periodic both ways: `length²` sites and, if periodic,
    /// `2 length²` bonds.
    ///
    /// # Errors
    /// If the length is 0, or 1 and periodic.
    pub fn square(length: usize, boundary: Boundary) -> Result<Self, PhysicsError> {
        Self::hypercubic(&[Axis { length, boundary }; 2])
    }

    /// The hypercubic lattice with the given axes: a chain or ring for one, square for two, cubic for three, and so on.
    ///
    /// # Errors
    /// If there are no axes, an open one has no sites, or a periodic one less than two.
    pub fn hypercubic(axes: &[Axis]) -> Result<Self, PhysicsError> {
        let steps: Vec<Vec<usize>> = (0..axes.len()).map(|axis| vec![axis]).collect();
        Self::with_steps(axes, &steps)
    }

    /// The triangular lattice: a square lattice with one diagonal more, `(row, column) — (row + 1, column + 1)`, so
    /// inner sites have six neighbors.
    ///
    /// # Errors
    /// If an open axis has no sites, or a periodic one less than two.
    pub fn triangular(rows: Axis, columns: Axis) -> Result<Self, PhysicsError> {
        Self::with_steps(&[rows, columns], &[vec![0], vec![1], vec![0, 1]])
    }

    /// The lattice with the sizes of its axes in a text such as `16x16`. All axes have one boundary.
    ///
    /// # Errors
    /// An error of the field `lattice` if the text has no sizes, an axis is too short, or a triangular lattice has not two
    /// axes.
    pub fn parse(sizes: &str, geometry: Geometry, boundary: Boundary) -> Result<Self, ConfigError> {
        let error = |reason: String| ConfigError::new("lattice", sizes, reason);
        let axis = |length: &str| Some(Axis { length: length.parse().ok()?, boundary });
        let axes: Option<Vec<Axis>> = sizes.split('x').map(axis).collect();
        let axes = axes.ok_or_else(|| error("give the sizes of the axes, such as 16x16".into()))?;
        let lattice = match (geometry, &axes[..]) {
            (Geometry::Hypercubic, _) => Self::hypercubic(&axes),
            (Geometry::Triangular, &[rows, columns]) => Self::triangular(rows, columns),
            (Geometry::Triangular, _) => return Err(error("a triangular lattice has two axes".into())),
        };
        lattice.map_err(|cause| error(cause.to_string()))
    }

    /// The lattice with bonds along the given steps. A step is the list of axes on which it goes up by one.
    fn with_steps(axes: &[Axis], steps: &[Vec<usize>]) -> Result<Self, PhysicsError> {
        if axes.is_empty() {
            return Err(PhysicsError::NoSpins);
        }
        for (i, axis) in axes.iter().enumerate() {
            axis.check(i)?;
        }
        let strides: Vec<usize> =
            (0..axes.len()).map(|i| axes[i + 1..].iter().map(|axis| axis.length).product()).collect();
        let n_sites: usize = axes.iter().map(|axis| axis.length).product();
        let step = |site: usize, axis: usize| {
            let i = site / strides[axis] % axes[axis].length;
            axes[axis].successor(i).map(|next| site + next * strides[axis] - i * strides[axis])
        };
        let bonds = (0..n_sites)
            .flat_map(|site| steps.iter().map(move |axes| (site, axes)))
            .filter_map(|(site, axes)| {
                let end = axes.iter().try_fold(site, |site, axis| step(site, *axis))?;
                Some((site, end))
            })
            .collect();
        Ok(Self { axes: axes.to_vec(), bonds })
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.axes.iter().map(|axis| axis.length).product()
    }

    /// The axes, the slowest first.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.length).collect()
    }

    /// The bonds, each once, in the order of their first site. On a ring of two sites both bonds are here.
    pub fn bonds(&self) -> &[(usize, usize)] {
        &self.bonds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degrees(lattice: &Lattice) -> Vec<usize> {
        let mut degrees = vec![0; lattice.n_sites()];
        for (i, j) in lattice.bonds() {
            assert_ne!(i, j);
            degrees[*i] += 1;
            degrees[*j] += 1;
        }
        degrees
    }

    #[test]
    fn every_site_of_a_periodic_lattice_has_all_its_neighbors() {
        for d in 1..=4 {
            let lattice = Lattice::hypercubic(&vec![Axis::periodic(3); d]).unwrap();
            assert_eq!(lattice.n_sites(), 3usize.pow(d as u32));
            assert_eq!(degrees(&lattice), vec![2 * d; lattice.n_sites()]);
        }
        let triangular = Lattice::triangular(Axis::periodic(3), Axis::periodic(5)).unwrap();
        assert_eq!(degrees(&triangular), vec![6; 15]);
    }

    #[test]
    fn small_lattices_have_the_bonds_one_draws_by_hand() {
        let square = Lattice::square(2, Boundary::Open).unwrap();
        assert_eq!(square.bonds(), [(0, 2), (0, 1), (1, 3), (2, 3)]);
        let triangle = Lattice::triangular(Axis::open(2), Axis::open(2)).unwrap();
        assert_eq!(triangle.bonds(), [(0, 2), (0, 1), (0, 3), (1, 3), (2, 3)]);
        let ring = Lattice::hypercubic(&[Axis::periodic(2)]).unwrap();
        assert_eq!(ring.bonds(), [(0, 1), (1, 0)]);
        let ladder = Lattice::hypercubic(&[Axis::open(2), Axis::periodic(3)]).unwrap();
        assert_eq!(degrees(&ladder), [3; 6]);
    }

    #[test]
    fn axes_that_are_too_short_are_named() {
        let error = Lattice::hypercubic(&[Axis::open(3), Axis::periodic(1)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "axis 1 has length 1; an open axis needs at least 1 site, a periodic one at least 2"
        );
        assert_eq!(
            Lattice::square(0, Boundary::Open).unwrap_err(),
            PhysicsError::AxisLength { axis: 0, length: 0 }
        );
        assert_eq!(Lattice::hypercubic(&[]).unwrap_err(), PhysicsError::NoSpins);
    }
}
