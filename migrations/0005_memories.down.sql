DROP FUNCTION memory_search_words(text[], tsquery, tsquery, bigint, boolean, boolean, text, text, text, bigint);
DROP FUNCTION memory_collection_size(bigint);
DROP TABLE memory_versions;
DROP TABLE memories;
DROP FUNCTION memory_phrases(text[], boolean);
DROP FUNCTION memory_any_lexeme(text[]);
DROP FUNCTION memory_tags_text(text[]);
DROP FUNCTION memory_words_shown(text);
DROP FUNCTION memory_words(text);
