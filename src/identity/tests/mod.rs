//! Identity over a real keyring and log, on places and a disk in memory, under a manual clock.

mod changes;
mod crash;
mod logins;
mod world;

use world::World;
