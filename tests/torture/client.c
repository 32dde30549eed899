/* client.c: people who withdraw, as the page does it, and less patiently.
 *
 *   torture-client URL HISTORY SEED FIRST_USER USERS ORDERS_PER_S WAIT_S
 *
 * An order is made, then brought to its final answer by one tab or two, with
 * fresh tokens, old ones and none, double clicks, looks, giving up on answers
 * that take too long, closing for good, going away and coming back. Long
 * after its end it is asked again, also for another amount, and by others.
 *
 * On USR1 (faults have ended) no new order is made; those that there are go
 * on until all are final, for WAIT_S at most, and each is sent once more. On
 * TERM it ends. It judges nothing: all answers are in HISTORY. HISTORY.final
 * is touched when the ledger has given a final answer, and no record of it.
 *
 * Exit status: 0, or 2 if it could not work. */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"
#include "random.h"

enum {
	FAILED = 2,
	COPIES_MAX = 5,    /* clicks at once */
	TABS_MAX = 900,    /* at work at the same time */
	LAST_AT_ONCE = 64, /* of the last round */
	SERVE_MS = 2,
	HOT_USERS = 6, /* have a third of the orders */
};

struct order {
	int64_t user;
	char id[40];
	char amount[32];
	int tabs; /* that have not come to its end */
};

enum aim {
	AIM_FINISH, /* bring it to its final answer */
	AIM_REPLAY, /* ask once more about what is final */
	AIM_PEEK,   /* ask for somebody else's */
};

/* Somebody's view on an order. */
struct tab {
	struct tab *next;
	size_t order;
	int64_t user; /* who asks */
	enum aim aim;
	int client;
	int64_t at;   /* does the next thing then */
	int pause_ms; /* between tries, doubled each time */
	int tries;
	int gives_up;    /* closes it for good after so many; 0: never */
	int under_way;   /* of the copies that it has sent */
	int retry_after; /* what the answers asked for, in seconds */
	bool final;
	bool away; /* looks first when it comes back */
	char token[40];
};

static volatile sig_atomic_t calm_came, stop_came;

static struct random dice;
static struct order *orders;
static size_t norders, room;
static struct tab *tabs;
static size_t ntabs, nworking;
static int64_t first_user;
static int users;
static int next_client;
static bool calm;
static size_t last_left;
static int final_fd; /* of HISTORY.final */

static void
on_signal(int signal)
{
	if (signal == SIGUSR1)
		calm_came = 1;
	else
		stop_came = 1;
}

/* --- orders ------------------------------------------------------------- */

static int64_t
some_user(void)
{
	if (random_percent(&dice, 33))
		return first_user + random_int(&dice, 0, HOT_USERS - 1);
	return first_user + random_int(&dice, 0, users - 1);
}

static size_t
new_order(int64_t user)
{
	uint64_t a = random_next(&dice), b = random_next(&dice);
	int cents = random_int(&dice, 100, 6000);
	struct order *o;

	if (norders == room) {
		room = room == 0 ? 4096 : 2 * room;
		orders = realloc(orders, room * sizeof(*orders));
		if (orders == NULL)
			errx(FAILED, "out of memory");
	}
	o = &orders[norders];
	*o = (struct order){.user = user};
	snprintf(o->id, sizeof(o->id), "%08x-%04x-4%03x-8%03x-%04x%08x",
	    (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff,
	    (unsigned)a & 0xfff, (unsigned)(b >> 48) & 0xfff,
	    (unsigned)(b >> 32) & 0xffff, (unsigned)b);
	snprintf(
	    o->amount, sizeof(o->amount), "%d.%02d", cents / 100, cents % 100);
	return norders++;
}

static struct tab *
open_tab(size_t order, int64_t user, enum aim aim, int delay_ms)
{
	struct tab *t = calloc(1, sizeof(*t));

	if (t == NULL)
		errx(FAILED, "out of memory");
	t->order = order;
	t->user = user;
	t->aim = aim;
	t->client = ++next_client;
	t->at = history_now() + (int64_t)delay_ms * 1000;
	t->pause_ms = random_int(&dice, 10, 60);
	t->next = tabs;
	tabs = t;
	ntabs++;
	if (aim == AIM_FINISH) {
		orders[order].tabs++;
		nworking++;
		if (random_percent(&dice, 8))
			t->gives_up = random_int(&dice, 1, 4);
	}
	return t;
}

/* One intent, or several at once that compete for the money of one user. */
static void
begin_orders(void)
{
	int n = random_percent(&dice, 25) ? random_int(&dice, 2, 4) : 1;
	int64_t user = some_user();

	while (n-- > 0) {
		size_t order = new_order(user);

		open_tab(order, user, AIM_FINISH, 0);
		if (random_percent(&dice, 25)) /* a second tab */
			open_tab(
			    order, user, AIM_FINISH, random_int(&dice, 0, 30));
		if (random_percent(&dice, 2))
			open_tab(order, some_user(), AIM_PEEK,
			    random_int(&dice, 0, 300))
			    ->tries = 1;
	}
}

/* What comes after its end, soon or long after. */
static void
order_ended(size_t order)
{
	int n = random_int(&dice, 0, 2);

	if (calm)
		return;
	while (n-- > 0)
		open_tab(order, orders[order].user, AIM_REPLAY,
		    random_int(
			&dice, 0, random_percent(&dice, 60) ? 500 : 60000));
	if (random_percent(&dice, 3))
		open_tab(
		    order, some_user(), AIM_PEEK, random_int(&dice, 0, 2000));
}

/* --- what a tab does ---------------------------------------------------- */

static void answered(struct http_call *call, const struct answer *a);

static void
ask(struct tab *t, enum kind kind, const char *amount, const char *token)
{
	const struct order *o = &orders[t->order];
	struct http_call call = {.kind = kind,
	    .client = t->client,
	    .user = t->user,
	    .done = answered,
	    .owner = t};

	snprintf(call.order, sizeof(call.order), "%s", o->id);
	snprintf(call.asked, sizeof(call.asked), "%s", amount);
	snprintf(call.token, sizeof(call.token), "%s", token);
	/* most wait; some leave while it is under way */
	call.timeout_ms = random_percent(&dice, 96)
	    ? random_int(&dice, 3000, 7000)
	    : random_int(&dice, 2, 60);
	t->under_way++;
	http_send(&call);
}

/* Clicks: all with the one token that the tab has. */
static void
click(struct tab *t)
{
	int n =
	    random_percent(&dice, 35) ? random_int(&dice, 2, COPIES_MAX) : 1;

	while (n-- > 0)
		ask(t, KIND_WITHDRAW, orders[t->order].amount, t->token);
	if (!random_percent(&dice, 25)) /* else it is tried again */
		t->token[0] = '\0';
}

static void
finish_step(struct tab *t)
{
	if (t->gives_up > 0 && t->tries >= t->gives_up) {
		ask(t, KIND_VOID, "-", "");
	} else if (t->away || (t->tries > 0 && random_percent(&dice, 12))) {
		t->away = false;
		ask(t, KIND_SHOW, "-", "");
	} else if (t->token[0] == '\0' && random_percent(&dice, 94)) {
		ask(t, KIND_TOKEN, "-", "");
	} else {
		click(t);
	}
	t->tries++;
}

static void
replay_step(struct tab *t)
{
	const struct order *o = &orders[t->order];
	int what = random_int(&dice, 0, 99);

	if (what < 55)
		ask(t, KIND_WITHDRAW, o->amount, "");
	else if (what < 70)
		ask(t, KIND_SHOW, "-", "");
	else if (what < 80)
		ask(t, KIND_VOID, "-", "");
	else if (what < 90)
		ask(t, KIND_WITHDRAW, "61.00", ""); /* nobody's amount */
	else if (what < 95)
		ask(t, KIND_ACCOUNT, "-", "");
	else
		ask(t, KIND_LIST, "-", "");
}

/* Before the order is final (tries is 1) it is only looked at: whoever sends
 * somebody else's number first has it. */
static void
peek_step(struct tab *t)
{
	const struct order *o = &orders[t->order];

	if (t->user == o->user)
		t->user = first_user + (o->user - first_user + 1) % users;
	if (t->tries > 0 || random_percent(&dice, 40))
		ask(t, KIND_SHOW, "-", "");
	else if (random_percent(&dice, 50))
		ask(t, KIND_WITHDRAW, o->amount, "");
	else
		ask(t, KIND_VOID, "-", "");
}

static void
step(struct tab *t)
{
	switch (t->aim) {
	case AIM_FINISH:
		finish_step(t);
		break;
	case AIM_REPLAY:
		replay_step(t);
		break;
	case AIM_PEEK:
		peek_step(t);
		break;
	}
}

/* When to try again: ever later, and mostly as long as was asked for. */
static void
back_off(struct tab *t)
{
	int64_t pause = random_int(&dice, t->pause_ms / 2, t->pause_ms);

	t->pause_ms = t->pause_ms * 2 < 1500 ? t->pause_ms * 2 : 1500;
	if (t->retry_after > 0 && random_percent(&dice, 60))
		pause = t->retry_after * 1000 + random_int(&dice, 0, 200);
	if (!calm && random_percent(&dice, 2)) {
		t->away = true; /* closed, and opened again much later */
		pause = random_int(&dice, 5000, 40000);
	}
	t->retry_after = 0;
	t->at = history_now() + pause * 1000;
}

static void
close_tab(struct tab *t)
{
	struct tab **link = &tabs;

	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
	ntabs--;
	if (t->aim == AIM_FINISH) {
		nworking--;
		if (--orders[t->order].tabs == 0)
			order_ended(t->order);
	}
	free(t);
}

static void
answered(struct http_call *call, const struct answer *a)
{
	struct tab *t = call->owner;

	t->under_way--;
	if (call->kind == KIND_TOKEN) {
		if (a->status == 201)
			snprintf(t->token, sizeof(t->token), "%s", a->token);
	} else if (answer_is_final(a)) {
		t->final = true;
		if (!a->replayed)
			futimens(final_fd, NULL);
	}
	if (a->retry_after > t->retry_after)
		t->retry_after = a->retry_after;
	if (t->under_way > 0)
		return;
	if (t->aim != AIM_FINISH || t->final)
		close_tab(t);
	else if (call->kind == KIND_TOKEN && t->token[0] != '\0')
		t->at = 0;
	else
		back_off(t);
}

/* --- the run ------------------------------------------------------------ */

static void
serve_tabs(void)
{
	int64_t now = history_now();
	struct tab *t, *next;

	for (t = tabs; t != NULL; t = next) {
		next = t->next;
		if (t->under_way == 0 && t->at <= now)
			step(t);
	}
}

static void
begin_calm(FILE *history)
{
	const struct answer none = {.state = "-",
	    .code = "-",
	    .safe = "-",
	    .record = "-",
	    .amount = "-",
	    .balance = "-",
	    .version = "-",
	    .named = "-"};
	struct tab *t, *next;

	calm = true;
	history_line(history, history_now(), 0, 0, "-", "calm", "-", &none);
	for (t = tabs; t != NULL; t = next) {
		next = t->next;
		if (t->under_way > 0)
			continue;
		if (t->aim != AIM_FINISH)
			close_tab(t);
		else
			t->at = 0; /* whoever was away comes back */
	}
}

static void
last_answered(struct http_call *call, const struct answer *a)
{
	(void)call, (void)a;
	last_left--;
}

/* Every order once more, long after. */
static void
last_round(void)
{
	size_t i;

	for (i = 0; i < norders && !stop_came; i++) {
		struct http_call call = {.kind = KIND_WITHDRAW,
		    .user = orders[i].user,
		    .timeout_ms = 7000,
		    .done = last_answered};

		snprintf(call.order, sizeof(call.order), "%s", orders[i].id);
		snprintf(
		    call.asked, sizeof(call.asked), "%s", orders[i].amount);
		last_left++;
		http_send(&call);
		while (last_left >= LAST_AT_ONCE)
			http_serve(100);
	}
	while (last_left > 0)
		http_serve(100);
}

static void
run(FILE *history, int orders_per_s, int wait_s)
{
	int64_t begun = history_now(), calm_at = 0, made = 0;

	while (!stop_came) {
		int64_t now = history_now();

		if (calm_came && !calm) {
			begin_calm(history);
			calm_at = now;
		}
		if (calm &&
		    (nworking == 0 ||
			now - calm_at > (int64_t)wait_s * 1000000))
			break;
		/* what a store that was down has held up is not made up for */
		while (!calm && made < (now - begun) * orders_per_s / 1000000) {
			made++;
			if (nworking < TABS_MAX)
				begin_orders();
		}
		serve_tabs();
		http_serve(SERVE_MS);
	}
	if (nworking == 0)
		last_round();
	while (http_under_way() > 0)
		http_serve(100);
}

static void
open_final(const char *history)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s.final", history);
	final_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (final_fd == -1)
		err(FAILED, "%s", path);
}

int
main(int argc, char *argv[])
{
	const struct sigaction action = {.sa_handler = on_signal};
	FILE *history;

	if (argc != 8)
		errx(FAILED,
		    "usage: torture-client URL HISTORY SEED "
		    "FIRST_USER USERS ORDERS_PER_S WAIT_S");
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	dice.state =
	    strtoull(argv[3], NULL, 10) * 2654435761U + 88172645463325252U;
	first_user = strtoll(argv[4], NULL, 10);
	users = atoi(argv[5]);
	if (users <= HOT_USERS)
		errx(FAILED, "more than %d users are needed", HOT_USERS);
	history = fopen(argv[2], "w");
	if (history == NULL) {
		warn("%s", argv[2]);
		return FAILED;
	}
	open_final(argv[2]);
	http_start(argv[1], history);
	run(history, atoi(argv[6]), atoi(argv[7]));
	http_stop();
	close(final_fd);
	if (fclose(history) != 0)
		err(FAILED, "%s", argv[2]);
	printf("%zu requests, %zu orders, %zu left without a final answer\n",
	    http_sent(), norders, nworking);
	free(orders);
	return 0;
}
