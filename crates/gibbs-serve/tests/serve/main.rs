//! The server as a browser and as an attacker see it, with a model that is made of arithmetic.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod client;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod zoo;
