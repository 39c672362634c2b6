drop table if exists followers;
