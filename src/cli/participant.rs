//! Who plays a role.
