//! `oubliette policy`: what a pack says and does, offline on its folder; and `reload`, which asks a running
//! vault to read its own folder again. One file per subcommand.

mod cells;
mod diff;
mod explain;
mod matrix;
mod page;
mod reload;
mod test;

use super::failure::Failure;

pub(super) use reload::PackFolder;

/// Subcommands of `policy`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a pack and run its scenarios
    #[command(visible_alias = "check")]
    Test(test::Args),
    /// Say by which policy, under which law and if what holds a role may do something
    Explain(explain::Args),
    /// Print all that a pack allows
    Matrix(matrix::Args),
    /// Compare what two packs allow
    Diff(diff::Args),
    /// Print the public page: who sees what, what is refused, for how long
    Page(page::Args),
    /// Put the pack in the server's folder in force, while it runs
    Reload(reload::Args),
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Test(args) => test::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Matrix(args) => matrix::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Page(args) => page::run(args),
        Command::Reload(args) => reload::run(args).map_err(Failure::on_the_vault),
    }
}
