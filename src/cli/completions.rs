//! `oubliette completions`: what a shell needs to complete the command line, on standard output. Made
//! from the commands themselves, so it cannot differ from them. Offline.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, failure::Failure, out};

const AFTER: &str = "\
Example:
  oubliette completions bash > ~/.local/share/bash-completion/completions/oubliette
  oubliette completions zsh > ~/.zfunc/_oubliette
  oubliette completions fish > ~/.config/fish/completions/oubliette.fish

zsh wants the folder in its `fpath` before `compinit` runs. Make the file again after an upgrade.";

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// For which shell
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    out::bytes(&script(args.shell));
    Ok(())
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "oubliette", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for command in Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell} {}", command.get_name());
            }
            // A flag of a command inside a command, too.
            assert!(script.contains("undertaking-on"), "{shell}");
        }
    }
}
