-- transactional: false
drop trigger if exists tasks_kept_state on tasks;
drop trigger if exists tasks_kept_pieces on tasks;
drop trigger if exists tasks_made_pieces on tasks;
drop function if exists search_tasks(text, text[], text[], boolean, text, integer);
drop function if exists task_state_changed();
drop function if exists task_searchable_anew();
drop function if exists task_block(text, text);
drop table if exists task_pieces;
drop table if exists task_blocks;
drop function if exists task_pieces_for(text, bigint);
drop function if exists task_pieces_of(text, bigint);
drop function if exists task_tokens(text);
drop function if exists task_words(text, text);
