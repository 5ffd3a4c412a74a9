//! The hub as a whole, in a small world of nodes.

mod agenda;
mod bounds;
mod busy;
mod compartments;
mod files;
mod healing;
mod hostile;
mod links;
mod mesh;
mod pace;
mod paper;
mod pushing;
