//! Texts to types and back.
