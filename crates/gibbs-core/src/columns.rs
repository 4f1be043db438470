//! Choosing columns of a matrix, and putting them back.

use burn::prelude::*;

/// Slices `from[0]`, `from[1]`, … of axis 1 of `x`. Costs nothing where they are all of them in their order.
///
/// # Panics
/// If there is no such slice, or `from` is empty.
pub fn select<const D: usize>(x: Tensor<D>, from: &[usize]) -> Tensor<D> {
    let is_run = from.windows(2).all(|pair| pair[1] == pair[0] + 1);
    if is_run {
        return if from.len() == x.dims()[1] { x } else { x.narrow(1, from[0], from.len()) };
    }
    let from: Vec<i64> = from.iter().map(|&column| column as i64).collect();
    let from = Tensor::<1, Int>::from_data(from.as_slice(), &x.device());
    x.select(1, from)
}

/// The place of each number in the permutation `order`.
///
/// ```
/// assert_eq!(gibbs_core::columns::inverse(&[2, 0, 1]), [1, 2, 0]);
/// ```
///
/// # Panics
/// If a number is too large.
pub fn inverse(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &number)| places[number] = place);
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::to_host;

    #[test]
    fn the_inverse_puts_columns_back() {
        let x = Tensor::<2>::from_data([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]], &Device::flex());
        for order in [vec![0, 1, 2, 3], vec![2, 0, 3, 1]] {
            let chosen = select(x.clone(), &order);
            let first: Vec<f64> = order.iter().map(|&column| column as f64).collect();
            assert_eq!(to_host(chosen.clone())[..4], first);
            assert_eq!(to_host(select(chosen, &inverse(&order))), to_host(x.clone()));
        }
        assert_eq!(to_host(select(x, &[1, 2])), [1.0, 2.0, 5.0, 6.0]);
    }
}
