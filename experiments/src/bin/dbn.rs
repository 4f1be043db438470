//! Deep belief networks: train, fine-tune, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::DBN.main()
}
