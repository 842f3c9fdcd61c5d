//! Tests of the audit log: formats against the vectors, then the machinery over faulty stores.

mod formats;
