#![doc = include_str!("../README.md")]

mod access;
mod actions;
mod answer;
mod base64;
mod folder;
mod follow;
mod jobs;
mod models;
mod pages;
pub mod playground;
mod server;
mod zoo;

pub use playground::Playground;
pub use server::{ServeError, Server};
pub use zoo::{Offer, Toy, Zoo};
