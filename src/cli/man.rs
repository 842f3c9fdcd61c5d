//! `oubliette man`: manual pages, made from the commands themselves. One page to standard output, or all
//! of them into a folder. Offline.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Command, CommandFactory as _};
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};

use super::{Cli, failure::Failure, out};

const AFTER: &str = "\
Example:
  oubliette man --out /usr/local/share/man/man1
  oubliette man | man -l -

Without --out the page of the program goes to standard output. With it the folder gets oubliette.1 and
a page for each command, such as oubliette-agent-create.1; pages of an earlier version are replaced.";

/// The section for users' commands.
const SECTION: &str = "1";
/// What the text after a command's options begins with where it shows examples.
const EXAMPLES: &str = "Example:";

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Folder to write all pages to
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes the pages.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let pages = pages().map_err(|e| Failure::of(&e))?;
    match &args.out {
        Some(folder) => {
            write(&pages, folder)?;
            out::line(&format!("{}: {} pages", folder.display(), pages.len()));
        }
        // The program itself comes first.
        None => pages.first().into_iter().for_each(|(_, page)| out::bytes(page)),
    }
    Ok(())
}

fn write(pages: &[(String, Vec<u8>)], folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure::file("making", folder, &e))?;
    for (name, page) in pages {
        let path = folder.join(name);
        fs::write(&path, page).map_err(|e| Failure::file("writing", &path, &e))?;
    }
    Ok(())
}

/// File name and content of every page, the program's first.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    // `help` would get a page for each command once more.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    collect(&program, &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    pages.push((format!("{name}.{SECTION}"), page(command)?));
    command.get_subcommands().try_for_each(|sub| collect(sub, pages))
}

/// One page. The text that follows the options in `--help` stands under headings of its own here, its
/// lines as they are.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let source = concat!("oubliette ", env!("CARGO_PKG_VERSION"));
    // No date, so that the same program makes the same bytes; written out, or the next word would
    // stand in its place.
    let man = Man::new(command.clone()).section(SECTION).date("\"\"").source(source);
    let man = man.manual("Oubliette");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let (examples, notes) = match after.strip_prefix(EXAMPLES) {
        Some(rest) => rest.split_once("\n\n").unwrap_or((rest, "")),
        None => ("", after.as_str()),
    };
    as_it_stands("EXAMPLES", examples, &mut page)?;
    as_it_stands("NOTES", notes, &mut page)?;
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(once(&page))
}

/// The preamble, which comes with every section, stands at the head only.
fn once(page: &[u8]) -> Vec<u8> {
    let preamble = Roff::new().render();
    let rest = String::from_utf8_lossy(page).replace(&preamble, "");
    format!("{preamble}{rest}").into_bytes()
}

/// A section whose lines are not filled.
fn as_it_stands(heading: &str, text: &str, page: &mut Vec<u8>) -> io::Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", [heading]).control("nf", []);
    for line in text.trim_matches('\n').lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.to_writer(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(page: &[u8]) -> String {
        String::from_utf8(page.to_vec()).unwrap().replace("\\-", "-")
    }

    #[test]
    fn every_command_has_a_page_and_the_program_comes_first() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "oubliette.1");
        for name in ["oubliette-sample.1", "oubliette-agent.1", "oubliette-agent-create.1"] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
        for (name, page) in &pages {
            let page = text(page);
            assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
            let title = format!(".TH {} 1 \"\" \"oubliette ", name.trim_end_matches(".1"));
            assert_eq!(page.matches(&title).count(), 1, "{name}");
            assert_eq!(page.matches(".ie ").count(), 1, "{name}");
        }
    }

    #[test]
    fn an_example_keeps_its_lines_and_what_follows_it_stands_under_its_own_heading() {
        let pages = pages().unwrap();
        let page = |name: &str| text(&pages.iter().find(|(n, _)| n == name).unwrap().1);
        let purge = page("oubliette-purge.1");
        let shown = ".SH EXAMPLES\n.nf\n  oubliette purge --dry-run\n  oubliette purge\n.fi\n";
        assert!(purge.contains(shown) && purge.contains(".SH NOTES\n.nf\nA vault"), "{purge}");
        assert!(!page("oubliette-logout.1").contains(".SH NOTES"));
        assert!(page("oubliette.1").contains(".SH NOTES\n.nf\nExit codes:\n  0  done"));
    }

    #[test]
    fn a_folder_gets_all_pages_and_old_ones_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let man1 = folder.path().join("share/man1");
        let pages = pages().unwrap();
        write(&pages, &man1).unwrap();
        fs::write(man1.join("oubliette.1"), "old").unwrap();
        write(&pages, &man1).unwrap();
        assert_eq!(fs::read_dir(&man1).unwrap().count(), pages.len());
        assert_eq!(fs::read(man1.join("oubliette.1")).unwrap(), pages[0].1);
        assert!(write(&pages, &man1.join("oubliette.1")).is_err());
    }
}
