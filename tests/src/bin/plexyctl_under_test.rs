//! The program `plexyctl`, built by this package so that its tests find a fresh one.

fn main() -> std::process::ExitCode {
    plexyctl::main()
}
