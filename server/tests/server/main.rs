//! The server through its router, with a database for each test. One program,
//! because linking the server takes longer than most of these tests.

mod auth_demo;
mod auth_flow;
mod auth_groups;
mod auth_invite;
mod auth_issuers;
mod auth_limit;
mod auth_logout;
mod auth_member;
mod auth_refresh;
mod auth_rotation;
mod auth_session;
mod auth_token;
mod first_day;
mod http_compression;
mod http_layers;
mod http_server_functions;
mod listener;
mod live;
mod markup;
mod mcp;
mod page_reads;
mod rest;
mod rest_audit;
mod rest_import;
mod rest_key;
mod rest_member;
mod rest_memory;
mod rest_memory_view;
mod rest_notification;
mod rest_organisation;
mod rest_persona;
mod rest_role;
mod rest_team;
mod role_matrix;
mod support;
