//! The use cases on a real database, as the runtime role, with the real model.

mod actions;
mod api_key;
mod audit;
mod break_glass;
mod bulk;
mod denial;
mod embedding_model;
mod export;
mod group_mapping;
mod import;
mod invite;
mod job;
mod member;
mod memory;
mod memory_model;
mod memory_view;
mod offboard;
mod operator;
mod preferences;
mod proposal;
mod review;
mod role;
mod settings;
mod share;
mod support;
mod team;
