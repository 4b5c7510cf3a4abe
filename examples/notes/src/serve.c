#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static int status_of_error(void)
{
    return errno == ENOENT || errno == ELOOP ? 404 : 500;
}

void serve_request(int folder, const struct http_request *request, const char *body, struct answer *answer)
{
    const char *method = request->method;
    const char *name = request->path + 1;
    bool is_get = strcmp(method, "GET") == 0;
    long length = 0;
    answer->length = 0;
    if (strcmp(request->path, "/") == 0) {
        length = is_get ? store_list(folder, answer->text, sizeof answer->text) : 0;
        answer->status = !is_get ? 405 : length < 0 ? 500 : 200;
    } else if (request->path[0] != '/' || !store_is_name(name)) {
        answer->status = 400;
    } else if (is_get) {
        length = store_get(folder, name, answer->text, sizeof answer->text);
        answer->status = length < 0 ? status_of_error() : 200;
    } else if (strcmp(method, "PUT") == 0) {
        answer->status = store_put(folder, name, body, request->content_length) < 0 ? 500 : 201;
    } else if (strcmp(method, "DELETE") == 0) {
        answer->status = store_remove(folder, name) < 0 ? status_of_error() : 204;
    } else {
        answer->status = 405;
    }
    if (length > 0)
        answer->length = (size_t)length;
}

static void send_all(int connection, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(connection, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return;
        text += sent;
        length -= (size_t)sent;
    }
}

static void send_answer(int connection, const struct answer *answer)
{
    char head[256];
    int length = snprintf(head, sizeof head,
        "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n",
        answer->status, http_reason(answer->status), answer->length);
    send_all(connection, head, (size_t)length);
    send_all(connection, answer->text, answer->length);
}

/* One request, then the connection is closed. */
static void handle(int connection, int folder)
{
    static char data[HTTP_MAX_HEAD + HTTP_MAX_BODY];
    static struct answer answer;
    struct http_request request;
    size_t length = 0;
    size_t head = 0;
    enum http_parse parsed = HTTP_MORE;
    while (length < sizeof data) {
        ssize_t got = recv(connection, data + length, sizeof data - length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        length += (size_t)got;
        if (parsed == HTTP_MORE)
            parsed = http_parse(data, length, &request, &head);
        if (parsed == HTTP_BAD || parsed == HTTP_TOO_LARGE)
            break;
        if (parsed == HTTP_COMPLETE && length - head >= request.content_length) {
            serve_request(folder, &request, data + head, &answer);
            send_answer(connection, &answer);
            return;
        }
    }
    answer.status = parsed == HTTP_BAD ? 400 : 413;
    answer.length = 0;
    send_answer(connection, &answer);
}

static int listen_on(unsigned short port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0
        || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 64) < 0) {
        perror("notes: listen");
        return -1;
    }
    return listener;
}

int serve(const char *path, unsigned short port)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        perror("notes: open the folder");
        return 1;
    }
    int listener = listen_on(port);
    if (listener < 0)
        return 1;
    struct sigaction action = { .sa_handler = stop };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    printf("notes: serving %s on port %d\n", path, port);
    fflush(stdout);
    while (!stopped) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
            continue;
        struct timeval patience = { .tv_sec = 5 };
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        handle(connection, folder);
        close(connection);
    }
    puts("notes: stopped");
    return 0;
}

int check(unsigned short port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0)
        return 1;
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[16] = "";
    send_all(connection, request, sizeof request - 1);
    ssize_t got = recv(connection, answer, sizeof answer - 1, MSG_WAITALL);
    close(connection);
    return got > 12 && strncmp(answer, "HTTP/1.1 200", 12) == 0 ? 0 : 1;
}
