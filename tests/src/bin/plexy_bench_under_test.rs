//! The program `plexy-bench`, built by this package so that its tests find a fresh one.

fn main() -> std::process::ExitCode {
    plexy_bench::main()
}
