#ifndef NOTES_HTTP_H
#define NOTES_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_MAX_HEAD = 8192, HTTP_MAX_BODY = 1 << 20 };

/* The head of an HTTP/1.1 request, as far as notes needs it. */
struct http_request {
    char method[8];
    char path[256];
    size_t content_length;
};

enum http_parse {
    HTTP_COMPLETE,
    HTTP_MORE, /* the empty line has not come yet */
    HTTP_BAD,
    HTTP_TOO_LARGE,
};

/* Parses the head in data[0..length); *head_length is the offset of the body. */
enum http_parse http_parse(const char *data, size_t length, struct http_request *request, size_t *head_length);

const char *http_reason(int status);

#endif
