//! The program `plexyd`, built by this package so that its tests find a fresh one.

fn main() -> std::process::ExitCode {
    plexyd::main()
}
