//! Element-wise functions: value and derivative of one number.

use super::real::Real;

/// An element-wise function with its derivative. `saved` is the result or the argument, see
/// `Function::derivative_from_result`.
pub(crate) trait Map {
    fn value<R: Real>(x: R) -> R;
    fn derivative<R: Real>(saved: R) -> R;
}

/// `Name: value of x; derivative from the saved number.`
macro_rules! maps {
    ($($name:ident: |$x:ident| $value:expr; |$saved:ident| $derivative:expr;)*) => {$(
        pub(crate) struct $name;

        impl Map for $name {
            #[inline(always)]
            fn value<R: Real>($x: R) -> R {
                $value
            }

            #[inline(always)]
            fn derivative<R: Real>($saved: R) -> R {
                $derivative
            }
        }
    )*};
}

maps! {
    Identity: |x| x; |_saved| R::ONE;
    Relu: |x| x.relu(); |y| y.step();
    Sigmoid: |x| x.sigmoid(); |y| y * (R::ONE - y);
    Tanh: |x| x.tanh(); |y| R::ONE - y * y;
    Softplus: |x| x.positive_part() + x.log1p_exp_neg_abs(); |x| x.sigmoid();
    LogSigmoid: |x| -((-x).positive_part() + x.log1p_exp_neg_abs()); |x| (-x).sigmoid();
    Exp: |x| x.exp(); |y| y;
    Silu: |x| x.silu_with_slope().0; |x| x.silu_with_slope().1;
}
