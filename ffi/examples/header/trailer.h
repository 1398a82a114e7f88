// Text from a string that ends in NUL; NULL is no text.
static inline dm_text dm_text_of(const char *string) {
    dm_text text;
    text.data = string;
    text.len = string ? strlen(string) : 0;
    return text;
}

// No text: for an argument that is left out.
static inline dm_text dm_no_text(void) {
    dm_text text;
    text.data = NULL;
    text.len = 0;
    return text;
}

#endif // DMAGENT_H
