//! Columns of a tensor, chosen by their indices.

use burn::prelude::*;

/// Columns `from[0]`, `from[1]`, … of `x`, where a column is an index of the second dimension. Costs nothing if `from` names
/// all columns in their order.
///
/// # Panics
/// If there is no such column.
pub fn select<const D: usize>(x: Tensor<D>, from: &[usize]) -> Tensor<D> {
    if let Some(&first) = from.first()
        && from.windows(2).all(|pair| pair[1] == pair[0] + 1)
    {
        return if from.len() == x.dims()[1] { x } else { x.narrow(1, first, from.len()) };
    }
    let from: Vec<i64> = from.iter().map(|&column| column as i64).collect();
    let from = Tensor::<1, Int>::from_data(from.as_slice(), &x.device());
    x.select(1, from)
}

/// The position of each number in a permutation of `0..order.len()`: the inverse permutation.
///
/// # Panics
/// If a number is out of range.
pub fn inverse(order: &[usize]) -> Vec<usize> {
    let mut positions = vec![0; order.len()];
    order.iter().enumerate().for_each(|(position, &number)| positions[number] = position);
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::to_host;

    #[test]
    fn an_inverse_puts_columns_back() {
        let x = Tensor::<2>::from_data([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]], &Device::flex());
        for order in [[0, 1, 2, 3], [2, 0, 3, 1]] {
            let selected = select(x.clone(), &order);
            let first: Vec<f64> = order.iter().map(|&column| column as f64).collect();
            assert_eq!(to_host(selected.clone())[..4], first);
            assert_eq!(to_host(select(selected, &inverse(&order))), to_host(x.clone()));
        }
        assert_eq!(to_host(select(x.clone(), &[1, 2])), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(to_host(select(x, &[3])), [3.0, 7.0]);
    }
}
