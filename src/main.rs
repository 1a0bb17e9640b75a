//! Hands the command line to [`rubrica::service::cli`]; nothing else.

fn main() -> std::process::ExitCode {
    rubrica::service::cli::run()
}
