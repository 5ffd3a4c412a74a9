//! Placeholder page, replaced by its first module.
