//! Isolation is proved: the rules that every table keeps, and what each role can
//! do to each table's rows.

mod breakers;
mod catalogue;
mod exceptions;
mod logins;
mod matrix;
mod purge;
mod rows;
mod rules;
