#ifndef NOTES_STORE_H
#define NOTES_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* A note is a file of the folder; its name is letters, digits, - and _. Paths are never made of anything else. */
bool store_is_name(const char *name);

/* 0, or -1 with errno. A reader sees the old note or the new one, never half of one. */
int store_put(int folder, const char *name, const char *text, size_t length);

/* The length of the note, which is at most size, or -1 with errno. */
long store_get(int folder, const char *name, char *text, size_t size);

int store_remove(int folder, const char *name);

/* Names by line into text, sorted; the length, or -1 with errno. */
long store_list(int folder, char *text, size_t size);

#endif
