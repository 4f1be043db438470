//! Spins that are coupled in pairs.

use gibbs_core::cache::Cache;

use crate::error::PhysicsError;

mod tensors;
#[cfg(test)]
mod tests;

use tensors::Placed;

/// A Hamiltonian of pair couplings and fields:
///
/// ```text
/// H(s) = - Σ_{i<j} J_ij s_i s_j - Σ_i h_i s_i,   s_i ∈ {-1, +1}
/// ```
///
/// Positive couplings are ferromagnetic. On the host the couplings are lists of neighbors, for Monte Carlo and the
/// exact methods. On a device the energy is a product with the full matrix, or a sum over gathered bonds if there are few bonds.
/// The tensors stay on the device until an energy is computed on another device or in another precision.
#[derive(Clone, Debug)]
pub struct Pairwise {
    /// Where the neighbors of each spin begin in `neighbors`, and where the last ones end.
    offsets: Vec<usize>,
    /// `(j, J_ij)` for each `i`, sorted by `j`; each bond is here twice.
    neighbors: Vec<(usize, f64)>,
    field: Vec<f64>,
    cache: Cache<Placed>,
}

impl Pairwise {
    /// `field.len()` spins with bonds `(i, j, J_ij)`, in either order of `i` and `j`. Couplings of bonds between the
    /// same spins add up; bonds that add up to zero are removed.
    ///
    /// # Errors
    /// If there are no spins, a bond leaves them or joins a spin with itself, or a coupling or field is not finite.
    pub fn from_bonds(
        bonds: impl IntoIterator<Item = (usize, usize, f64)>,
        field: Vec<f64>,
    ) -> Result<Self, PhysicsError> {
        let n_spins = field.len();
        check_field(&field)?;
        let mut lists: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n_spins];
        for (i, j, value) in bonds {
            if i >= n_spins || j >= n_spins {
                return Err(PhysicsError::Invalid(format!("the bond ({i}, {j}) leaves the {n_spins} spins")));
            }
            if i == j {
                return Err(self_coupling(i, value));
            }
            if !value.is_finite() {
                return Err(not_finite(i, j, value));
            }
            lists[i].push((j, value));
            lists[j].push((i, value));
        }
        let mut offsets = vec![0];
        let mut neighbors = Vec::new();
        for mut list in lists {
            list.sort_by_key(|(j, _)| *j);
            let merged = list.chunk_by(|a, b| a.0 == b.0).map(|c| (c[0].0, c.iter().map(|x| x.1).sum()));
            neighbors.extend(merged.filter(|(_, value): &(usize, f64)| *value != 0.0));
            offsets.push(neighbors.len());
        }
        Ok(Self { offsets, neighbors, field, cache: Cache::default() })
    }

    /// Couplings from a full matrix `[n, n]` in row-major order, with the field `[n]`.
    ///
    /// # Errors
    /// If the sizes do not fit, an entry is not finite, the diagonal is not zero, or the matrix is not symmetric
    /// exactly. Average entries that were rounded differently before the call.
    pub fn from_matrix(couplings: &[f64], field: Vec<f64>) -> Result<Self, PhysicsError> {
        let n_spins = field.len();
        if couplings.len() != n_spins * n_spins {
            return Err(PhysicsError::Invalid(format!(
                "{entries} couplings for {n_spins} spins; a matrix of {n_spins} by {n_spins} is needed",
                entries = couplings.len()
            )));
        }
        let entry = |i: usize, j: usize| couplings[i * n_spins + j];
        for i in 0..n_spins {
            for j in 0..n_spins {
                let (value, mirrored) = (entry(i, j), entry(j, i));
                if !value.is_finite() {
                    return Err(not_finite(i, j, value));
                }
                if i == j && value != 0.0 {
                    return Err(self_coupling(i, value));
                }
                if value != mirrored && mirrored.is_finite() {
                    return Err(PhysicsError::Invalid(format!(
                        "coupling ({i}, {j}) is {value} but ({j}, {i}) is {mirrored}; couplings must be symmetric"
                    )));
                }
            }
        }
        let bonds = (0..n_spins).flat_map(|i| (i + 1..n_spins).map(move |j| (i, j, entry(i, j))));
        Self::from_bonds(bonds, field)
    }

    /// The same couplings with another field `[n]`.
    ///
    /// # Errors
    /// If the field has another size or is not finite.
    pub fn with_field(self, field: Vec<f64>) -> Result<Self, PhysicsError> {
        if field.len() != self.field.len() {
            return Err(PhysicsError::Invalid(format!(
                "{entries} values of the field for {n_spins} spins; one for each is needed",
                entries = field.len(),
                n_spins = self.field.len()
            )));
        }
        check_field(&field)?;
        Ok(Self { field, cache: Cache::default(), ..self })
    }

    /// `factor · H`: couplings and fields times a number, such as an inverse temperature.
    ///
    /// # Errors
    /// If a product is not finite.
    pub fn scaled(&self, factor: f64) -> Result<Self, PhysicsError> {
        let bonds = self.bonds().map(|(i, j, value)| (i, j, factor * value));
        Self::from_bonds(bonds, self.field.iter().map(|h| factor * h).collect())
    }

    /// `h [n]`.
    pub fn field(&self) -> &[f64] {
        &self.field
    }

    /// The spins that are coupled to spin `i`, in ascending order, each with `J_ij`.
    ///
    /// # Panics
    /// If there is no spin `i`.
    pub fn neighbors(&self, i: usize) -> &[(usize, f64)] {
        &self.neighbors[self.offsets[i]..self.offsets[i + 1]]
    }

    /// The bonds `(i, j, J_ij)` with `i < j`, in ascending order.
    pub fn bonds(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        (0..self.field.len()).flat_map(move |i| {
            self.neighbors(i).iter().filter(move |(j, _)| *j > i).map(move |(j, value)| (i, *j, *value))
        })
    }

    /// Number of bonds.
    pub fn n_bonds(&self) -> usize {
        self.neighbors.len() / 2
    }

    /// The couplings as a full symmetric matrix `[n, n]`, row-major.
    pub fn matrix(&self) -> Vec<f64> {
        let n = self.field.len();
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            for (j, value) in self.neighbors(i) {
                matrix[i * n + j] = *value;
            }
        }
        matrix
    }

    /// `Σ_j J_ij s_j + h_i`, the field at spin `i`.
    ///
    /// # Panics
    /// If there is no spin `i`, or `spins` are fewer than the neighbors need.
    pub fn local_field(&self, spins: &[i8], i: usize) -> f64 {
        self.neighbors(i).iter().fold(self.field[i], |sum, (j, value)| sum + value * f64::from(spins[*j]))
    }

    /// `2 s_i f_i` with `f_i` the [local field](Self::local_field): the change of the energy if spin `i` flips.
    ///
    /// # Panics
    /// If there is no spin `i`, or `spins` are fewer than the neighbors need.
    pub fn flip_cost(&self, spins: &[i8], i: usize) -> f64 {
        2.0 * f64::from(spins[i]) * self.local_field(spins, i)
    }

    /// `H(s)` of one configuration on the host.
    ///
    /// # Panics
    /// If `spins` has not one value for each spin.
    pub fn energy_of(&self, spins: &[i8]) -> f64 {
        assert_eq!(spins.len(), self.field.len(), "one value for each spin");
        let pairs: f64 = self.bonds().map(|(i, j, value)| value * f64::from(spins[i] * spins[j])).sum();
        let single: f64 = self.field.iter().zip(spins).map(|(h, s)| h * f64::from(*s)).sum();
        -pairs - single
    }
}

/// Equal couplings and fields.
impl PartialEq for Pairwise {
    fn eq(&self, other: &Self) -> bool {
        (&self.offsets, &self.neighbors, &self.field) == (&other.offsets, &other.neighbors, &other.field)
    }
}

fn not_finite(i: usize, j: usize, value: f64) -> PhysicsError {
    PhysicsError::Invalid(format!("coupling ({i}, {j}) is {value}; couplings must be finite"))
}

fn self_coupling(i: usize, value: f64) -> PhysicsError {
    PhysicsError::Invalid(format!(
        "coupling ({i}, {i}) is {value}; a spin is not coupled to itself, set the diagonal to 0"
    ))
}

fn check_field(field: &[f64]) -> Result<(), PhysicsError> {
    if field.is_empty() {
        return Err(PhysicsError::NoSpins);
    }
    match field.iter().position(|h| !h.is_finite()) {
        Some(i) => Err(PhysicsError::Invalid(format!(
            "field {i} is {value}; fields must be finite",
            value = field[i]
        ))),
        None => Ok(()),
    }
}
