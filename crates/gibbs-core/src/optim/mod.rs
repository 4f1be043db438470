//! Optimizers that Burn lacks, or that are worth a kernel of their own.
