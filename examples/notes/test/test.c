#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "serve.h"
#include "store.h"

static int failures;

#define EXPECT(condition)                                                     \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            failures++;                                                       \
        }                                                                     \
    } while (0)

static enum http_parse parse(const char *text, struct http_request *request)
{
    size_t head;
    return http_parse(text, strlen(text), request, &head);
}

static void test_http(void)
{
    struct http_request request;
    EXPECT(parse("GET / HTTP/1.1\r\nHost: x\r\n\r\n", &request) == HTTP_COMPLETE);
    EXPECT(strcmp(request.method, "GET") == 0 && strcmp(request.path, "/") == 0);
    EXPECT(parse("PUT /a HTTP/1.1\r\ncontent-LENGTH: 12\r\n\r\n", &request) == HTTP_COMPLETE);
    EXPECT(request.content_length == 12);
    EXPECT(parse("GET / HTTP/1.1\r\nHost", &request) == HTTP_MORE);
    EXPECT(parse("GET\r\n\r\n", &request) == HTTP_BAD);
    EXPECT(parse("GETGETGET / HTTP/1.1\r\n\r\n", &request) == HTTP_BAD);
    EXPECT(parse("PUT /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n", &request) == HTTP_BAD);
    EXPECT(parse("PUT /a HTTP/1.1\r\nContent-Length: 9999999999999999999999\r\n\r\n", &request) == HTTP_BAD);
    EXPECT(parse("PUT /a HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", &request) == HTTP_TOO_LARGE);
}

static int ask(int folder, const char *method, const char *path, const char *body, struct answer *answer)
{
    struct http_request request = { .content_length = strlen(body) };
    snprintf(request.method, sizeof request.method, "%s", method);
    snprintf(request.path, sizeof request.path, "%s", path);
    serve_request(folder, &request, body, answer);
    return answer->status;
}

static void test_service(void)
{
    static struct answer answer;
    char path[] = "/tmp/notes-test-XXXXXX";
    int folder = mkdtemp(path) == NULL ? -1 : open(path, O_RDONLY | O_DIRECTORY);
    EXPECT(folder >= 0);
    EXPECT(ask(folder, "GET", "/none", "", &answer) == 404);
    EXPECT(ask(folder, "PUT", "/b", "text of b", &answer) == 201);
    EXPECT(ask(folder, "PUT", "/a", "", &answer) == 201);
    EXPECT(ask(folder, "GET", "/b", "", &answer) == 200);
    EXPECT(answer.length == 9 && memcmp(answer.text, "text of b", 9) == 0);
    EXPECT(ask(folder, "GET", "/", "", &answer) == 200);
    EXPECT(answer.length == 4 && memcmp(answer.text, "a\nb\n", 4) == 0);
    EXPECT(ask(folder, "DELETE", "/b", "", &answer) == 204);
    EXPECT(ask(folder, "DELETE", "/b", "", &answer) == 404);
    EXPECT(ask(folder, "POST", "/a", "", &answer) == 405);
    EXPECT(ask(folder, "GET", "/../etc/passwd", "", &answer) == 400);
    EXPECT(ask(folder, "GET", "/.hidden", "", &answer) == 400);
    EXPECT(store_remove(folder, "a") == 0);
    EXPECT(remove(path) == 0);
}

int main(void)
{
    test_http();
    test_service();
    printf(failures == 0 ? "all tests passed\n" : "%d tests failed\n", failures);
    return failures == 0 ? 0 : 1;
}
