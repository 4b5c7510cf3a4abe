#ifndef NOTES_SERVE_H
#define NOTES_SERVE_H

#include "http.h"

struct answer {
    int status;
    size_t length;
    char text[HTTP_MAX_BODY];
};

/* What the service says to a request; body is request->content_length bytes. */
void serve_request(int folder, const struct http_request *request, const char *body, struct answer *answer);

/* Serves until SIGTERM or SIGINT; the exit code. */
int serve(const char *folder, unsigned short port);

/* Whether a service answers on the port; the exit code. */
int check(unsigned short port);

#endif
