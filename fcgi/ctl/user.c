/* user.c: withdrawctl user ...: who may sign in, for sites that use the
 * sign-in of ours. A password is read from the terminal, unseen, or as a line
 * of standard input, never from the command line, and hashed here: Postgres
 * gets the hash alone. */
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/actor.h"
#include "ctl/check.h"
#include "ctl/command.h"
#include "ctl/db.h"
#include "ctl/output.h"
#include "ctl/query.h"
#include "ctl/sql.h"
#include "signin/signin.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define SHORT    8 /* a password below this is worth a word */

/* --- the password -------------------------------------------------------- */

/* A line without its end. Returns false at the end of the input, or if the
 * line is too long. */
static bool
read_line(char out[PASSWORD_TEXT])
{
	size_t len;

	if (fgets(out, PASSWORD_TEXT, stdin) == NULL)
		return false;
	len = strlen(out);
	if (len > 0 && out[len - 1] == '\n')
		out[--len] = '\0';
	else if (len + 1 == PASSWORD_TEXT)
		return false;
	return len > 0;
}

static bool
ask_unseen(const char *question, char out[PASSWORD_TEXT])
{
	struct termios before, unseen;
	bool read;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	unseen = before;
	unseen.c_lflag &= (tcflag_t)~ECHO;
	fputs(question, stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
	read = read_line(out);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return read;
}

static bool
read_password(char out[PASSWORD_TEXT])
{
	char again[PASSWORD_TEXT];
	bool read, same = true;

	if (isatty(STDIN_FILENO)) {
		read = ask_unseen("Password: ", out) &&
		    ask_unseen("Once more: ", again);
		same = read && strcmp(out, again) == 0;
		explicit_bzero(again, sizeof(again));
	} else
		read = read_line(out);
	if (!read)
		ctl_complain("nothing was done: the password must be a line of "
			     "1 to %d bytes",
		    PASSWORD_TEXT - 2);
	else if (!same)
		ctl_complain("nothing was done: the two are not the same");
	else if (strlen(out) < SHORT)
		ctl_complain("the password is short; it is taken as it is");
	return read && same;
}

/* For free(); the password is wiped. */
static char *
hash_password(char password[PASSWORD_TEXT])
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	char *setting = crypt_gensalt_ra("$y$", 0, NULL, 0), *made = NULL;

	if (setting != NULL)
		made = crypt_r(password, setting, data);
	if (made == NULL || made[0] == '*')
		fatalx("could not hash the password");
	made = strdup(made);
	if (made == NULL)
		fatalx("out of memory");
	explicit_bzero(password, PASSWORD_TEXT);
	explicit_bzero(data, sizeof(*data));
	free(data);
	free(setting);
	return made;
}

/* --- commands ------------------------------------------------------------ */

static bool
check_name(const char *text, char name[SESSION_NAME])
{
	if (signin_name(text, name))
		return true;
	ctl_complain(
	    "the name is \"%s\": it must be 1 to 64 letters, digits or "
	    "._@+-, and begin with a letter or a digit",
	    text);
	return false;
}

static const struct ctl_field user_fields[] = {
    {"name", CTL_TEXT},
    {"user_id", CTL_NUMBER},
    {"disabled", CTL_BOOL},
};

/* columns: how many of user_fields the rows have. */
static enum ctl_exit
change(const struct ctl_args *args, const char *sql, const char *const params[],
    int nparams, const char *verb, int columns)
{
	char subject[80];
	const struct ctl_change change = {
	    sql, params, nparams, subject, verb, "", false, "user list"};
	struct ctl_rows *rows;
	enum ctl_exit code;

	snprintf(subject, sizeof(subject), "user %s", params[0]);
	code = ctl_apply(&change, &rows);
	if (code != CTL_OK)
		return code;
	if (ctl_rows_count(rows) > 0)
		return ctl_print_changed(
		    args, &change, user_fields, columns, &rows);
	ctl_rows_free(&rows);
	ctl_complain(
	    "user %s was not %s: there is no such name", params[0], verb);
	return CTL_WRONG;
}

enum ctl_exit
ctl_user_add(const struct ctl_args *args)
{
	char name[SESSION_NAME], password[PASSWORD_TEXT], *hash;
	const char *params[5] = {name, args->operand[1], NULL, ctl_actor(),
	    args->option[CTL_REASON]};
	enum ctl_exit code;

	if (!check_name(args->operand[0], name) ||
	    !ctl_check_user(args->operand[1]) || !read_password(password))
		return CTL_FAILED;
	params[2] = hash = hash_password(password);
	code = change(args,
	    "SELECT name, user_id "
	    "FROM sign_in_add($1, $2::bigint, $3, $4, $5)",
	    params, COUNT(params), "added", 2);
	free(hash);
	return code;
}

enum ctl_exit
ctl_user_passwd(const struct ctl_args *args)
{
	char name[SESSION_NAME], password[PASSWORD_TEXT], *hash;
	const char *params[4] = {
	    name, NULL, ctl_actor(), args->option[CTL_REASON]};
	enum ctl_exit code;

	if (!check_name(args->operand[0], name) || !read_password(password))
		return CTL_FAILED;
	params[1] = hash = hash_password(password);
	code = change(args,
	    "SELECT name, user_id FROM sign_in_passwd($1, $2, $3, $4)", params,
	    COUNT(params), "changed", 2);
	free(hash);
	return code;
}

static enum ctl_exit
disable(const struct ctl_args *args, const char *disabled, const char *verb)
{
	char name[SESSION_NAME];
	const char *params[] = {
	    name, disabled, ctl_actor(), args->option[CTL_REASON]};

	if (!check_name(args->operand[0], name))
		return CTL_FAILED;
	return change(args,
	    "SELECT name, user_id, disabled "
	    "FROM sign_in_disable($1, $2::boolean, $3, $4)",
	    params, COUNT(params), verb, 3);
}

enum ctl_exit
ctl_user_disable(const struct ctl_args *args)
{
	return disable(args, "t", "disabled");
}

enum ctl_exit
ctl_user_enable(const struct ctl_args *args)
{
	return disable(args, "f", "enabled");
}

enum ctl_exit
ctl_user_list(const struct ctl_args *args)
{
	static const struct ctl_field fields[] = {
	    {"name", CTL_TEXT},
	    {"user_id", CTL_NUMBER},
	    {"disabled", CTL_BOOL},
	    {"created_at", CTL_TEXT},
	    {"changed_at", CTL_TEXT},
	};
	static const char sql[] =
	    "SELECT s.name, s.user_id, s.disabled, "
	    "to_char(s.created_at" CTL_SQL_UTC ", "
	    "to_char(s.changed_at" CTL_SQL_UTC " FROM sign_in s "
	    "WHERE ($1::bigint IS NULL OR s.user_id = $1::bigint) "
	    "ORDER BY s.name LIMIT $2::bigint";
	const char *params[] = {args->option[CTL_USER], NULL};
	char order[UUID_TEXT];

	if (!ctl_check_whose(args, order) ||
	    !ctl_check_limit(args, "20", CTL_LIMIT_MAX, &params[1]))
		return CTL_FAILED;
	return ctl_read_list(
	    args, "users", fields, COUNT(fields), sql, params, COUNT(params));
}
