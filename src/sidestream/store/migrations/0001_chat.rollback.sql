-- The role stays: other databases of the same server may use it.
drop view if exists chat_messages;
drop view if exists chat_sessions;
drop table if exists feedback;
drop table if exists attachments;
drop table if exists thread_items;
drop table if exists threads;
