//! Associative memories: store, measure, recall.

fn main() -> std::process::ExitCode {
    experiments::HOPFIELD.main()
}
