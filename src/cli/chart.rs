//! Message sequence charts as text.
