//! The program `plexyd`; all of it is in the library.

fn main() -> std::process::ExitCode {
    plexyd::main()
}
