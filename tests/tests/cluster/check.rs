//! `emberscope check`: what holds passes, and of each link that is broken it names that one.

mod chain;
mod links;
mod metrics;
mod pods;
mod policy;
mod use_of_it;
