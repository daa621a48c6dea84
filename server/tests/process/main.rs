//! The program as an operator runs it: real processes, signals and exit statuses.

mod audit;
mod commands;
mod lifecycle;
mod live;
mod refusals;
mod support;
