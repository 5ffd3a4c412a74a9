//! The hub as a whole, in a small world of nodes.

mod bounds;
mod files;
mod healing;
mod hostile;
mod links;
mod mesh;
mod paper;
mod pushing;
