//! The network as its neighbours see it: real sockets on loopback, real certificates, and a forger who keeps to no rule.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod files;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod links;
#[cfg(test)]
mod world;
