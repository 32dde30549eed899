/* A FastCGI client for the tests: see fcgi_client.h. */
#include "fcgi_client.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"
#include "usock.h"

enum {
	HEADER_LEN = 8,
	RESPONDER = 1,
	KEEP_CONNECTION = 1,
	LONG_LENGTH = 128,
	ANSWER_LIMIT_MS = 30000,
};

void
fcgi_append(struct fcgi_bytes *bytes, const void *data, size_t len)
{
	unsigned char *grown = keep(bytes->len + len + 1);

	if (bytes->len > 0)
		memcpy(grown, bytes->data, bytes->len);
	if (len > 0)
		memcpy(grown + bytes->len, data, len);
	bytes->data = grown;
	bytes->len += len;
}

void
fcgi_record(
    struct fcgi_bytes *bytes, int type, int id, const void *data, size_t len)
{
	const unsigned char header[HEADER_LEN] = {
	    1,
	    (unsigned char)type,
	    (unsigned char)(id >> 8),
	    (unsigned char)id,
	    (unsigned char)(len >> 8),
	    (unsigned char)len,
	    0,
	    0,
	};

	ck_assert_uint_le(len, UINT16_MAX);
	fcgi_append(bytes, header, sizeof(header));
	fcgi_append(bytes, data, len);
}

static void
append_length(struct fcgi_bytes *bytes, size_t len)
{
	const unsigned char encoded[] = {
	    (unsigned char)(len >> 24 | 0x80),
	    (unsigned char)(len >> 16),
	    (unsigned char)(len >> 8),
	    (unsigned char)len,
	};

	if (len < LONG_LENGTH)
		fcgi_append(bytes, encoded + 3, 1);
	else
		fcgi_append(bytes, encoded, sizeof(encoded));
}

void
fcgi_param(struct fcgi_bytes *params, const char *name, const char *value)
{
	append_length(params, strlen(name));
	append_length(params, strlen(value));
	fcgi_append(params, name, strlen(name));
	fcgi_append(params, value, strlen(value));
}

struct fcgi_bytes
fcgi_params(const char *method, const char *path, const char *user,
    const char *key, const char *body)
{
	struct fcgi_bytes params = {0};
	const char *query = strchr(path, '?');
	const char *bare =
	    query != NULL ? keep_text(path, (size_t)(query - path)) : path;

	fcgi_param(&params, "REQUEST_METHOD", method);
	fcgi_param(&params, "DOCUMENT_URI", bare);
	fcgi_param(&params, "QUERY_STRING", query != NULL ? query + 1 : "");
	fcgi_param(&params, "REMOTE_ADDR", "127.0.0.1");
	fcgi_param(&params, "REQUEST_ID", "0123456789abcdef0123456789abcdef");
	fcgi_param(&params, "HTTP_HOST", "localhost");
	if (user != NULL)
		fcgi_param(&params, "WITHDRAW_USER", user);
	if (key != NULL)
		fcgi_param(&params, "HTTP_IDEMPOTENCY_KEY", key);
	if (body != NULL) {
		fcgi_param(&params, "CONTENT_TYPE", "application/json");
		fcgi_param(&params, "CONTENT_LENGTH",
		    keep_format("%zu", strlen(body)));
	}
	return params;
}

struct fcgi_bytes
fcgi_request(const struct fcgi_bytes *params, const char *body, bool keep_open)
{
	const unsigned char begin[HEADER_LEN] = {
	    0, RESPONDER, keep_open ? KEEP_CONNECTION : 0};
	struct fcgi_bytes request = {0};

	fcgi_record(&request, FCGI_BEGIN_REQUEST, 1, begin, sizeof(begin));
	fcgi_record(&request, FCGI_PARAMS, 1, params->data, params->len);
	fcgi_record(&request, FCGI_PARAMS, 1, "", 0);
	if (body != NULL)
		fcgi_record(&request, FCGI_STDIN, 1, body, strlen(body));
	fcgi_record(&request, FCGI_STDIN, 1, "", 0);
	return request;
}

int
fcgi_connect(const char *path)
{
	int fd = usock_connect(path);

	ck_assert_msg(
	    fd >= 0, "could not connect to %s: %s", path, strerror(errno));
	return fd;
}

void
fcgi_send(int fd, const struct fcgi_bytes *bytes)
{
	size_t sent = 0;

	while (sent < bytes->len) {
		ssize_t n = send(
		    fd, bytes->data + sent, bytes->len - sent, MSG_NOSIGNAL);

		/* a peer that closes on nonsense may do so before its end */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		ck_assert_msg(n > 0, "could not send: %s", strerror(errno));
		sent += (size_t)n;
	}
}

/* What the peer sent next; 0 where it has closed. */
static size_t
receive_some(int fd, void *data, size_t size)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t n;

	ck_assert_msg(poll(&wait, 1, ANSWER_LIMIT_MS) == 1,
	    "neither an answer nor a closed connection");
	n = recv(fd, data, size, 0);
	return n > 0 ? (size_t)n : 0;
}

static bool
receive_exactly(int fd, unsigned char *data, size_t len)
{
	size_t have = 0;

	while (have < len) {
		size_t n = receive_some(fd, data + have, len - have);

		if (n == 0)
			return false;
		have += n;
	}
	return true;
}

/* Cuts a CGI response into status, headers and body. */
static struct http_response
parse_response(const struct fcgi_bytes *output)
{
	struct http_response response = {0};
	const char *text = keep_text(output->data, output->len);
	const char *end = strstr(text, "\r\n\r\n");
	const char *status;

	ck_assert_msg(end != NULL, "no end of the headers in: %s", text);
	response.headers = keep_text(text, (size_t)(end + 2 - text));
	response.body = end + 4;
	response.body_len = output->len - (size_t)(end + 4 - text);
	response.error = "";
	status = http_header(&response, "Status");
	response.status = status != NULL ? (int)strtol(status, NULL, 10) : 200;
	return response;
}

struct http_response
fcgi_receive(int fd)
{
	struct fcgi_bytes output = {0};
	unsigned char header[HEADER_LEN];

	while (receive_exactly(fd, header, sizeof(header))) {
		size_t len = (size_t)(header[4] << 8 | header[5]);
		size_t padding = header[6];
		unsigned char *data = keep(len + padding + 1);

		if (!receive_exactly(fd, data, len + padding))
			break;
		if (header[1] == FCGI_STDOUT)
			fcgi_append(&output, data, len);
		if (header[1] == FCGI_END_REQUEST)
			return parse_response(&output);
	}
	return (struct http_response){
	    .error = "connection closed", .headers = "", .body = ""};
}

void
fcgi_wait_closed(int fd)
{
	char data[4096];

	while (receive_some(fd, data, sizeof(data)) > 0)
		;
}

struct http_response
fcgi_ask(const char *path, const struct fcgi_bytes *params, const char *body)
{
	struct fcgi_bytes request = fcgi_request(params, body, false);
	int fd = fcgi_connect(path);
	struct http_response response;

	fcgi_send(fd, &request);
	response = fcgi_receive(fd);
	close(fd);
	return response;
}
