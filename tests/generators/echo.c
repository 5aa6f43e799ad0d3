/* A small WebSocket echo server and a small load generator, to compare other generators with.
 *
 *   echo serve                                   print the port, and echo until standard input ends
 *   echo load PORT CONNECTIONS BYTES SECONDS     print how many messages came back right in a second
 *
 * Each is one thread around epoll, and knows no more of RFC 6455 than the comparison takes: whole text frames of up to
 * 65,535 bytes. The load is a closed loop with one message of each connection underway. Each echo is compared with what
 * was sent; one that differs ends the run.
 *
 * cc -O2 -o echo echo.c -lcrypto
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65535, SPACE = 2 * MOST, EVENTS = 256 };

struct connection {
    int fd, open; /* open: the handshake is over */
    size_t held;  /* bytes in `in` */
    uint64_t number;
    unsigned char in[SPACE];
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* Messages are small and answered at once, so a socket that takes no more is an error here. */
static void put(int fd, const void *data, size_t size) {
    for (const char *at = data; size > 0;) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) fail("send");
        at += sent, size -= (size_t)sent;
    }
}

/* The bytes of a frame's header before the payload, with that first byte; `masked` is 0x80 or 0. */
static size_t header(unsigned char *to, unsigned char first, unsigned char masked, size_t size) {
    to[0] = first;
    if (size < 126) {
        to[1] = masked | (unsigned char)size;
        return 2;
    }
    to[1] = masked | 126, to[2] = (unsigned char)(size >> 8), to[3] = (unsigned char)size;
    return 4;
}

/* The whole frame at `at`: its payload and the payload's size. Gives how long the frame is, or 0 if it is not whole. */
static size_t frame(unsigned char *at, size_t held, unsigned char **payload, size_t *size) {
    if (held < 2) return 0;
    size_t length = at[1] & 0x7f, head = 2, masked = at[1] >> 7;
    if (length == 127) exit(1); /* no message is that long here */
    if (length == 126) {
        if (held < 4) return 0;
        length = (size_t)at[2] << 8 | at[3], head = 4;
    }
    if (held < head + 4 * masked + length) return 0;
    *payload = at + head + 4 * masked, *size = length;
    for (size_t byte = 0; masked && byte < length; byte++) (*payload)[byte] ^= at[head + byte % 4];
    return head + 4 * masked + length;
}

static void answer(struct connection *one) {
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", name[] = "sec-websocket-key:";
    char key[128], accept[64], response[256];
    unsigned char digest[SHA_DIGEST_LENGTH];
    one->in[one->held] = 0;
    char *found = strcasestr((char *)one->in, name);
    if (!found || sscanf(found + strlen(name), " %60s", key) != 1) exit(1);
    strcat(key, magic);
    SHA1((unsigned char *)key, strlen(key), digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    int size = snprintf(response, sizeof response,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    put(one->fd, response, (size_t)size);
}

/* Take what came; gives whether the connection goes on. `take` gets each whole message. */
static int receive(struct connection *one, int server, void (*take)(struct connection *, unsigned char *, size_t)) {
    ssize_t got = recv(one->fd, one->in + one->held, SPACE - 1 - one->held, 0);
    if (got < 0 && (errno == EAGAIN || errno == ECONNRESET)) return errno == EAGAIN;
    if (got <= 0) return 0;
    one->held += (size_t)got;
    size_t at = 0;
    if (!one->open) {
        unsigned char *end = memmem(one->in, one->held, "\r\n\r\n", 4);
        if (!end) return 1;
        at = (size_t)(end - one->in) + 4, one->open = 1;
        if (server) answer(one);
    }
    unsigned char *payload;
    size_t size, whole;
    while ((whole = frame(one->in + at, one->held - at, &payload, &size))) {
        if ((one->in[at] & 0x0f) == 8) return 0; /* a close frame: the other side is done */
        take(one, payload, size);
        at += whole;
    }
    memmove(one->in, one->in + at, one->held - at);
    one->held -= at;
    return 1;
}

static void watch(int epoll, int fd, void *data) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static void echo(struct connection *one, unsigned char *payload, size_t size) {
    static unsigned char out[MOST + 4];
    size_t head = header(out, 0x81, 0, size);
    memcpy(out + head, payload, size);
    put(one->fd, out, head + size);
}

static int serve(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), standard_input = 0;
    if (bind(listener, (void *)&address, size) || listen(listener, 1024)) fail("listen");
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    watch(epoll, listener, &listener);
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = &standard_input};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int number = 0; number < count; number++) {
            void *what = events[number].data.ptr;
            struct connection *one = what;
            if (what == &standard_input) {
                return 0;
            } else if (what == &listener) {
                if (!(one = calloc(1, sizeof *one))) fail("calloc");
                if ((one->fd = accept4(listener, NULL, NULL, 0)) < 0) fail("accept4");
                watch(epoll, one->fd, one);
            } else if (!receive(one, 1, echo)) {
                close(one->fd);
                free(one);
            }
        }
    }
}

static size_t bytes;
static uint64_t back;
static char padding[MOST + 1];

static size_t message(char *to, uint64_t number) {
    memcpy(to, padding, bytes);
    char digits[21];
    snprintf(digits, sizeof digits, "%020llu", (unsigned long long)number);
    memcpy(to, digits, bytes < 20 ? bytes : 20);
    return bytes;
}

static void say(struct connection *one) {
    static unsigned char out[MOST + 8];
    size_t head = header(out, 0x81, 0x80, bytes);
    uint32_t mask = (uint32_t)random();
    memcpy(out + head, &mask, 4);
    message((char *)out + head + 4, ++one->number);
    for (size_t byte = 0; byte < bytes; byte++) out[head + 4 + byte] ^= out[head + byte % 4];
    put(one->fd, out, head + 4 + bytes);
}

static void hear(struct connection *one, unsigned char *payload, size_t size) {
    static char expected[MOST + 1];
    if (size != message(expected, one->number) || memcmp(payload, expected, size)) {
        fprintf(stderr, "an echo differs from what was sent\n");
        exit(1);
    }
    back++;
    say(one);
}

static int load(int port, int connections, double seconds) {
    static const char request[] = "GET /foobar/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int epoll = epoll_create1(0), opened = 0;
    memset(padding, 'x', sizeof padding);
    for (int number = 0; number < connections; number++) {
        struct connection *one = calloc(1, sizeof *one);
        if (!one) fail("calloc");
        one->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(one->fd, (void *)&address, sizeof address)) fail("connect");
        put(one->fd, request, sizeof request - 1);
        watch(epoll, one->fd, one);
    }
    double began = 0, end = now() + 10;
    while (now() < end) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, 1000);
        for (int number = 0; number < count; number++) {
            struct connection *one = events[number].data.ptr;
            int before = one->open;
            if (!receive(one, 0, hear)) {
                fprintf(stderr, "the server closed a connection\n");
                return 1;
            }
            if (!before && one->open && ++opened == connections) {
                began = now(), end = began + seconds, back = 0;
            }
            if (!before && one->open) say(one);
        }
    }
    if (!began) {
        fprintf(stderr, "only %d of %d connections opened within 10 s\n", opened, connections);
        return 1;
    }
    printf("%.0f\n", (double)back / (now() - began));
    return 0;
}

int main(int count, char **words) {
    if (count == 2 && !strcmp(words[1], "serve")) return serve();
    if (count == 6 && !strcmp(words[1], "load")) {
        int connections = atoi(words[3]);
        bytes = (size_t)atol(words[4]);
        double seconds = atof(words[5]);
        if (connections > 0 && bytes > 0 && bytes <= MOST && seconds > 0) return load(atoi(words[2]), connections, seconds);
    }
    fprintf(stderr, "usage: echo serve | echo load PORT CONNECTIONS BYTES SECONDS\n");
    return 2;
}
