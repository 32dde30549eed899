/*
 * Requests through nginx by curl's multi interface: see http.h. Each batch
 * is driven by a thread of its own, so that a test can look at the servers
 * while requests are under way. A multi handle keeps its connections and is
 * used again by a later batch.
 */
#include "http.h"

#include <check.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support.h"

enum {
	ANSWER_LIMIT_MS = 60000, /* longer than anything may take */
	POLL_MS = 1000,
	KEPT_CONNECTIONS = 512,
	MULTIS_MAX = 16,
};

struct text {
	char *data;
	size_t len;
};

struct transfer {
	CURL *easy;
	struct curl_slist *headers_out;
	struct text headers;
	struct text body;
	CURLcode code;
};

struct http_batch {
	CURLM *multi;
	pthread_t thread;
	size_t n;
	atomic_size_t done;
	struct transfer *transfers;
	struct http_batch *next; /* of those under way */
};

/* Only the test's own thread takes and gives back. */
static CURLM *idle_multis[MULTIS_MAX];
static size_t idle_count;
static struct http_batch *under_way;

static size_t
on_data(char *data, size_t size, size_t count, void *arg)
{
	struct text *text = arg;
	size_t len = size * count;
	char *grown = realloc(text->data, text->len + len + 1);

	if (grown == NULL)
		abort();
	memcpy(grown + text->len, data, len);
	text->len += len;
	grown[text->len] = '\0';
	text->data = grown;
	return len;
}

static CURLM *
take_multi(void)
{
	CURLM *multi;

	if (idle_count > 0)
		return idle_multis[--idle_count];
	multi = curl_multi_init();
	ck_assert_ptr_nonnull(multi);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	return multi;
}

static void
give_back_multi(CURLM *multi)
{
	if (idle_count < MULTIS_MAX)
		idle_multis[idle_count++] = multi;
	else
		curl_multi_cleanup(multi);
}

static void
add_header(struct transfer *transfer, const char *header)
{
	transfer->headers_out =
	    curl_slist_append(transfer->headers_out, header);
	ck_assert_ptr_nonnull(transfer->headers_out);
}

static void
add_body(struct transfer *transfer, const struct http_request *request)
{
	size_t len = request->body_len;

	if (len == 0 && request->body != NULL)
		len = strlen(request->body);
	if (request->body != NULL) {
		const char *type = request->content_type;

		add_header(transfer,
		    keep_format("Content-Type: %s",
			type != NULL ? type : "application/json"));
	} else {
		/* a POST without a body has no type either */
		add_header(transfer, "Content-Type:");
	}
	add_header(transfer, "Expect:");
	curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE, (long)len);
	curl_easy_setopt(transfer->easy, CURLOPT_COPYPOSTFIELDS,
	    request->body != NULL ? request->body : "");
}

static void
prepare(struct transfer *transfer, const struct http_request *request)
{
	CURL *easy = curl_easy_init();
	const char *method = request->method;

	ck_assert_ptr_nonnull(easy);
	transfer->easy = easy;
	if (method == NULL)
		method = "GET";
	curl_easy_setopt(easy, CURLOPT_URL,
	    keep_format("%s%s", setting("BASE_URL"), request->path));
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (request->from != NULL)
		curl_easy_setopt(easy, CURLOPT_INTERFACE, request->from);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ANSWER_LIMIT_MS);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer->body);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer->headers);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	if (request->user != NULL) {
		const char *password = request->password;

		if (password == NULL)
			password = keep_format("user%s", request->user);
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERPWD,
		    keep_format("user%s:%s", request->user, password));
	}
	if (request->key != NULL)
		add_header(
		    transfer, keep_format("Idempotency-Key: %s", request->key));
	for (size_t i = 0;
	     i < sizeof(request->headers) / sizeof(request->headers[0]); i++)
		if (request->headers[i] != NULL)
			add_header(transfer, request->headers[i]);
	if (request->body != NULL || strcmp(method, "POST") == 0)
		add_body(transfer, request);
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers_out);
}

static void
collect(struct http_batch *batch)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(batch->multi, &left)) != NULL) {
		struct transfer *transfer;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &transfer);
		transfer->code = message->data.result;
		atomic_fetch_add(&batch->done, 1);
	}
}

static void *
drive(void *arg)
{
	struct http_batch *batch = arg;
	int running;

	do {
		curl_multi_perform(batch->multi, &running);
		collect(batch);
		if (running > 0)
			curl_multi_poll(batch->multi, NULL, 0, POLL_MS, NULL);
	} while (running > 0);
	return NULL;
}

struct http_batch *
http_begin(const struct http_request *requests, size_t n)
{
	struct http_batch *batch = keep(sizeof(*batch));

	batch->n = n;
	batch->multi = take_multi();
	batch->transfers = keep(n * sizeof(*batch->transfers));
	for (size_t i = 0; i < n; i++) {
		prepare(&batch->transfers[i], &requests[i]);
		curl_multi_add_handle(batch->multi, batch->transfers[i].easy);
	}
	ck_assert_int_eq(pthread_create(&batch->thread, NULL, drive, batch), 0);
	batch->next = under_way;
	under_way = batch;
	return batch;
}

size_t
http_done(struct http_batch *batch)
{
	return atomic_load(&batch->done);
}

static void
finish_transfer(struct http_batch *batch, struct transfer *transfer,
    struct http_response *response)
{
	long status = 0;
	curl_off_t us = 0;

	if (transfer->code == CURLE_OK)
		curl_easy_getinfo(
		    transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &us);
	*response = (struct http_response){
	    .status = (int)status,
	    .error = curl_easy_strerror(transfer->code),
	    .headers = keep_text(transfer->headers.data, transfer->headers.len),
	    .body = keep_text(transfer->body.data, transfer->body.len),
	    .body_len = transfer->body.len,
	    .ms = (long)(us / 1000),
	};
	curl_multi_remove_handle(batch->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers_out);
	free(transfer->headers.data);
	free(transfer->body.data);
}

struct http_response *
http_finish(struct http_batch *batch)
{
	struct http_response *responses = keep(batch->n * sizeof(*responses));
	struct http_batch **link = &under_way;

	while (*link != batch)
		link = &(*link)->next;
	*link = batch->next;
	pthread_join(batch->thread, NULL);
	for (size_t i = 0; i < batch->n; i++)
		finish_transfer(batch, &batch->transfers[i], &responses[i]);
	give_back_multi(batch->multi);
	return responses;
}

struct http_response *
http_send_all(const struct http_request *requests, size_t n)
{
	return http_finish(http_begin(requests, n));
}

struct http_response
http_send(const struct http_request *request)
{
	return http_send_all(request, 1)[0];
}

const char *
http_header(const struct http_response *response, const char *name)
{
	size_t name_len = strlen(name);
	const char *value = NULL;
	const char *line = response->headers;

	while (*line != '\0') {
		size_t len = strcspn(line, "\r\n");

		if (len > name_len && line[name_len] == ':' &&
		    strncasecmp(line, name, name_len) == 0) {
			const char *start = line + name_len + 1;

			ck_assert_msg(value == NULL, "two headers %s in:\n%s",
			    name, response->headers);
			start += strspn(start, " ");
			value = keep_text(start, (size_t)(line + len - start));
		}
		line += len;
		line += strspn(line, "\r\n");
	}
	return value;
}

void
http_finish_all(void)
{
	while (under_way != NULL)
		http_finish(under_way);
}

void
http_close_idle(void)
{
	while (idle_count > 0)
		curl_multi_cleanup(idle_multis[--idle_count]);
}
