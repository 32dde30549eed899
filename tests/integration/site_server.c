/* An nginx of the test's own: see site_server.h. */
#include "site_server.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "http.h"
#include "instance.h"
#include "json.h"
#include "login.h"
#include "order.h"
#include "stack.h"
#include "support.h"

static struct {
	struct instance nginx; /* pid 0: none */
	enum site_identity identity;
	char *base_url; /* what it was before */
} site;

static const char *const identities[] = {"session", "auth-request"};

static bool
listens(const char *folder)
{
	/* nginx refuses this itself: neither the login nor withdrawd has
	 * a connection from it */
	struct http_request request = {.method = "TRACE", .path = "/"};
	const char *url = read_file(keep_format("%s/url", folder));

	ck_assert_msg(!instance_ended(&site.nginx), "nginx ended: %s",
	    read_file(site.nginx.log));
	if (strchr(url, '\n') == NULL)
		return false;
	setenv("BASE_URL", keep_text(url, strcspn(url, "\n")), 1);
	return http_send(&request).status != 0;
}

void
site_start(enum site_identity identity, const char *socket)
{
	const char *folder = stack_folder();
	const char *port = keep_format("%d", login_start());

	site.identity = identity;
	site.base_url = strdup(setting("BASE_URL"));
	site.nginx.log = keep_format("%s/log", folder);
	site.nginx.pid = fork();
	ck_assert_int_ge(site.nginx.pid, 0);
	if (site.nginx.pid == 0) {
		int fd = open(site.nginx.log, O_WRONLY | O_CREAT, 0644);

		if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
		    dup2(fd, STDERR_FILENO) >= 0)
			execl("tests/servers.sh", "tests/servers.sh", "site",
			    folder, identities[identity], port, socket,
			    (char *)NULL);
		_exit(127);
	}
	WAIT_UNTIL(listens(folder));
}

void
site_stop(void)
{
	if (site.nginx.pid != 0) {
		kill(site.nginx.pid, SIGKILL);
		waitpid(site.nginx.pid, NULL, 0);
		site.nginx.pid = 0;
		setenv("BASE_URL", site.base_url, 1);
		free(site.base_url);
	}
	/* waits for nginx to close what it has asked */
	login_stop();
}

const char *
site_login_cookie(const char *who)
{
	return keep_format("Cookie: a=b; who=%s", who);
}

static bool
redis_is_up(void)
{
	struct http_request health = {.path = "/api/health"};
	struct http_response answer = http_send(&health);

	return answer.status == 200 &&
	    strcmp(json_get(answer.body, "redis"), "up") == 0;
}

static const char *
begin_session(const char *user)
{
	static const char name[] = "withdraw_session=";
	const char *who = keep_format("s%s.%.8s", user, order_id());
	struct command add = CTL("user", "add", who, user);
	struct http_request request = {
	    .method = "POST",
	    .path = "/api/session",
	    .body = keep_format(
		"{\"name\": \"%s\", \"password\": \"a password\"}", who),
	};
	struct http_response answer;
	const char *cookie;

	add.in = "a password\n";
	expect_done(command_run(&add));
	/* a test before this one may have taken it away */
	WAIT_UNTIL(redis_is_up());
	answer = http_send(&request);
	ck_assert_msg(
	    answer.status == 201, "%d %s", answer.status, answer.body);
	cookie = http_header(&answer, "Set-Cookie");
	ck_assert_ptr_nonnull(cookie);
	ck_assert_ptr_eq(strstr(cookie, name), cookie);
	return keep_format(
	    "Cookie: a=b; %.*s", (int)strcspn(cookie, ";"), cookie);
}

const char *
site_sign_in(const char *user)
{
	return site.identity == SITE_LOGIN ? site_login_cookie(user)
					   : begin_session(user);
}
