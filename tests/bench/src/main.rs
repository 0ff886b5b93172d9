//! The program `plexy-bench`; all of it is in the library.

fn main() -> std::process::ExitCode {
    plexy_bench::main()
}
