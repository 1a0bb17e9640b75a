//! The command line: `rubrica <verb>`.

/// Reads the arguments, runs the verb, and answers with its exit code.
pub fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
