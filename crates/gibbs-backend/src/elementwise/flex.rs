//! The operations on `flex`: one pass each.
use burn::backend::Flex;

use super::extension::ElementwiseOps;

impl ElementwiseOps for Flex {}
