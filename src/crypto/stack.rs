//! The stack below a call, overwritten when the call is over.
//!
//! The libraries of the ciphers and hashes keep keys in values that they move: what a move leaves behind
//! on the stack is wiped by nobody, and stays until a later call happens to use the same place. Whatever
//! handles key bytes on the stack runs in [`wiped`]. It reaches [`ROOM_BYTES`] deep, and not what a caller
//! further up has on its own stack.

use zeroize::Zeroize as _;

/// More than any of the calls below takes, built without optimisation too.
const ROOM_BYTES: usize = 16 * 1024;

/// Does `work`, and overwrites the stack that it used.
pub(crate) fn wiped<T>(work: impl FnOnce() -> T) -> T {
    let done = below(work);
    overwrite();
    done
}

/// A frame of its own, so that everything `work` uses lies below the frame of [`wiped`].
#[inline(never)]
fn below<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Lies where the frames of [`below`] lay.
#[inline(never)]
fn overwrite() {
    let mut room = [0_u64; ROOM_BYTES / size_of::<u64>()];
    room.zeroize();
}
