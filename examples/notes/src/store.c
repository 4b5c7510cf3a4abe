#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAME = 64 };

bool store_is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t length = strlen(name);
    return length > 0 && length <= MAX_NAME && strspn(name, allowed) == length;
}

static int write_all(int file, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, text, length);
        if (written < 0 && errno != EINTR)
            return -1;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

int store_put(int folder, const char *name, const char *text, size_t length)
{
    char temporary[32];
    snprintf(temporary, sizeof temporary, ".new.%ld", (long)getpid());
    int file = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        return -1;
    int failed = write_all(file, text, length) < 0 || fsync(file) < 0;
    failed |= close(file) < 0;
    if (!failed && renameat(folder, temporary, folder, name) == 0)
        return 0;
    int error = errno;
    unlinkat(folder, temporary, 0);
    errno = error;
    return -1;
}

long store_get(int folder, const char *name, char *text, size_t size)
{
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return -1;
    size_t length = 0;
    ssize_t got;
    while (length < size && (got = read(file, text + length, size - length)) != 0) {
        if (got < 0 && errno != EINTR) {
            close(file);
            return -1;
        }
        if (got > 0)
            length += (size_t)got;
    }
    close(file);
    return (long)length;
}

int store_remove(int folder, const char *name)
{
    return unlinkat(folder, name, 0);
}

static int is_note(const struct dirent *entry)
{
    return store_is_name(entry->d_name);
}

long store_list(int folder, char *text, size_t size)
{
    struct dirent **entries;
    int count = scandirat(folder, ".", &entries, is_note, alphasort);
    if (count < 0)
        return -1;
    size_t length = 0;
    for (int index = 0; index < count; index++) {
        int added = snprintf(text + length, size - length, "%s\n", entries[index]->d_name);
        if (added > 0 && (size_t)added < size - length)
            length += (size_t)added;
        free(entries[index]);
    }
    free(entries);
    return (long)length;
}
