/* http.c: see http.h. */
#include "http.h"

#include <curl/curl.h>
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_MAX = 8192, CONNECTIONS_MAX = 512, FAILED = 2 };

struct slot {
	struct slot *next; /* of those that are free */
	struct http_call call;
	CURL *easy;
	struct curl_slist *headers;
	bool replayed;
	int retry_after;
	char sent_body[128];
	char body[BODY_MAX + 1];
	size_t len;
};

static const char *const kinds[] = {[KIND_TOKEN] = "token",
    [KIND_WITHDRAW] = "withdraw",
    [KIND_SHOW] = "show",
    [KIND_VOID] = "void",
    [KIND_ACCOUNT] = "account",
    [KIND_LIST] = "list"};

static CURLM *multi;
static const char *base;
static FILE *out;
static struct slot *free_slots;
static size_t under_way, sent_count;

static size_t
on_body(char *data, size_t one, size_t n, void *arg)
{
	struct slot *s = arg;

	(void)one;
	if (n > BODY_MAX - s->len)
		return 0; /* no answer of ours is so long: it fails */
	memcpy(s->body + s->len, data, n);
	s->len += n;
	return n;
}

static size_t
on_header(char *data, size_t one, size_t n, void *arg)
{
	static const char replayed[] = "Idempotent-Replayed: true";
	static const char retry[] = "Retry-After: ";
	struct slot *s = arg;

	(void)one;
	if (n >= sizeof(replayed) - 1 &&
	    strncasecmp(data, replayed, sizeof(replayed) - 1) == 0)
		s->replayed = true;
	if (n >= sizeof(retry) &&
	    strncasecmp(data, retry, sizeof(retry) - 1) == 0)
		s->retry_after = atoi(data + sizeof(retry) - 1);
	return n;
}

void
http_start(const char *base_url, FILE *history)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (multi = curl_multi_init()) == NULL)
		errx(FAILED, "libcurl does not start");
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	base = base_url;
	out = history;
}

static struct slot *
take_slot(void)
{
	struct slot *s = free_slots;

	if (s != NULL) {
		free_slots = s->next;
		return s;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL || (s->easy = curl_easy_init()) == NULL)
		errx(FAILED, "out of memory");
	return s;
}

static void
set_url(struct slot *s)
{
	const struct http_call *c = &s->call;
	char url[256];

	switch (c->kind) {
	case KIND_TOKEN:
		snprintf(url, sizeof(url), "%s/api/token", base);
		break;
	case KIND_WITHDRAW:
		snprintf(url, sizeof(url), "%s/api/withdraw", base);
		break;
	case KIND_SHOW:
		snprintf(
		    url, sizeof(url), "%s/api/withdrawals/%s", base, c->order);
		break;
	case KIND_VOID:
		snprintf(url, sizeof(url), "%s/api/withdrawals/%s/void", base,
		    c->order);
		break;
	case KIND_ACCOUNT:
		snprintf(url, sizeof(url), "%s/api/account", base);
		break;
	case KIND_LIST:
		snprintf(url, sizeof(url), "%s/api/withdrawals?limit=5", base);
		break;
	}
	curl_easy_setopt(s->easy, CURLOPT_URL, url);
}

static void
set_body(struct slot *s)
{
	const struct http_call *c = &s->call;
	char key[80];

	s->headers = NULL;
	s->sent_body[0] = '\0';
	if (c->kind == KIND_TOKEN || c->kind == KIND_WITHDRAW) {
		snprintf(key, sizeof(key), "Idempotency-Key: \"%s\"", c->order);
		s->headers = curl_slist_append(s->headers, key);
	}
	if (c->kind == KIND_WITHDRAW) {
		s->headers = curl_slist_append(
		    s->headers, "Content-Type: application/json");
		snprintf(s->sent_body, sizeof(s->sent_body),
		    c->token[0] != '\0' ? "{\"amount\":\"%s\",\"token\":\"%s\"}"
					: "{\"amount\":\"%s\"}",
		    c->asked, c->token);
	}
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
	if (c->kind == KIND_SHOW || c->kind == KIND_ACCOUNT ||
	    c->kind == KIND_LIST) {
		curl_easy_setopt(s->easy, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->sent_body);
		curl_easy_setopt(
		    s->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(s->sent_body));
	}
}

void
http_send(const struct http_call *call)
{
	struct slot *s = take_slot();
	char who[64];

	s->call = *call;
	s->replayed = false;
	s->retry_after = 0;
	s->len = 0;
	curl_easy_reset(s->easy); /* its connections stay */
	set_url(s);
	set_body(s);
	/* the sign-ins of tests/servers.sh: the password is the name */
	snprintf(who, sizeof(who), "user%" PRId64 ":user%" PRId64, call->user,
	    call->user);
	curl_easy_setopt(s->easy, CURLOPT_USERPWD, who);
	curl_easy_setopt(s->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	s->call.sent = history_now();
	if (curl_multi_add_handle(multi, s->easy) != CURLM_OK)
		errx(FAILED, "libcurl takes no request");
	under_way++;
	sent_count++;
}

static void
ended(struct slot *s, CURLcode result)
{
	struct answer a = {.replayed = s->replayed,
	    .retry_after = s->retry_after,
	    .body = s->body};
	long status = 0;

	/* one that was cut off is none, whatever was in it */
	if (result == CURLE_OK) {
		curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
		a.len = s->len;
	}
	s->body[a.len] = '\0';
	a.status = (int)status;
	answer_read(&a);
	curl_multi_remove_handle(multi, s->easy);
	curl_slist_free_all(s->headers);
	history_line(out, s->call.sent, s->call.client, s->call.user,
	    s->call.kind == KIND_ACCOUNT || s->call.kind == KIND_LIST
		? "-"
		: s->call.order,
	    kinds[s->call.kind], s->call.asked, &a);
	if (s->call.kind == KIND_LIST)
		history_listed(
		    out, s->call.sent, s->call.client, s->call.user, &a);
	under_way--;
	s->call.done(&s->call, &a);
	s->next = free_slots;
	free_slots = s;
}

void
http_serve(int timeout_ms)
{
	CURLMsg *message;
	int n;

	if (curl_multi_poll(multi, NULL, 0, timeout_ms, NULL) != CURLM_OK ||
	    curl_multi_perform(multi, &n) != CURLM_OK)
		errx(FAILED, "libcurl failed");
	while ((message = curl_multi_info_read(multi, &n)) != NULL) {
		CURLcode result = message->data.result;
		struct slot *s;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &s);
		ended(s, result);
	}
}

void
http_stop(void)
{
	struct slot *s;

	while ((s = free_slots) != NULL) {
		free_slots = s->next;
		curl_easy_cleanup(s->easy);
		free(s);
	}
	curl_multi_cleanup(multi);
	curl_global_cleanup();
}

size_t
http_under_way(void)
{
	return under_way;
}

size_t
http_sent(void)
{
	return sent_count;
}
