DROP TABLE memory_views;
