drop table if exists tickets;
