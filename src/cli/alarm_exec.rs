//! `alarm.exec`: the command that `serve` runs for each alarm, with the alarm's kind and opaque id and
//! nothing else.
//!
//! It is run without a shell, with no environment but a PATH, in a group of its own, one at a time, on a
//! thread that no call waits for; one that takes too long is killed with its group and counts as failed. What
//! it prints goes nowhere. When it is run again, and what is given up, is `vault::tell`'s.

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde::Deserialize;

use super::failure::Failure;
use crate::{
    ids::AlarmId,
    limits,
    vault::{AlarmTeller, AlarmUntold, Vault},
};

/// `[alarm]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlarmConfig {
    /// The program and its first arguments; kind and id are added.
    exec: Vec<String>,
}

/// The command, checked.
#[derive(Debug, Clone)]
pub(super) struct AlarmExec {
    program: PathBuf,
    arguments: Vec<String>,
    longest: Duration,
}

impl AlarmConfig {
    /// The command; a relative program is relative to `folder`, that of the configuration.
    pub(super) fn command(&self, folder: &Path) -> Result<AlarmExec, Failure> {
        let wrong = |what: &str| {
            Failure::usage(format!("`alarm.exec` {what}"))
                .hint("alarm.exec = [\"/path/to/program\", \"argument\"]; no shell reads it")
        };
        let Some((program, arguments)) = self.exec.split_first() else {
            return Err(wrong("names no program"));
        };
        if self.exec.len() > limits::ALARM_EXEC_WORDS_MAX {
            return Err(wrong(&format!("has at most {} words", limits::ALARM_EXEC_WORDS_MAX)));
        }
        let program = folder.join(program);
        let program = std::path::absolute(&program).unwrap_or(program);
        if !program.is_file() {
            return Err(wrong(&format!("names `{}`, which is no file", program.display())));
        }
        let longest = Duration::from_millis(limits::ALARM_EXEC_MS);
        Ok(AlarmExec { program, arguments: arguments.to_vec(), longest })
    }
}

impl AlarmExec {
    fn start(&self, kind: &str, alarm: &AlarmId) -> Option<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .arg(kind)
            .arg(alarm.to_string())
            // What the vault was started with, its credentials among it, is none of the command's business.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .ok()
    }

    /// Whether the command ended well within its time.
    fn ends_well(&self, mut child: Child) -> bool {
        let pid = Pid::from_child(&child);
        let (done, ended) = mpsc::sync_channel(1);
        // Waits without reaping, so that the number is nobody else's while it may be killed.
        let waiter = thread::Builder::new().name("alarm-exec".to_owned()).spawn(move || {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            let _ = done.send(());
        });
        let in_time = waiter.is_ok() && ended.recv_timeout(self.longest).is_ok();
        if !in_time {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        if let Ok(waiter) = waiter {
            let _ = waiter.join();
        }
        let status = child.wait();
        in_time && status.is_ok_and(|status| status.success())
    }
}

impl AlarmTeller for AlarmExec {
    fn tell(&self, kind: &str, alarm: &AlarmId) -> Result<(), AlarmUntold> {
        let child = self.start(kind, alarm).ok_or(AlarmUntold)?;
        if self.ends_well(child) { Ok(()) } else { Err(AlarmUntold) }
    }
}

/// The thread that looks for alarms to tell.
pub(super) struct Telling {
    stop: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Telling {
    /// Starts it; none without a command.
    pub(super) fn start(
        vault: &Arc<Vault>,
        exec: Option<AlarmExec>,
    ) -> Result<Option<Self>, Failure> {
        let Some(exec) = exec else { return Ok(None) };
        vault.tell_alarms_to(Arc::new(exec));
        let (stop, stopped) = mpsc::channel::<()>();
        let vault = Arc::clone(vault);
        let work = move || {
            let every = Duration::from_millis(limits::ALARM_ROUND_MS);
            let goes_on = || stopped.try_recv() == Err(mpsc::TryRecvError::Empty);
            loop {
                vault.tell_alarms(&goes_on);
                if stopped.recv_timeout(every) != Err(mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("alarms".to_owned()).spawn(work);
        Ok(Some(Self { stop, thread: thread.map_err(|e| Failure::of(&e))? }))
    }

    /// Ends it, after the command that is running.
    pub(super) fn end(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests;
