#include "http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Copies the word that begins at *at and ends with a blank; false when it does not fit. */
static bool take_word(const char **at, const char *end, char *word, size_t size)
{
    size_t length = 0;
    while (*at < end && **at != ' ' && **at != '\r') {
        if (length + 1 >= size)
            return false;
        word[length++] = *(*at)++;
    }
    word[length] = '\0';
    return length > 0;
}

static bool parse_length(const char *value, const char *end, size_t *length)
{
    size_t sum = 0;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    if (value == end)
        return false;
    for (; value < end; value++) {
        if (!isdigit((unsigned char)*value) || sum > HTTP_MAX_BODY)
            return false;
        sum = sum * 10 + (size_t)(*value - '0');
    }
    *length = sum;
    return true;
}

enum http_parse http_parse(const char *data, size_t length, struct http_request *request, size_t *head_length)
{
    const char *empty = memmem(data, length, "\r\n\r\n", 4);
    if (empty == NULL)
        return length >= HTTP_MAX_HEAD ? HTTP_TOO_LARGE : HTTP_MORE;
    *head_length = (size_t)(empty - data) + 4;
    memset(request, 0, sizeof *request);

    const char *at = data;
    if (!take_word(&at, empty, request->method, sizeof request->method) || *at++ != ' ')
        return HTTP_BAD;
    if (!take_word(&at, empty, request->path, sizeof request->path) || *at != ' ')
        return HTTP_BAD;

    for (const char *line = memmem(at, (size_t)(empty - at), "\r\n", 2); line != NULL && line < empty;) {
        const char *begin = line + 2;
        const char *end = memmem(begin, (size_t)(empty - begin), "\r\n", 2);
        if (end == NULL)
            end = empty;
        static const char name[] = "content-length:";
        if ((size_t)(end - begin) >= sizeof name - 1 && strncasecmp(begin, name, sizeof name - 1) == 0
            && !parse_length(begin + sizeof name - 1, end, &request->content_length))
            return HTTP_BAD;
        line = end == empty ? NULL : end;
    }
    return request->content_length > HTTP_MAX_BODY ? HTTP_TOO_LARGE : HTTP_COMPLETE;
}

const char *http_reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    default: return "Internal Server Error";
    }
}
