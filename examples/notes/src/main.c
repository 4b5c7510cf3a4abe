#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

static unsigned short port_of_environment(void)
{
    const char *text = getenv("NOTES_PORT");
    long port = text == NULL ? 8080 : strtol(text, NULL, 10);
    return port > 0 && port < 65536 ? (unsigned short)port : 8080;
}

int main(int count, char **words)
{
    if (count == 3 && strcmp(words[1], "serve") == 0)
        return serve(words[2], port_of_environment());
    if (count == 2 && strcmp(words[1], "check") == 0)
        return check(port_of_environment());
    if (count == 2 && strcmp(words[1], "version") == 0) {
        puts(VERSION);
        return 0;
    }
    fputs("usage: notes serve FOLDER | check | version\n", stderr);
    return 2;
}
