//! Numbers as a file holds them.

/// Numbers as a file holds them, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Bytes and booleans.
    U8(Vec<u8>),
    /// All other whole numbers.
    I64(Vec<i64>),
    /// Numbers in single or half precision.
    F32(Vec<f32>),
    /// Numbers in double precision.
    F64(Vec<f64>),
}

impl Array {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Value `i` in double precision. Whole numbers beyond 2⁵³ are rounded.
    ///
    /// # Panics
    ///
    /// If `i` is not below the number of values.
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Self::U8(values) => f64::from(values[i]),
            Self::I64(values) => values[i] as f64,
            Self::F32(values) => f64::from(values[i]),
            Self::F64(values) => values[i],
        }
    }

    /// All values in double precision.
    pub fn to_f64(&self) -> Vec<f64> {
        (0..self.len()).map(|i| self.get(i)).collect()
    }

    /// The index of the first value for which `is_wrong` holds.
    pub(crate) fn position(&self, mut is_wrong: impl FnMut(f64) -> bool) -> Option<usize> {
        match self {
            Self::U8(values) => values.iter().position(|&x| is_wrong(f64::from(x))),
            Self::I64(values) => values.iter().position(|&x| is_wrong(x as f64)),
            Self::F32(values) => values.iter().position(|&x| is_wrong(f64::from(x))),
            Self::F64(values) => values.iter().position(|&x| is_wrong(x)),
        }
    }

    /// The values at `indices`.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        fn of<T: Copy>(values: &[T], indices: &[usize]) -> Vec<T> {
            indices.iter().map(|&i| values[i]).collect()
        }
        match self {
            Self::U8(values) => Self::U8(of(values, indices)),
            Self::I64(values) => Self::I64(of(values, indices)),
            Self::F32(values) => Self::F32(of(values, indices)),
            Self::F64(values) => Self::F64(of(values, indices)),
        }
    }

    /// All values as bytes by `byte`.
    pub(crate) fn into_bytes(self, byte: impl Fn(f64) -> u8) -> Vec<u8> {
        match self {
            Self::U8(values) => values.into_iter().map(|x| byte(f64::from(x))).collect(),
            Self::I64(values) => values.into_iter().map(|x| byte(x as f64)).collect(),
            Self::F32(values) => values.into_iter().map(|x| byte(f64::from(x))).collect(),
            Self::F64(values) => values.into_iter().map(byte).collect(),
        }
    }
}
