//! The command line: arguments in, one file per command, an exit code out.
//!
//! `init`, `serve`, `place` (but for `list`), `restore`, `backup verify`, `demo`, `sample`, `cert dev`, `policy` (but for `reload`), `audit verify`,
//! `certificate verify`, `completions` and `man` work offline; every other command talks gRPC through `client`. No secret is
//! ever taken from an argument or from an environment variable, and no field of a record from an
//! argument: both would stay in the shell's history and in the process list.

mod advice;
mod again;
mod agent;
mod alarm;
mod alarm_exec;
mod approval;
mod assign;
mod audit;
mod backup;
mod cert;
mod certificate;
mod clock;
mod completions;
mod config;
mod connect;
mod create;
mod demo;
mod derive;
mod describe;
mod erase;
mod failure;
mod find;
mod folders;
mod hold;
mod import;
mod init;
mod json;
mod key;
mod listing;
mod login;
mod man;
mod matches;
mod offline;
mod out;
mod place;
mod policy;
mod progress;
mod prompt;
mod purge;
mod restore;
mod restrict;
mod reveal;
mod review;
mod sample;
mod secrets;
mod serve;
mod status;
mod tls;
mod typed;
mod unassign;
mod update;
mod why;
mod worklist;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

use self::failure::Failure;

const AFTER: &str = "\
Exit codes:
  0  done
  1  failed, or `status` found something that needs a person, or `import` had lines refused
  2  the command line is wrong
  3  refused: the policy does not allow it, or the record is not available to you
  4  `audit verify`: the log holds, but says itself that an earlier part of it was cut
  5  `match`: the record has another value

Try it without any set-up:
  oubliette demo
";

/// A vault for personal and medical data: it shows each agent only what the task in hand needs,
/// writes every access down before it answers, and really forgets, on time.
#[derive(Parser)]
#[command(name = "oubliette", version, after_help = AFTER, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole thing at work in temporary folders
    Demo(demo::Args),
    /// Found a vault: data folder, key places, first two agents
    Init(Box<init::Args>),
    /// Run a vault
    Serve(serve::Args),
    /// Open a session and keep its token in a file of yours alone
    Login(login::LoginArgs),
    /// End the session
    Logout(login::LogoutArgs),
    /// Appoint, revoke and list agents
    #[command(subcommand)]
    Agent(agent::Command),
    /// File a record, read as JSON from a file or standard input
    Create(create::Args),
    /// Make a record of another collection from one, as the pack lists it
    Derive(derive::Args),
    /// File many records, read line by line as NDJSON or CSV
    Import(import::Args),
    /// Show classes of one record or of several
    Reveal(reveal::Args),
    /// Find records by exact values
    Find(find::Args),
    /// Ask whether a field of a record has a value
    Match(matches::Args),
    /// Change fields and attributes of a record
    Update(update::Args),
    /// Give a record to an agent or put it into a unit's queue
    Assign(assign::Args),
    /// Take an assignment back
    Unassign(unassign::Args),
    /// Destroy the keys of records before their date
    Erase(erase::Args),
    /// Stop the processing of a person's records, or let it go on
    Restrict(restrict::Args),
    /// List the records assigned to you, or to somebody else
    Worklist(worklist::Args),
    /// Say what the policy pack holds and what you could do with it
    Describe(describe::Args),
    /// Destroy the keys of everything whose date has come
    Purge(purge::Args),
    /// Keep records beyond their date, with two persons
    #[command(subcommand)]
    Hold(hold::Command),
    /// List and give leave to what takes two persons
    #[command(subcommand)]
    Approval(approval::Command),
    /// List and close the reviews of broken glass
    #[command(subcommand)]
    Review(review::Command),
    /// Say that the vault's clock is right
    #[command(subcommand)]
    Clock(clock::Command),
    /// List the vault's keys and rotate the root key
    #[command(subcommand)]
    Key(key::Command),
    /// List, verify, add, promote and remove key places
    #[command(subcommand)]
    Place(place::Command),
    /// List alarms and take note of them
    #[command(subcommand)]
    Alarm(alarm::Command),
    /// Read the audit log, take it along, verify it
    #[command(subcommand)]
    Audit(audit::Command),
    /// Fetch and verify certificates of what was forgotten
    #[command(subcommand)]
    Certificate(certificate::Command),
    /// Take a backup of a running vault's data folder, and verify one
    Backup(Box<backup::Args>),
    /// Put a backup back as a new data folder, while no vault runs
    Restore(Box<restore::Args>),
    /// Make synthetic records of a policy pack
    Sample(sample::Args),
    /// Make certificates to try TLS with
    #[command(subcommand)]
    Cert(cert::Command),
    /// Test, explain, compare and reload policy packs
    #[command(subcommand)]
    Policy(policy::Command),
    /// Show the vault's state; fails while something needs a person
    Status(status::Args),
    /// Print what a shell needs to complete this command line
    Completions(completions::Args),
    /// Print the manual page, or write all of them to a folder
    Man(man::Args),
}

/// Runs one command. The first argument is the program's name.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Printing fails only when nobody reads; the code still tells.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match cli.command {
        Command::Demo(args) => return demo::run(args),
        Command::Init(args) => init::run(&args),
        Command::Serve(args) => serve::run(args),
        Command::Login(args) => login::login(&args),
        Command::Logout(args) => login::logout(&args),
        Command::Agent(command) => agent::run(command).map_err(Failure::on_the_vault),
        Command::Create(args) => create::run(&args),
        Command::Derive(args) => derive::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Reveal(args) => reveal::run(&args),
        Command::Find(args) => find::run(&args),
        Command::Match(args) => matches::run(&args),
        Command::Update(args) => update::run(&args),
        Command::Assign(args) => assign::run(&args),
        Command::Unassign(args) => unassign::run(&args),
        Command::Erase(args) => erase::run(&args),
        Command::Restrict(args) => restrict::run(&args),
        Command::Worklist(args) => worklist::run(&args),
        Command::Describe(args) => describe::run(&args),
        Command::Purge(args) => purge::run(&args).map_err(Failure::on_the_vault),
        Command::Hold(command) => hold::run(&command),
        Command::Approval(command) => approval::run(&command).map_err(Failure::on_the_vault),
        Command::Review(command) => review::run(&command).map_err(Failure::on_the_vault),
        Command::Clock(command) => clock::run(&command).map_err(Failure::on_the_vault),
        Command::Key(command) => key::run(&command).map_err(Failure::on_the_vault),
        Command::Place(command) => place::run(command),
        Command::Alarm(command) => alarm::run(&command).map_err(Failure::on_the_vault),
        Command::Audit(command) => audit::run(&command).map_err(Failure::on_the_vault),
        Command::Backup(args) => backup::run(&args).map_err(Failure::on_the_vault),
        Command::Restore(args) => restore::run(*args),
        Command::Certificate(command) => certificate::run(&command).map_err(Failure::on_the_vault),
        Command::Cert(command) => cert::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Sample(args) => sample::run(&args),
        Command::Status(args) => status::run(&args).map_err(Failure::on_the_vault),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests;
