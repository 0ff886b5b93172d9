//! The program `plexyctl`; all of it is in the library.

fn main() -> std::process::ExitCode {
    plexyctl::main()
}
