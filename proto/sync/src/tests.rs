//! The hub as a whole, in a small world of nodes.

mod healing;
mod links;
mod pushing;
